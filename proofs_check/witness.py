"""Witnesses on disk: the instance that decided a claim, with its numbers, as JSON that a replay runs again."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pisa_lab._checks import choice
from pisa_lab.files import plain, write_text
from pisa_lab.stamp import stamp
from proofs_check import table
from proofs_check.claim import Claim, Finding, Verdict
from proofs_check.stored import COUNTS, FOLDER, FORMAT, TOLERANCE, bare_check, differences, read_document

__all__ = ["FOLDER", "TOLERANCES", "Replay", "Witness", "read_witness", "replay", "ship", "write_witness"]

TOLERANCES: Mapping[str, float] = {
    "V9-nsisa-fixed-points": 0.05,
    "V9-nsisa-fixed-points-in-runs": 0.05,
    "V9-nsisa-is-pisa": 0.05,
}
"""Relative tolerances of claims whose runs let rounding grow; all others have `TOLERANCE`.

Newton–Schulz multiplies rounding in every round: with other vector units the limits differ by half a per cent.
"""


@dataclasses.dataclass(frozen=True)
class Witness:
    """What a witness file says; ``verdict`` is that of the instance alone."""

    claim: str
    statement: str
    verdict: Verdict
    instance: Mapping[str, Any]
    numbers: Mapping[str, Any]
    tolerance: float
    stamp: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Replay:
    """What a replay found: fresh numbers and verdict, and each stored number that was not met, as one line of words."""

    claim: Claim
    witness: Witness
    numbers: Mapping[str, Any]
    verdict: Verdict
    differences: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        """Whether the verdict and every stored number came out again."""
        return not self.differences


def write_witness(finding: Finding, path: str | Path) -> None:
    """Write the witness of ``finding`` to ``path``, whole or not at all.

    Raises:
        ValueError: the finding kept no instance.
    """
    evidence = finding.evidence
    if evidence.instance is None:
        raise ValueError(f"finding: {finding.claim.name} kept no instance")
    document = {
        "format": FORMAT,
        "claim": finding.claim.name,
        "statement": finding.claim.statement,
        "verdict": str(evidence.verdict),
        "instance": plain(evidence.instance),
        "numbers": plain({k: v for k, v in evidence.numbers.items() if k not in COUNTS}),
        "tolerance": TOLERANCES.get(finding.claim.name, TOLERANCE),
        "stamp": stamp(),
    }
    write_text(path, json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_witness(path: str | Path) -> Witness:
    """Return the witness in the file ``path``.

    Raises:
        ValueError: it is missing, is not JSON of this form, or speaks of another statement than the claim does.
    """
    document = read_document(path)
    if not isinstance(document["claim"], str):
        raise ValueError(f"claim: {document['claim']!r} must be a name")
    claim = table.by_name(document["claim"])
    if document["statement"] != claim.statement:
        raise ValueError(f"statement: {document['statement']!r} is not that of {claim.name}, {claim.statement!r}")
    choice("verdict", document["verdict"], tuple(Verdict))
    return Witness(
        document["claim"],
        document["statement"],
        Verdict(document["verdict"]),
        document["instance"],
        document["numbers"],
        document["tolerance"],
        document["stamp"],
    )


_COUNTS = {"steps", "rounds", "replicates", "problems", "seeds", "clients", "batch", "dimension"}
_MOST = 10**6


def replay(path_or_name: str | Path) -> Replay:
    """Return what the claim's trial finds on the witness's instance now; a name stands for the shipped witness.

    Raises:
        ValueError: the file is no witness, the claim has no trial, or its trial cannot run on the instance.
    """
    witness = read_witness(_located(path_or_name))
    claim = table.by_name(witness.claim)
    if claim.trial is None:
        raise ValueError(f"claim: {claim.name} has no trial to replay")
    for name in _COUNTS & witness.instance.keys():
        entry = witness.instance[name]
        if isinstance(entry, int | float) and entry > _MOST:
            raise ValueError(f"instance: {name} = {entry:g}, at most {_MOST:,} can be waited for")
    try:
        numbers = plain(claim.trial(witness.instance))
        margin = float(numbers["margin"])
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError, MemoryError) as error:
        raise ValueError(f"instance: {claim.name} cannot run on it ({type(error).__name__}: {error})") from error
    verdict = Verdict.SUPPORTED if margin >= 0 else Verdict.REFUTED
    return Replay(claim, witness, numbers, verdict, tuple(_differences(witness, numbers, verdict)))


def _located(path_or_name: str | Path) -> Path:
    path = Path(path_or_name)
    shipped = FOLDER / f"{path_or_name}.json"
    if path.is_file() or not (path.suffix == "" and path.name == str(path_or_name)):
        return path
    if not shipped.is_file():
        raise ValueError(f"path: {str(path_or_name)!r} is neither a file nor a shipped witness of {FOLDER.name}/")
    return shipped


def _differences(witness: Witness, numbers: Mapping[str, Any], verdict: Verdict) -> list[str]:
    lines = [] if verdict is witness.verdict else [f"verdict: {witness.verdict} stored, {verdict} found"]
    return lines + differences(witness.numbers, numbers, witness.tolerance)


def ship() -> list[Path]:
    """Write the canonical witnesses (seed 0, quick) of the refuted claims, drop stale ones, and return the paths.

    Raises:
        ValueError: a claim was not refuted; a wrong witness is never shipped.
    """
    FOLDER.mkdir(exist_ok=True)
    paths = []
    for claim in table.CLAIMS:
        if claim.trial is None or claim.expected is not Verdict.REFUTED:
            continue
        finding = dataclasses.replace(claim, check=bare_check(claim)).run()
        if not finding.as_expected:
            raise ValueError(f"claim: {claim.name} gave {finding.evidence.verdict} ({finding.evidence.detail})")
        paths.append(FOLDER / f"{claim.name}.json")
        write_witness(finding, paths[-1])
    for stale in set(FOLDER.glob("*.json")) - set(paths):
        stale.unlink()
    return paths


if __name__ == "__main__":
    ship()

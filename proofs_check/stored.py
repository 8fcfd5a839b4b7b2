"""Stored numbers: the form of a witness file, and refutations that are held to the numbers of theirs."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pisa_lab.files import plain
from proofs_check.claim import Claim, Evidence, Verdict

FORMAT = 2
FOLDER = Path(__file__).with_name("witnesses")
"""The shipped witnesses: one for each claim with a trial that is expected to be refuted."""

KEYS = ("format", "claim", "statement", "verdict", "instance", "numbers", "tolerance", "stamp")
TOLERANCE = 1e-6
"""Relative, of a stored number: far above rounding on another machine, far below what a verdict turns on."""
LOOSEST = 0.1
"""A file that allows more than this compares nothing."""
ABSOLUTE = 1e-9
COUNTS = ("trials", "violations")
"""Numbers of a whole check, which a single trial does not have."""


def read_document(path: str | Path) -> dict[str, Any]:
    """Return the object in the witness file ``path``, its keys, format and tolerance checked.

    Raises:
        ValueError: it is missing or not JSON of this form.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"path: {str(path)!r} cannot be read as a witness ({error})") from error
    if not isinstance(document, dict) or set(document) != set(KEYS):
        raise ValueError(f"path: {str(path)!r} is not a witness, an object with {', '.join(KEYS)}")
    if document["format"] != FORMAT:
        raise ValueError(f"format: {document['format']!r} must be {FORMAT}")
    for name in ("instance", "numbers", "stamp"):
        if not isinstance(document[name], dict):
            raise ValueError(f"{name}: {document[name]!r} must be an object")
    if not (_is_number(document["tolerance"]) and 0 < document["tolerance"] <= LOOSEST):
        raise ValueError(f"tolerance: {document['tolerance']!r} must be a number in (0, {LOOSEST}]")
    return document


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def differences(stored: Mapping[str, Any], found: Mapping[str, Any], tolerance: float) -> list[str]:
    """Return one line for each number that is in one mapping only or differs by more than the relative tolerance."""
    pairs = {name: (stored.get(name), found.get(name)) for name in sorted({*stored, *found})}
    return [f"{name}: {a!r} stored, {b!r} found" for name, (a, b) in pairs.items() if not _met(a, b, tolerance)]


def _met(stored: Any, found: Any, tolerance: float) -> bool:
    """Return whether two JSON values agree, numbers to the tolerances."""
    if isinstance(stored, list) and isinstance(found, list):
        return len(stored) == len(found) and all(_met(a, b, tolerance) for a, b in zip(stored, found, strict=True))
    if _is_number(stored) and _is_number(found):
        return bool(abs(stored - found) <= tolerance * max(abs(stored), abs(found)) + ABSOLUTE)
    return bool(type(stored) is type(found) and stored == found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclasses.dataclass(frozen=True)
class StoredCheck:
    """A check whose refutation counts only where the stored witness comes out again, number by number.

    One bad instance is enough to refute, and a broken method is bad everywhere: that a run violates a statement says
    something about the method only if it violates it by the numbers that were found before.
    """

    claim: Claim

    def __call__(self, seed: int, effort: str) -> Evidence:
        """Return the evidence, INCONCLUSIVE with the numbers that were not met."""
        evidence = self.claim.check(seed, effort)
        if evidence.verdict is not Verdict.REFUTED:
            return evidence
        try:
            unmet = self._unmet(evidence)
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            unmet = [f"{type(error).__name__}: {error}"]
        if not unmet:
            return evidence
        detail = f"refuted, but not as stored: {'; '.join(unmet[:3])} ({evidence.detail})"
        return dataclasses.replace(evidence, verdict=Verdict.INCONCLUSIVE, detail=detail)

    def _unmet(self, evidence: Evidence) -> list[str]:
        document = read_document(FOLDER / f"{self.claim.name}.json")
        if document["statement"] != self.claim.statement:
            return [f"the witness is of {document['statement']!r}"]
        if plain(evidence.instance) == document["instance"]:
            numbers: Mapping[str, Any] = {k: v for k, v in evidence.numbers.items() if k not in COUNTS}
        else:
            assert self.claim.trial is not None, self.claim.name
            numbers = self.claim.trial(document["instance"])
        return differences(document["numbers"], plain(numbers), document["tolerance"])


def hold_to_witness(claim: Claim) -> Claim:
    """Return ``claim``, its check a `StoredCheck` where it is to be refuted by a trial."""
    if claim.trial is None or claim.expected is not Verdict.REFUTED:
        return claim
    return dataclasses.replace(claim, check=StoredCheck(claim))


def bare_check(claim: Claim) -> Callable[[int, str], Evidence]:
    """Return the claim's check as it was before it was held to a witness."""
    return claim.check.claim.check if isinstance(claim.check, StoredCheck) else claim.check

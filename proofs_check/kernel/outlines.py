"""The outline of each proof: the names of its steps, in order, as they were when the proof was last read by a person.

A proof that leaves out one of them, or has others, is not the proof that was read. `python -m
proofs_check.kernel.outlines` writes the file anew after a change; the difference is what has to be read.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

PATH = Path(__file__).parent.parent / "symbolic" / "outlines.json"


@functools.lru_cache
def read_outlines(path: Path = PATH) -> Mapping[str, tuple[str, ...]]:
    """Return claim name → the names of its proof's facts, at effort "quick"."""
    if not path.exists():
        return {}
    return {claim: tuple(names) for claim, names in json.loads(path.read_text(encoding="utf-8")).items()}


def departures(outline: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return how ``names`` depart from the outline; a longer proof (effort "full") may have more, in between."""
    rest = iter(names)
    missing = [name for name in outline if name not in rest]
    return tuple(f"the proof lacks the step {name!r}" for name in missing[:1])


def write_outlines(path: Path = PATH) -> None:
    """Write the outlines of all symbolic claims as their proofs are now."""
    from proofs_check.kernel.proof import Proof
    from proofs_check.symbolic import CLAIMS_SYMBOLIC
    from proofs_check.symbolic.theorems import CLAIMS_THEOREMS

    found = {}
    # Not the table's rows: a refutation there is also held to its stored witness.
    for claim in (*CLAIMS_SYMBOLIC, *CLAIMS_THEOREMS):
        if isinstance(claim.check, Proof):
            held, failing, _ = claim.check.examine(claim.check.subject)
            if failing is None:
                found[claim.name] = [fact.name for fact in held]
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_outlines()

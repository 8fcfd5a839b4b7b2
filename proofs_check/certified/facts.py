"""Evidence from named facts: all must hold for the conclusion, and those of a negative control must fail."""

from collections.abc import Sequence

from proofs_check.claim import Evidence, Verdict

Facts = Sequence[tuple[str, bool]]
"""Names and whether each holds, decided exactly."""


def facts_evidence(facts: Facts, conclusion: str, *, control: Facts = (), must_fail: Sequence[str] = ()) -> Evidence:
    """Return PROVED when every fact holds and the control fails at exactly the facts named, INCONCLUSIVE otherwise.

    ``control`` are the facts of a false variant: a check that lets it pass decides nothing.
    """
    failed = [name for name, holds in facts if not holds]
    if failed or not facts:
        return Evidence(Verdict.INCONCLUSIVE, detail=f"not shown: {failed[0] if failed else 'no fact at all'}")
    broken = [name for name, holds in control if not holds]
    if sorted(broken) != sorted(must_fail):
        return Evidence(
            Verdict.INCONCLUSIVE, detail=f"the false variant should fail at {must_fail}, it does at {broken}"
        )
    against = f"; of the false variant {len(broken)} fail, as they must" if control else ""
    steps = [*(name for name, _ in facts), f"hence: {conclusion}"]
    return Evidence(Verdict.PROVED, detail=f"{len(facts)} facts hold exactly{against}", steps=steps)

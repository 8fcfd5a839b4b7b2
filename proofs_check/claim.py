"""A claim is one statement with its hypotheses and provenance; evidence is what a check of it found, with a witness."""

import dataclasses
import enum
import importlib.util
import math
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class Verdict(enum.StrEnum):
    """The closed list of what a check can say."""

    PROVED = "PROVED"
    """by Coq's kernel, or by facts in exact arithmetic with the argument in words beside them; strength says which"""
    SUPPORTED = "SUPPORTED"
    """every trial obeyed"""
    REFUTED = "REFUTED"
    """a witness is kept and can be replayed"""
    INCONCLUSIVE = "INCONCLUSIVE"
    """the check could not tell, or could not run"""
    INAPPLICABLE = "INAPPLICABLE"
    """the hypotheses are not met"""


PROVENANCES = ("quoted", "reconstructed", "ours")
KINDS = ("symbolic", "certified", "formal", "measured")
OPTIONAL = ("torch",)
"""Extras that a laboratory may lack: what needs them is then not tried, which is no failure."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What a check found.

    Args:
        verdict: one of `Verdict`.
        margin: how far the worst trial is from the other verdict, in the claim's own unit; negative when violated;
            None where there is none.
        detail: one or two sentences with the numbers.
        numbers: named results, JSON values (floats, ints, strings, flat lists).
        instance: the JSON-able arguments of the worst trial, from which `Claim.replay` shows it again.
        figure: data of one figure, or None: {"title", "x_label", "y_label", "log": "x"|"y"|"xy"|"", "curves":
            [{"label", "x", "y"[, "low", "high"]}]}.
        steps: for a symbolic or certified claim, the named facts that were checked, in order.
    """

    verdict: Verdict
    margin: float | None = None
    detail: str = ""
    numbers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    instance: Mapping[str, Any] | None = None
    figure: Mapping[str, Any] | None = None
    steps: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement and the check of it.

    Args:
        name: short, unique, kebab-case ("V2-limit-not-stationary").
        statement: one sentence in words; what the verdict is about.
        latex: the statement's formula, in the subset of LaTeX that SymPy/matplotlib's mathtext reads.
        hypotheses: one string each.
        provenance: quoted, reconstructed or ours (the marks of MATHEMATICS.md).
        source: where it stands, "MATHEMATICS.md#V2" first.
        kind: symbolic, certified, formal (Coq alone) or measured; a measured check can never say PROVED.
        expected: the verdict that `pisa-lab verify` takes as right.
        check: (seed, effort) → Evidence, effort "quick" or "full".
        trial: for claims with a witness: instance → numbers, through the ordinary `run()`; what replay calls.
        requires: modules that the check needs beyond NumPy ("sympy", "sklearn").

    Raises:
        ValueError: a field outside its closed list, or a measured claim that expects PROVED.
    """

    name: str
    statement: str
    hypotheses: tuple[str, ...]
    expected: Verdict
    check: Callable[[int, str], Evidence]
    provenance: str = "ours"
    source: str = ""
    kind: str = "measured"
    latex: str = ""
    trial: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, allowed in (("provenance", PROVENANCES), ("kind", KINDS), ("expected", tuple(Verdict))):
            if getattr(self, field) not in allowed:
                raise ValueError(f"{field}: {getattr(self, field)!r} is not one of {', '.join(allowed)}")
        if self.kind == "measured" and self.expected is Verdict.PROVED:
            raise ValueError("expected: a measured check can never say PROVED")
        if not self.name or not self.statement:
            raise ValueError("name: a claim needs a name and a statement")

    @property
    def missing(self) -> list[str]:
        """The modules that the check needs and that are not installed."""
        return [name for name in self.requires if importlib.util.find_spec(name) is None]

    def run(self, seed: int = 0, effort: str = "quick") -> "Finding":
        """Return the claim with its evidence and the seconds it took.

        A missing extra or an error of the check is INCONCLUSIVE with the reason, never a pass; a measured check that
        says PROVED is an error.
        """
        start = time.perf_counter()
        if missing := self.missing:
            evidence = Evidence(Verdict.INCONCLUSIVE, detail=f"needs {', '.join(missing)}: {_extra(missing)}")
        else:
            try:
                evidence = self.check(seed, effort)
                if self.kind == "measured" and evidence.verdict is Verdict.PROVED:
                    raise ValueError("a measured check said PROVED")
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                reason = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
                evidence = Evidence(Verdict.INCONCLUSIVE, detail=f"the check failed to run: {reason}")
        return Finding(self, evidence, time.perf_counter() - start, seed, effort)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A claim, its evidence, and under what it was found."""

    claim: Claim
    evidence: Evidence
    seconds: float
    seed: int
    effort: str

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one, or was not sought for want of an optional extra."""
        return self.evidence.verdict is self.claim.expected or self.is_untried

    @property
    def is_untried(self) -> bool:
        """Whether only an optional extra is missing to try the claim."""
        return bool(self.claim.missing) and set(self.claim.missing) <= set(OPTIONAL)


def _extra(missing: Sequence[str]) -> str:
    table = {"PEPit": "certify", "cvxpy": "certify", "clarabel": "certify", "torch": "torch", "numba": "fast"}
    extras = sorted({table.get(name, "lab") for name in missing})
    return f"pip install -e '.[{','.join(extras)}]'"


def judge(
    trial: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    instances: Iterable[Mapping[str, Any]],
    *,
    detail: str = "{worst}",
    figure: Mapping[str, Any] | None = None,
) -> Evidence:
    """Return SUPPORTED if every trial's "margin" is ≥ 0 and REFUTED otherwise, keeping the worst instance.

    A margin that is not finite says nothing of the statement: INCONCLUSIVE.

    ``detail`` is formatted with the worst trial's numbers and ``trials``, ``violations``, ``worst`` (its margin).

    Raises:
        ValueError: there is no instance; a check that tries nothing says nothing.
    """
    worst: tuple[float, Mapping[str, Any], Mapping[str, Any]] | None = None
    trials = violations = 0
    for instance in instances:
        numbers = trial(instance)
        margin = float(numbers["margin"])
        if not math.isfinite(margin):
            reason = f"the margin of a trial is {margin}: {dict(numbers)}"
            return Evidence(Verdict.INCONCLUSIVE, None, reason, numbers, instance)
        trials, violations = trials + 1, violations + (margin < 0)
        if worst is None or margin < worst[0]:
            worst = (margin, instance, numbers)
    if worst is None:
        raise ValueError("instances: empty")
    margin, instance, numbers = worst
    verdict = Verdict.SUPPORTED if violations == 0 else Verdict.REFUTED
    summary = {**numbers, "trials": trials, "violations": violations}
    return Evidence(verdict, margin, detail.format(worst=margin, **summary), summary, instance, figure)

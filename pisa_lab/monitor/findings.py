"""What a monitor can say: a closed list of hypotheses, and findings that name one with the round and the numbers."""

import dataclasses
import enum
from collections.abc import Mapping


class Hypothesis(enum.StrEnum):
    """What convergence to a stationary point needs beside the algorithm: the closed list."""

    LIPSCHITZ = "LIPSCHITZ"
    BOUNDED_SET = "BOUNDED_SET"
    METRIC_BOUND = "METRIC_BOUND"
    SUMMABLE_STEPS = "SUMMABLE_STEPS"
    SIGN = "SIGN"
    METRIC_FALL = "METRIC_FALL"
    PARTICIPATION = "PARTICIPATION"
    CONTRACTION = "CONTRACTION"
    DELAY = "DELAY"


MEANINGS = {
    Hypothesis.LIPSCHITZ: "every ∇F_i is Lipschitz on the visited region, with the constant that was declared",
    Hypothesis.BOUNDED_SET: "the sublevel set {F_λ ≤ F_λ(w⁰)} is bounded and the iterates stay in a ball",
    Hypothesis.METRIC_BOUND: "0 ⪯ Q_i ⪯ η_i I with one η_i for the whole run",
    Hypothesis.SUMMABLE_STEPS: "no summable steps: Σ1/σ = ∞, or the limit need not be stationary: MATHEMATICS.md#V2",
    Hypothesis.METRIC_FALL: "the server's metric obeys D_{k+1} ⪰ ϑD_k with the ϑ that was promised: MATHEMATICS.md#N3",
    Hypothesis.SIGN: "σ/(σ+ρq) ≤ (π+g)/(π+o) ≤ (σ+ρη)/(σ+ρq) in every entry, else NSISA is no PISA: MATHEMATICS.md#V9",
    Hypothesis.PARTICIPATION: "every client comes with probability ≥ π, σ large enough for it: MATHEMATICS.md#N7 (a)",
    Hypothesis.CONTRACTION: "‖u − C(u)‖² ≤ (1−ϖ)‖u‖² of every client, σ large enough for it: MATHEMATICS.md#N7 (b)",
    Hypothesis.DELAY: "σ is large enough for gradients that old: MATHEMATICS.md#N7 (c)",
}
"""One line for each hypothesis."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A hypothesis that is violated, by which seed and when, and the numbers that show it.

    ``is_note`` marks what the method's own settings say and no run can refute: summable steps are within the paper's
    theory, and yet the limit of such a run need not be stationary.
    """

    hypothesis: Hypothesis
    iteration: int
    seed: int
    statement: str
    numbers: Mapping[str, float]
    is_note: bool = False

    def __str__(self) -> str:
        """Return one line."""
        return f"round {self.iteration}, seed {self.seed}: {self.hypothesis}: {self.statement}"

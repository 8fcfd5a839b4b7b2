r"""When a step along another direction (NSISA's orthogonalised momentum o) is a PISA step with an admissible Q.

Entry by entry: NSISA moves by $(\pi+o)/(\sigma+\rho r)$, PISA with the diagonal entry q by $(\pi+g)/(\sigma+\rho q)$.
"""

from typing import Any

from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Certificate, Identity, Inequality, Proof, Sign, theorem


def covered_proof(bound: Any = None) -> Proof:
    r"""Return that $q = ((\sigma+\rho r)\theta - \sigma)/\rho$, $\theta = (\pi+g)/(\pi+o)$, is the only such q.

    And in $[0, \eta]$ iff θ is between its bounds.
    """
    import sympy

    sigma, rho, root, eta, ratio = sympy.symbols("sigma rho r eta theta", positive=True)
    used = sympy.Symbol("pi_plus_o")
    entry = ((sigma + rho * root) * ratio - sigma) / rho
    low = sigma / (sigma + rho * root)
    high = (sigma + rho * eta) / (sigma + rho * root) if bound is None else bound
    above, below = (
        Inequality(name, value, "hypothesis") for name, value in (("θ ≥ low", ratio - low), ("θ ≤ high", high - ratio))
    )
    scale = (sigma + rho * root) / rho
    lower = Certificate("q ≥ 0 if θ ≥ low", entry, ((scale, above),))
    upper = Certificate("q ≤ η if θ ≤ high", eta - entry, ((scale, below),))
    inside = (Inequality("q ≥ 0", entry, "hypothesis"), Inequality("q ≤ η", eta - entry, "hypothesis"))
    return (
        Identity("the two steps agree", used * ratio / (sigma + rho * entry), used / (sigma + rho * root)),
        lower,
        upper,
        Certificate("θ ≥ low if q ≥ 0", ratio - low, ((1 / scale, inside[0]),)),
        Certificate("θ ≤ high if q ≤ η", high - ratio, ((1 / scale, inside[1]),)),
        Sign("the interval of θ is not empty iff η ≥ 0", high - low, Orthant()),
    )


CLAIMS = (
    theorem(
        "T11-nsisa-covered",
        "An NSISA step is a PISA step with a diagonal 0 ⪯ Q ⪯ ηI exactly where, entry by entry, σ/(σ+ρr) ≤"
        " (π+g)/(π+o) ≤ (σ+ρη)/(σ+ρr);"
        " T6-preconditioned then covers it for every N, with β = max ρη/σ.",
        latex=r"$\frac{\sigma}{\sigma+\rho r} \leq \frac{\pi+g}{\pi+o} \leq \frac{\sigma+\rho\eta}{\sigma+\rho r}$",
        hypotheses=("ρ > 0, entries with π + o ≠ 0 (an entry with π + o = 0 is covered only where π + g = 0)",
                    "r the root of NSISA's second moment in that entry; nothing in NSISA enforces the condition"),
        source="ours; MATHEMATICS.md#T11",
        proof=covered_proof,
    ),
)  # fmt: skip

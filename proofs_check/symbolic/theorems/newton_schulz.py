r"""When a step along another direction (NSISA's orthogonalised momentum o) is a PISA step with an admissible Q.

Entry by entry: NSISA moves by $(\pi+o)/(\sigma+\rho r)$, PISA with the diagonal entry q by $(\pi+g)/(\sigma+\rho q)$.
"""

from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.facts import Certificate, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.recursion import client_identities


def covered_proof(algorithm: Algorithm, bound: Any = None) -> Iterator[Fact]:
    r"""Yield that $q = ((\sigma+\rho r)\theta - \sigma)/\rho$, $\theta = (\pi+g)/(\pi+o)$, is the only such q.

    And in $[0, \eta]$ iff θ is between its bounds.
    """
    import sympy

    sigma, rho, root, eta, ratio = sympy.symbols("sigma rho r eta theta", positive=True)
    used, dual, w, one = sympy.Symbol("pi_plus_o"), sympy.Symbol("pi"), sympy.Symbol("w"), sympy.Integer(1)
    entry = ((sigma + rho * root) * ratio - sigma) / rho
    low = sigma / (sigma + rho * root)
    high = (sigma + rho * eta) / (sigma + rho * root) if bound is None else bound
    client = symbolic_client(
        penalty=sigma, ratio=one, rho=rho, curvature=entry, multiplier=dual, gradient=ratio * used - dual
    )
    scale = (sigma + rho * root) / rho
    given = {"θ ≥ low": ratio - low, "θ ≤ high": high - ratio, "q ≥ 0": entry, "q ≤ η": eta - entry}
    premise = {name: Inequality(name, value, "hypothesis") for name, value in given.items()}
    least = Certificate("θ ≥ low if q ≥ 0", ratio - low, ((1 / scale, premise["q ≥ 0"]),))
    most = Certificate("θ ≤ high if q ≤ η", high - ratio, ((1 / scale, premise["q ≤ η"]),))
    yield from client_identities(algorithm)
    yield Identity("the two steps agree", algorithm.local_step(client, w).deviation, -used / (sigma + rho * root))
    yield Certificate("q ≥ 0 if θ ≥ low", entry, ((scale, premise["θ ≥ low"]),))
    yield Certificate("q ≤ η if θ ≤ high", eta - entry, ((scale, premise["θ ≤ high"]),))
    words = {"(π+g)/(π+o)": ratio, "σ": sigma, "ρ": rho, "r": root, "η": eta}
    yield from (least, Concludes("σ/(σ+ρr) ≤ (π+g)/(π+o)", least, words))
    yield from (most, Concludes("(π+g)/(π+o) ≤ (σ+ρη)/(σ+ρr)", most, words))
    yield Sign("the interval of θ is not empty iff η ≥ 0", high - low)


CLAIMS = (
    theorem(
        "T11-nsisa-covered",
        "An NSISA step is a PISA step with a diagonal 0 ⪯ Q ⪯ ηI exactly where, entry by entry, σ/(σ+ρr) ≤"
        " (π+g)/(π+o) ≤ (σ+ρη)/(σ+ρr);"
        " where it holds at every step and the gradients are full, T6-preconditioned covers it, with β = max ρη/σ.",
        latex=r"$\frac{\sigma}{\sigma+\rho r} \leq \frac{\pi+g}{\pi+o} \leq \frac{\sigma+\rho\eta}{\sigma+\rho r}$",
        hypotheses=("ρ > 0, entries with π + o ≠ 0 (an entry with π + o = 0 is covered only where π + g = 0)",
                    "r the root of NSISA's second moment in that entry; nothing in NSISA enforces the condition"),
        source="ours; MATHEMATICS.md#T11",
        proof=covered_proof,
        conclusion={"An NSISA step is a PISA step": "the two steps agree"},
    ),
)  # fmt: skip

r"""Mini-batches with $\rho = \lambda = 0$ and nondecreasing penalties: descent up to the variance.

$y_k = w_k + \hat g_{k-1}/\sigma_k$ is the mean of the clients' iterates; $y_{k+1} = y_k - \hat g_k/\sigma_k$ in the
order in which the client solves with $\sigma_k$ and the next server step uses $\sigma_{k+1}$ (the other order: the
claims of minibatch.py). $L = 1$.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, plain_client, symbolic_client
from proofs_check.kernel.domains import Interval, Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes
from proofs_check.kernel.proof import theorem
from proofs_check.kernel.schemes import Cover
from proofs_check.symbolic.theorems.recursion import EXPECTATIONS, MEAN_OF_CLIENTS, client_identities

SOURCE = "ours; MATHEMATICS.md#T5"
HYPOTHESES = (
    "ρ = λ = 0; F is L-smooth and bounded below; κ_k = σ_k/L nondecreasing and deterministic, κ_0 > 3/2; stated for L"
    " = 1",
    "E[ĝ_k | past] = ∇F(w_k), E‖ĝ_k − ∇F(w_k)‖² ≤ v (in words: v = Σα_i²v_i for independent clients)",
    "the client solves with σ_k, the next server step uses σ_{k+1}; all clients' penalties grow by the same factor",
    EXPECTATIONS,
)


@dataclasses.dataclass(frozen=True)
class Symbols:
    """What one step sees: κ, the next κ, s, and scalars for the vectors; expectations are taken given the past."""

    kappa: Expression
    next_kappa: Expression
    split: Expression
    value: Expression
    next_value: Expression
    at_mean: Expression
    gradient: Expression
    previous_square: Expression
    square: Expression
    variance: Expression


def symbols() -> Symbols:
    """Return the symbols; parameters and expected squares are positive."""
    import sympy

    kappa, next_kappa, split, previous, square, v = sympy.symbols(
        "kappa kappa_next s Eprevious2 Eestimate2 v", positive=True
    )
    value, next_value, at_mean, gradient = sympy.symbols("F_y F_y_next u g")
    return Symbols(kappa, next_kappa, split, value, next_value, at_mean, gradient, previous, square, v)


def inequalities(at: Symbols) -> dict[str, Inequality]:
    """Return what is used from outside."""
    k = at.kappa
    descent = at.value - at.at_mean * at.gradient / k + at.square / (2 * k**2) - at.next_value
    return {
        "descent": Inequality("descent lemma at y_k, in expectation", descent, "L = 1 and E ĝ_k = ∇F(w_k)"),
        "lipschitz": Inequality(
            "Lipschitz gradient between y_k and w_k",
            at.previous_square / k**2 - (at.at_mean - at.gradient) ** 2,
            "y_k − w_k = ĝ_{k−1}/σ_k",
        ),
        "variance": Inequality(
            "variance", at.gradient**2 + at.variance - at.square, "E‖ĝ‖² = ‖g‖² + E‖ĝ − g‖², the last term ≤ v"
        ),
        "growth": Inequality("κ does not fall", (1 / k**2 - 1 / at.next_kappa**2) * at.square, "κ_{k+1} ≥ κ_k"),
    }


def drop_constant(kappa: Any, split: Any) -> Any:
    r"""Return $(2\kappa - s - 1/s - 1)/(2\kappa^2)$."""
    return (2 * kappa - split - 1 / split - 1) / (2 * kappa**2)


def noise_constant(kappa: Any, split: Any) -> Any:
    r"""Return $(1 + 1/s)/(2\kappa^2)$."""
    return (1 + 1 / split) / (2 * kappa**2)


def descent_step() -> Certificate:
    r"""Return $E V_{k+1} \le V_k - c\|g_k\|^2 + (1+1/s)v/(2\kappa_k^2)$.

    $V_k = F(y_k) + \|\hat g_{k-1}\|^2/(2s\kappa_k^2)$.
    """
    at = symbols()
    k, s, known = at.kappa, at.split, inequalities(at)
    now = at.value + at.previous_square / (2 * s * k**2)
    then = at.next_value + at.square / (2 * s * at.next_kappa**2)
    target = now - then - drop_constant(k, s) * at.gradient**2 + noise_constant(k, s) * at.variance
    return Certificate(
        "E V_{k+1} ≤ V_k − c‖∇F(w_k)‖² + noise",
        target,
        (
            (1, known["descent"]),
            (1 / (2 * s), known["lipschitz"]),
            (noise_constant(k, s), known["variance"]),
            (1 / (2 * s), known["growth"]),
        ),
        ((1 / (2 * s), at.at_mean - at.gradient + s * at.gradient / k),),
    )


def mean_iterate(algorithm: Algorithm) -> tuple[Fact, ...]:
    r"""Return $y_{k+1} = y_k - \hat g_k/\sigma_k$: the client solves with $\sigma_k$, the server uses $\sigma_{k+1}$.

    In the client's part $y = w + \hat g_-/\sigma$, $y^+ = w^+ + \hat g/\sigma^+$; all penalties grow by one factor.
    """
    import sympy

    w, after, previous = sympy.symbols("w w_after g_hat_before")
    zero = sympy.Integer(0)
    client = symbolic_client(rho=zero, ridge=zero, multiplier=-previous)
    grown, estimate = client.penalty / client.ratio, client.gradient
    part = grown * ((after + estimate / grown) - (w + previous / client.penalty) + estimate / client.penalty)
    still = plain_client(multiplier=-previous)
    steady = still.penalty * ((after + estimate / still.penalty) - (w + previous / still.penalty)) + estimate
    mixed = algorithm.residual(algorithm.solve_then_grow(client, w), after)
    return (
        *client_identities(algorithm),
        Identity("mixed order: R_i(w⁺) = σ_i⁺(y⁺ − y + ĝ_i/σ_i)", mixed, part),
        Identity(
            "constant σ, either order: R_i(w⁺) = σ_i(y⁺ − y + ĝ_i/σ_i)",
            algorithm.residual(algorithm.local_step(still, w), after),
            steady,
        ),
    )


def step_words(now: Expression, then: Expression) -> dict[str, Expression]:
    """Return what the letters of the sentences stand for; σ/L = κ_k is the proof's κ."""
    at = symbols()
    words = {"E V_{k+1}": then, "V_k": now, "‖∇F(w_k)‖²": at.gradient**2, "v": at.variance}
    return words | {"κ_k": at.kappa, "κ": at.kappa}


def step_potentials(split: Any) -> tuple[Expression, Expression]:
    """Return V and E V⁺: F(y) + ‖ĝ_−‖²/(2sκ²)."""
    at = symbols()
    now = at.value + at.previous_square / (2 * split * at.kappa**2)
    return now, at.next_value + at.square / (2 * split * at.next_kappa**2)


def step_proof(algorithm: Algorithm, threshold: Any = None) -> Iterator[Fact]:
    """Yield the facts of the step, with c > 0 for s = 1 and κ > 3/2."""
    import sympy

    at = symbols()
    low = sympy.Rational(3, 2) if threshold is None else threshold
    grown, one, step = sympy.Symbol("growth", positive=True), sympy.Integer(1), descent_step()
    now, then = step_potentials(one)
    plain = Certificate(
        "s = 1: E V_{k+1} ≤ V_k − (2κ−3)/(2κ²)‖∇F(w_k)‖² + v/κ²",
        now - then - (2 * at.kappa - 3) / (2 * at.kappa**2) * at.gradient**2 + at.variance / at.kappa**2,
        ((1, Consequence("the step at s = 1", step.target.subs(at.split, 1), step, at={at.split: one})),),
    )
    drop = Sign("c > 0", drop_constant(at.kappa, 1), Interval(at.kappa, low, open_ends=True), strict=True)
    yield from (*mean_iterate(algorithm), step, plain, drop)
    yield Cover("c > 0 for every κ > 3/2", (drop,), sympy.Rational(3, 2))
    yield Sign("κ_{k+1} ≥ κ_k makes the weight fall", 1 / at.kappa**2 - 1 / (at.kappa + grown) ** 2, Orthant())
    text = "E V_{k+1} ≤ V_k − (2κ_k−3)/(2κ_k²)‖∇F(w_k)‖² + v/κ_k²"
    yield Concludes(text, plain, step_words(now, then))


CLAIMS = (
    theorem(
        "T5-stochastic-step",
        "For every κ_0 > 3/2 and every nondecreasing schedule, E V_{k+1} ≤ V_k − (2κ_k−3)/(2κ_k²)‖∇F(w_k)‖² + v/κ_k²"
        " at every k, V_k = F(y_k) + ‖ĝ_{k−1}‖²/(2κ_k²), y_k = w_k + ĝ_{k−1}/σ_k.",
        latex=r"$E\,V_{k+1} \leq V_k - \frac{2\kappa_k-3}{2\kappa_k^2}\|\nabla F(w_k)\|^2 + v/\kappa_k^2,\quad"
        r" V_k = F(y_k)+\|\hat g_{k-1}\|^2/(2\kappa_k^2)$",
        hypotheses=HYPOTHESES,
        source=SOURCE,
        proof=step_proof,
        conclusion={"every κ_0 > 3/2": "c > 0 for every κ > 3/2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
)

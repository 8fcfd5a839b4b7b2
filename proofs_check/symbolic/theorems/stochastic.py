r"""Mini-batches with $\rho = \lambda = 0$ and nondecreasing penalties: descent up to the variance.

$y_k = w_k + \hat g_{k-1}/\sigma_k$ is the mean of the clients' iterates; $y_{k+1} = y_k - \hat g_k/\sigma_k$ in the
order in which the client solves with $\sigma_k$ and the next server step uses $\sigma_{k+1}$ (the other order: the
claims of minibatch.py). $L = 1$.
"""

import dataclasses
from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Interval, Orthant
from proofs_check.symbolic.theorems.proof import Certificate, Identity, Inequality, Proof, Sign, theorem

SOURCE = "ours; MATHEMATICS.md#T5"
HYPOTHESES = (
    "ρ = λ = 0; F is L-smooth and bounded below; κ_k = σ_k/L nondecreasing and deterministic, κ_0 > 3/2; stated for L"
    " = 1",
    "E[ĝ_k | past] = ∇F(w_k), E‖ĝ_k − ∇F(w_k)‖² ≤ v (v = Σα_i²v_i for independent clients)",
    "the client solves with σ_k, the next server step uses σ_{k+1}; all clients' penalties grow by the same factor",
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


def mean_iterate() -> Identity:
    r"""Return $y_{k+1} = y_k - \hat g_k/\sigma_k$: a server step with $\sigma_{k+1}$ follows one with $\sigma_k$."""
    import sympy

    now, then = sympy.symbols("sigma sigma_next", positive=True)
    consensus, estimate, previous = sympy.symbols("w g_hat g_hat_before")
    moved = consensus + (-(then / now) * (estimate - previous) - estimate) / then
    left, right = moved + estimate / then, consensus + previous / now - estimate / now
    return Identity("y_{k+1} = y_k − ĝ_k/σ_k", left, right)


def step_proof(threshold: Any = None) -> Proof:
    """Return the facts of the step, with c > 0 for s = 1 and κ > 3/2."""
    import sympy

    at = symbols()
    low = sympy.Rational(3, 2) if threshold is None else threshold
    grown = sympy.Symbol("growth", positive=True)
    return (
        mean_iterate(),
        descent_step(),
        Sign("κ_{k+1} ≥ κ_k makes the weight fall", 1 / at.kappa**2 - 1 / (at.kappa + grown) ** 2, Orthant()),
        Sign("s = 1: c ≥ 0 for κ ≥ 3/2", drop_constant(at.kappa, 1), Interval(at.kappa, low)),
        Identity("s = 1: c = (2κ−3)/(2κ²)", drop_constant(at.kappa, 1), (2 * at.kappa - 3) / (2 * at.kappa**2)),
        Identity("s = 1: noise v/κ²", noise_constant(at.kappa, 1), 1 / at.kappa**2),
    )


def both_orders_step() -> Certificate:
    r"""Return the step for $y_k = w_k + c_k\hat g_{k-1}$, $y_{k+1} = y_k - \tau_k\hat g_k$.

    $V_k = F(y_k) + \tfrac{\tau_kc_k}{2s}\|\hat g_{k-1}\|^2$.
    """
    import sympy

    at = symbols()
    step, length, later = sympy.symbols("c tau next_weight", positive=True)
    noise = length**2 / 2 + later
    drop = length * (1 - at.split * step / 2 - length / 2) - later
    target = at.value + length * step / (2 * at.split) * at.previous_square - at.next_value - later * at.square
    target += -drop * at.gradient**2 + noise * at.variance
    apart = at.at_mean - at.gradient
    descent = at.value - length * at.at_mean * at.gradient + length**2 / 2 * at.square - at.next_value
    uses = (
        (1, Inequality("descent lemma at y_k, in expectation", descent, "L = 1 and E ĝ_k = ∇F(w_k)")),
        (
            length / (2 * at.split * step),
            Inequality("Lipschitz gradient", step**2 * at.previous_square - apart**2, "y_k − w_k = c_kĝ_{k−1}"),
        ),
        (noise, inequalities(at)["variance"]),
    )
    squares = ((length / (2 * at.split * step), apart + at.split * step * at.gradient),)
    return Certificate("E V_{k+1} ≤ V_k − c_k‖∇F(w_k)‖² + noise, both orders", target, uses, squares)


def both_orders_proof() -> Proof:
    r"""Return the step and the recursions of both orders.

    Moreover $c_k > 0$ with $s = \sqrt2$ for $\kappa_0 > 1 + \sqrt2$ in the order of section 2.
    """
    import sympy

    now, then = sympy.symbols("sigma sigma_next", positive=True)
    consensus, estimate, previous = sympy.symbols("w g_hat g_hat_before")
    moved = consensus - (2 * estimate - previous) / now
    recursion = consensus + previous / now - (2 / now - 1 / then) * estimate
    step, less, fewer, more = sympy.symbols("c x y z", positive=True)
    root = sympy.sqrt(2)
    place = {step: 1 / (1 + root + more)}
    # c_{k+1} = c/(1+x), c_{k+2} = c_{k+1}/(1+y): τ_k = 2c_k − c_{k+1}, and the next weight is τ_{k+1}c_{k+1}/(2s)
    following = step / (1 + less)
    length, next_length = 2 * step - following, 2 * following - following / (1 + fewer)
    drop = length * (1 - root * step / 2 - length / 2) - next_length * following / (2 * root)
    return (
        mean_iterate(),
        Identity(
            "order of MATHEMATICS.md#algorithm: y_{k+1} = y_k − (2/σ_k − 1/σ_{k+1})ĝ_k",
            moved + estimate / then,
            recursion,
        ),
        both_orders_step(),
        Sign("κ_0 ≥ 1+√2 suffices in the order of section 2", (drop / step).subs(place), Orthant()),
    )


def schedule_proof() -> Proof:
    r"""Return the sums: $\sum_k\frac{2\kappa_k-3}{2\kappa_k^2}E\|g_k\|^2 \le F(y_0) - F^* + \ldots$.

    And that $V \ge F^*$.
    """
    import sympy

    at = symbols()
    first, x = sympy.Symbol("kappa_first", positive=True), sympy.Symbol("x", positive=True)
    weight = drop_constant(at.kappa, 1)
    ratio = weight * at.kappa - (1 - sympy.Rational(3, 2) / first)
    return (
        *step_proof(),
        Sign("V − F is a square with a positive weight", 1 / (2 * at.split * at.kappa**2), Orthant()),
        Sign(
            "the weights are at least (1−3/(2κ_0))/κ_k: their sum diverges with Σ1/κ_k",
            ratio.subs(at.kappa, first + x),
            Orthant(),
        ),
        Sign(
            "and at most 1/κ_k: their sum is finite where Σ1/κ_k is, and the bound is empty",
            1 / at.kappa - weight,
            Orthant(),
        ),
    )


CLAIMS = (
    theorem(
        "T5-stochastic-step",
        "For every κ_0 > 3/2 and every nondecreasing schedule, E V_{k+1} ≤ V_k − (2κ_k−3)/(2κ_k²)‖∇F(w_k)‖² + v/κ_k²"
        " at every k.",
        latex=r"$E\,V_{k+1} \leq V_k - \frac{2\kappa_k-3}{2\kappa_k^2}\|\nabla F(w_k)\|^2 + v/\kappa_k^2,\quad"
        r" V_k = F(y_k)+\|\hat g_{k-1}\|^2/(2\kappa_k^2)$",
        hypotheses=HYPOTHESES,
        source=SOURCE,
        proof=step_proof,
    ),
    theorem(
        "T5-stochastic-both-orders",
        "For nondecreasing penalties in either order and every s > 0, at every k E V_{k+1} ≤ V_k − c_k‖∇F(w_k)‖² +"
        " (τ_k²/2 + b_{k+1})v,"
        " c_k = τ_k(1 − s/(2κ_k) − τ_k/2) − b_{k+1}, b_k = τ_k/(2sκ_k); in Algorithm 1's order c_k ≥ 0 for"
        " κ_0 ≥ 1+√2.",
        latex=r"$E\,V_{k+1} \leq V_k - c_k\|\nabla F(w_k)\|^2 + (\tau_k^2/2 + b_{k+1})v,\quad"
        r" \tau_k = \frac{2}{\kappa_k}-\frac{1}{\kappa_{k+1}}\ \mathrm{or}\ \frac{1}{\kappa_k}$",
        hypotheses=(
            *HYPOTHESES[:2],
            "either order of the penalty; all clients' penalties grow by the same factor in the mixed order",
        ),
        source="ours; extends MATHEMATICS.md#T5 to the order of MATHEMATICS.md#algorithm",
        proof=both_orders_proof,
    ),
    theorem(
        "T5-repaired-schedule",
        "If Σ1/κ_k = ∞ and Σ1/κ_k² < ∞ (κ_k ~ k^a, 1/2 < a ≤ 1), the weighted averages and the minimum of E‖∇F(w_k)‖²"
        " tend to 0;"
        " for κ_k = κ_0γ^{-k} the bound is empty.",
        latex=r"$\sum_k \frac{2\kappa_k-3}{2\kappa_k^2}\,E\|\nabla F(w_k)\|^2 \leq V_0-F^* + \sum_k v/\kappa_k^2$",
        hypotheses=(*HYPOTHESES, "the steps are summed over k (linearity of expectation)"),
        source=SOURCE,
        proof=schedule_proof,
    ),
)

"""The step of stochastic.py in both orders of the penalty, and summed over a schedule."""

from collections.abc import Iterator

from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Holds, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.recursion import EXPECTATIONS, MEAN_OF_CLIENTS, growing_increment
from proofs_check.symbolic.theorems.stochastic import (
    HYPOTHESES,
    SOURCE,
    inequalities,
    mean_iterate,
    step_potentials,
    step_proof,
    symbols,
)
from proofs_check.symbolic.theorems.summation import SUMMED, telescope


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


def both_orders_proof(algorithm: Algorithm) -> Iterator[Fact]:
    r"""Yield the step and the recursions of both orders.

    Moreover $c_k \ge 0$ with $s = \sqrt2$ for $\kappa_0 \ge 1 + \sqrt2$ in Algorithm 1's order.
    """
    import sympy

    w, after, previous = sympy.symbols("w w_after g_hat_before")
    zero, at, main = sympy.Integer(0), symbols(), both_orders_step()
    client = symbolic_client(
        rho=zero, ridge=zero, multiplier=-previous, penalty=sympy.Symbol("sigma_before", positive=True)
    )
    now, estimate = client.penalty / client.ratio, client.gradient
    then = sympy.Symbol("sigma_next", positive=True)
    moved = (after + estimate / then) - (w + previous / now) + (2 / now - 1 / then) * estimate
    part = algorithm.residual(algorithm.local_step(client, w), after)
    step, less, fewer, more = sympy.symbols("c x y z", positive=True)
    root = sympy.sqrt(2)
    # c_{k+1} = c/(1+x), c_{k+2} = c_{k+1}/(1+y): τ_k = 2c_k − c_{k+1}, and the next weight is τ_{k+1}c_{k+1}/(2s)
    following = step / (1 + less)
    length, next_length = 2 * step - following, 2 * following - following / (1 + fewer)
    drop = length * (1 - root * step / 2 - length / 2) - next_length * following / (2 * root)
    yield from (*mean_iterate(algorithm), growing_increment(algorithm, mixed=False))
    yield Identity("Algorithm 1's order: R_i(w⁺) = σ_i(y⁺ − y + (2/σ_k − 1/σ_{k+1})ĝ_i)", part, now * moved)
    yield main
    inverse, tau, later = sympy.symbols("c tau next_weight", positive=True)
    words = {"τ_k": tau, "s": at.split, "κ_k": 1 / inverse, "b_{k+1}": later, "v": at.variance}
    text = "τ_k(1 − s/(2κ_k) − τ_k/2) − b_{k+1}"
    square, potentials = (
        at.gradient**2,
        (at.value + tau * inverse / (2 * at.split) * at.previous_square, at.next_value + later * at.square),
    )
    yield Concludes(
        "E V_{k+1} ≤ V_k − c_k‖∇F(w_k)‖² + (τ_k²/2 + b_{k+1})v",
        main,
        words | {"c_k": read(text, words), "E V_{k+1}": potentials[1], "V_k": potentials[0], "‖∇F(w_k)‖²": square},
    )
    place = {step: 1 / (1 + root + more)}
    yield Sign("s = √2: c_k ≥ 0 for κ_0 ≥ 1+√2 in Algorithm 1's order", (drop / step).subs(place), Orthant())
    wrong = drop.subs(root, 6).subs({step: 1 / (1 + root), less: zero, fewer: zero})
    yield Holds("s = 6: c_k < 0 at κ_0 = 1+√2, so that s matters", bool(wrong < 0))


def schedule_proof(algorithm: Algorithm) -> Iterator[Fact]:
    r"""Yield $\sum_k\frac{2\kappa_k-3}{2\kappa_k^2}E\|g_k\|^2 \le V_0 - F^* + \sum_k v/\kappa_k^2$ and what follows."""
    import sympy

    at, one, optimum = symbols(), sympy.Integer(1), sympy.Symbol("F_star")
    facts = tuple(step_proof(algorithm))
    plain = next(fact for fact in facts if isinstance(fact, Certificate) and fact.name.startswith("s = 1"))
    now, then = step_potentials(one)
    weight = (2 * at.kappa - 3) / (2 * at.kappa**2)
    summed = telescope(
        plain, now, then, rate=one, square=weight * at.gradient**2, loss=at.variance / at.kappa**2, constant=False
    )
    above = Inequality("F ≥ F*", at.value - optimum, "F* is the infimum")
    below = Certificate(
        "V ≥ F*",
        now - optimum,
        ((1, above), (1 / (2 * at.kappa**2), Inequality("a square", at.previous_square, "E‖·‖² ≥ 0"))),
    )
    last = Consequence("V_N ≥ F*", summed.last - optimum, below, where={summed.last: now})
    whole = Certificate(
        "Σ weights·E‖g_k‖² ≤ V_0 − F* + Σ v/κ_k²",
        summed.first - optimum + summed.losses - summed.squares,
        ((1, summed.total()), (1, last)),
    )
    least, weights = sympy.symbols("least weights", positive=True)
    smaller = Inequality("Σ weights·E‖g_k‖² ≥ Σ weights · their least", summed.squares - least * weights, "weights > 0")
    shown = Consequence("the sum", whole.target, whole)
    bound = (summed.first - optimum + summed.losses) / weights
    yield from (*(fact for fact in facts if not isinstance(fact, Concludes)), *summed.facts, below, whole)
    yield Certificate(
        "the least, and the weighted average, are at most (V_0 − F* + Σ v/κ_k²)/Σ weights",
        bound - least,
        ((1 / weights, smaller), (1 / weights, shown)),
    )
    first, x = sympy.symbols("kappa_first x", positive=True)
    ratio = weight * at.kappa - (1 - sympy.Rational(3, 2) / first)
    yield Sign(
        "the weights are at least (1−3/(2κ_0))/κ_k: their sum diverges with Σ1/κ_k", ratio.subs(at.kappa, first + x)
    )
    yield Sign("and at most 1/κ_k: their sum is finite where Σ1/κ_k is, and the bound is empty", 1 / at.kappa - weight)


CLAIMS = (
    theorem(
        "T5-stochastic-both-orders",
        "For nondecreasing penalties in either order and every s > 0, at every k"
        " E V_{k+1} ≤ V_k − c_k‖∇F(w_k)‖² + (τ_k²/2 + b_{k+1})v, V_k = F(y_k) + b_k‖ĝ_{k−1}‖²,"
        " c_k = τ_k(1 − s/(2κ_k) − τ_k/2) − b_{k+1}, b_k = τ_k/(2sκ_k), τ_k ="
        " 2/κ_k − 1/κ_{k+1} in Algorithm 1's order and"
        " 1/κ_k in the mixed one; with s = √2 in Algorithm 1's order c_k ≥ 0 for κ_0 ≥ 1+√2.",
        latex=r"$E\,V_{k+1} \leq V_k - c_k\|\nabla F(w_k)\|^2 + (\tau_k^2/2 + b_{k+1})v,\quad"
        r" \tau_k = \frac{2}{\kappa_k}-\frac{1}{\kappa_{k+1}}\ \mathrm{or}\ \frac{1}{\kappa_k}$",
        hypotheses=(
            HYPOTHESES[0].replace("κ_0 > 3/2; ", ""),
            HYPOTHESES[1],
            (
                "y_k = w_k + ĝ_{k−1}/σ_k; either order of the penalty; all clients'"
                " penalties grow by the same factor in the mixed order"
            ),
            EXPECTATIONS,
        ),
        source="ours; extends MATHEMATICS.md#T5 to the order of MATHEMATICS.md#algorithm",
        proof=both_orders_proof,
        conclusion={"c_k ≥ 0 for κ_0 ≥ 1+√2": "s = √2: c_k ≥ 0 for κ_0 ≥ 1+√2 in Algorithm 1's order"},
        arguments=(MEAN_OF_CLIENTS, "the weights 1/κ_k are nonincreasing, so that x, y ≥ 0 are all there is"),
    ),
    theorem(
        "T5-repaired-schedule",
        "If Σ1/κ_k = ∞ and Σ1/κ_k² < ∞ (such as κ_0(k+1)^a, 1/2 < a ≤ 1), the weighted averages and the minimum of"
        " E‖∇F(w_k)‖² tend to 0;"
        " for κ_k = κ_0γ^{-k} the bound is empty.",
        latex=r"$\sum_k \frac{2\kappa_k-3}{2\kappa_k^2}\,E\|\nabla F(w_k)\|^2 \leq V_0-F^* + \sum_k v/\kappa_k^2$",
        hypotheses=(*HYPOTHESES, "the steps are summed over k (linearity of expectation)"),
        source=SOURCE,
        proof=schedule_proof,
        conclusion={
            "the weighted averages and the minimum": "the least, and the weighted average, are at most"
            " (V_0 − F* + Σ v/κ_k²)/Σ weights",
            "the bound is empty": "and at most 1/κ_k: their sum is finite where Σ1/κ_k is, and the bound is empty",
        },
        arguments=(MEAN_OF_CLIENTS, SUMMED, "a finite number over a sum that diverges tends to 0"),
    ),
)

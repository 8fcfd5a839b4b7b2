"""Negative controls of the kernel: what is false must not be shown, whatever part of it decides.

Every symbolic claim runs them before it says PROVED; a kernel that accepts one of them proves nothing.
"""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from proofs_check.kernel import algebra
from proofs_check.kernel.domains import Interval, Orthant, Slab
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Holds, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes
from proofs_check.kernel.schemes import Cover, Induction


@functools.lru_cache
def check_kernel() -> tuple[str, ...]:
    """Return the controls that do not come out as they must; empty for a sound kernel."""
    wrong = [f"the kernel accepts {name}" for name, fact in _false_facts().items() if not fact.failures()]
    wrong += [f"the kernel refuses {fact.name}" for fact in _true_facts() if fact.failures()]
    return (*wrong, *(f"the kernel says yes to {name}" for name, ask in _questions().items() if ask() is not False))


def _symbols() -> tuple[Any, Any, Any, Any]:
    import sympy

    return (*sympy.symbols("k t", positive=True), *sympy.symbols("x y"))


def _false_facts() -> dict[str, Fact]:
    return {**_false_signs(), **_false_certificates(), **_false_consequences()}


def _false_signs() -> dict[str, Fact]:
    k, t, x, y = _symbols()
    return {
        "an identity that does not hold": Identity("x = y", x, y),
        "a sign that is wrong on the orthant": Sign("−k ≥ 0", -k, Orthant()),
        "a sign that fails on part of the orthant": Sign("k ≥ t", k - t, Orthant()),
        "a sign that is wrong inside an interval": Sign("k² − 2 ≥ 0", k**2 - 2, Interval(k, 1)),
        "a strict sign where 0 is taken": Sign("(k−1)(k+1) > 0", k**2 - 1, Interval(k, 1), strict=True),
        "a strict sign of nothing": Sign("0 > 0", k - k, Orthant(), strict=True),
        "a sign that is wrong on part of a slab": Sign("k − 3 ≥ 0 for k > 2", k - 3, Slab(k, 2)),
        "a strict sign that is wrong on part of a slab": Sign("k − 3 > 0", k - 3, Slab(k, 2), strict=True),
        "a vector's sign": Sign("x ≥ 0", x, Orthant()),
        "a square as a fact": Sign("(k/(2+k))² ≥ 0", (k / (2 + k)) ** 2, Orthant()),
    }


def _false_certificates() -> dict[str, Fact]:
    k, _, x, y = _symbols()
    given = Inequality("x ≥ y", x - y, "a control")
    return {
        "a certificate that does not add up": Certificate("2x ≥ y", 2 * x - y, ((1, given),)),
        "a certificate of nothing": Certificate("0 ≥ 0", x - x, ((0, given),)),
        "a negative multiplier": Certificate("y ≥ x", y - x, ((-1, given),)),
        "a multiplier without a sign": Certificate("x(x−y) ≥ 0", x * (x - y), ((x, given),)),
        "a negative weight": Certificate("−x² ≥ 0", -(x**2), (), ((-1, x),)),
        "a weight that is negative somewhere": Certificate("(k−1)x² ≥ 0", (k - 1) * x**2, (), ((k - 1, x),)),
    }


def _false_consequences() -> dict[str, Fact]:
    k, t, x, y = _symbols()
    given = Inequality("x ≥ y", x - y, "a control")
    shown = Certificate("k x² ≥ 0", k * x**2, (), ((k, x),))
    other, slab = Sign("on t ≥ 2", t - 2, Interval(t, 2)), Sign("on k > 2", k - 2, Slab(k, 2))
    traced = Sign("on k = 2 + t", k - 2, Orthant({k: 2 + t}))
    step = Certificate("x + 1 ≥ y", x + 1 - y, ((1, given),), ((1, 1),))
    return {
        "a consequence that is another inequality": Certificate(
            "x² ≥ y²", x**2 - y**2, ((1, Consequence("x² ≥ y²", x**2 - y**2, shown)),)
        ),
        "a consequence at a negative parameter": Certificate(
            "−t x² ≥ 0", -t * x**2, ((1, Consequence("at k = −t", -t * x**2, shown, at={k: -t})),)
        ),
        "a consequence on another domain": Certificate(
            "t ≥ 2 everywhere", t - 2, ((1, Consequence("t ≥ 2", t - 2, other)),)
        ),
        "a consequence outside a slab": Certificate("k ≥ 2", k - 2, ((1, Consequence("k ≥ 2", k - 2, slab)),)),
        "a consequence outside a traced orthant": Certificate(
            "k ≥ 2", k - 2, ((1, Consequence("k ≥ 2", k - 2, traced)),)
        ),
        "an induction's value that it does not reach": Certificate(
            "y ≥ 2", y - 2, ((1, Consequence("y ≥ 2", y - 2, _counting(), at={x: 2})),)
        ),
        "a mean of a product": Certificate(
            "S² ≥ 0", k * y**2, ((1, Consequence("not linear", k * y**2, shown, means={y: x})),)
        ),
        "an induction whose step starts elsewhere": Induction("x ≥ y", given, shown, step, {}, {x: x + 1}),
        "an induction without a step": Induction("x ≥ y", given, step, shown, {x: x + 1}, {x: x + 1}),
        "ranges with a gap": Cover("t ≥ 1", (other,), 1),
        "a computation that failed": Holds("2 = 3", bool(algebra.same(2, 3))),
        "a sentence with another number": Concludes("x ≤ 3k", Sign("", 2 * k - x), {"x": x, "k": k}),
    }


def _counting() -> Induction:
    """Return y ≥ 1 in every round, as y ≥ x for an x that starts at 1 and stays 2x − 1."""
    _, _, x, y = _symbols()
    hypothesis, given = Inequality("y ≥ x", y - x, "of the induction"), Inequality("1 ≥ x", 1 - x, "a control")
    base = Certificate("y ≥ 1", y - 1, ((1, Inequality("y ≥ 1", y - 1, "a control")),))
    step = Certificate("y ≥ 2x − 1", y - 2 * x + 1, ((1, hypothesis), (1, given)))
    return Induction("y ≥ x", hypothesis, base, step, {x: 1}, {x: 2 * x - 1}, (x,))


def false_proofs() -> dict[str, tuple[tuple[Fact, ...], dict[str, str]]]:
    """Return proofs that prove nothing, each with its conclusion, of the sentence "x is 0"."""
    _, t, x, y = _symbols()
    true = Identity("(x+y)² = x²+2xy+y²", (x + y) ** 2, x**2 + 2 * x * y + y**2)
    source = Certificate("t x² ≥ 0", t * x**2, (), ((t, x),))
    drawn = Consequence("t y² ≥ 0", t * y**2, source, at={x: y})
    told = Certificate("−x² ≥ 0", -(x**2), ((1, Inequality("x is 0", -(x**2), "proved before")),))
    rests = Inequality("y² ≥ 1", y**2 - 1, "a fact that is not there", ("x is 0",))
    words = {"x is 0": true.name}
    return {
        "a proof without facts": ((), {}),
        "a proof without a conclusion": ((true,), {}),
        "a conclusion that is no fact": ((true,), {"x is 0": "x = 0"}),
        "a conclusion that the sentence does not say": ((true,), {"x is 1": true.name}),
        "a sentence that does not say what is concluded": ((true, Concludes("x is 1", true)), {}),
        "a conclusion that is its premise": ((told,), {"x is 0": told.name}),
        "a source that does not stand": (
            (true, Certificate("t y² + 1", t * y**2 + 1, ((1, drawn),), ((1, 1),))),
            words,
        ),
        "a premise whose ground does not stand": ((true, Certificate("y² ≥ 0", y**2, ((1, rests),), ((1, 1),))), words),
        "a fact that does not hold": ((true, Identity("x = 0", x)), words),
    }


def _true_facts() -> tuple[Fact, ...]:
    """Return facts that a kernel which refuses everything would miss."""
    import sympy

    k, _, x, y = _symbols()
    given = Inequality("x ≥ y", x - y, "a control")
    return (
        Identity("(x+y)(x−y) = x² − y²", (x + y) * (x - y), x**2 - y**2),
        Sign("4k² − 4k − 5 ≥ 0 from (1+√6)/2 on", 4 * k**2 - 4 * k - 5, Interval(k, (1 + sympy.sqrt(6)) / 2)),
        Certificate("x + k ≥ y", x + k - y, ((1, given),), ((k, 1),)),
    )


def _questions() -> dict[str, Callable[[], bool]]:
    """Return the decisions below the facts, asked where the answer is no."""
    import sympy

    k, t, x, y = _symbols()
    root = sympy.sqrt(2) - sympy.Rational(99, 70)
    return {
        "x = 0": lambda: algebra.is_zero(x),
        "√2 = 99/70": lambda: algebra.is_zero(root),
        "x = y": lambda: algebra.same(x, y),
        "−1 ≥ 0 on an interval": lambda: algebra.nonnegative_on(-1 + 0 * k, k, 0, 1),
        "k − 1 ≥ 0 from 9/10 on": lambda: algebra.nonnegative_on(k - 1, k, Fraction(9, 10)),
        "(k−1)² > 0 on [0, 2]": lambda: algebra.positive_on((k - 1) ** 2, k, 0, 2),
        "1/(k−1) ≥ 0 on [0, 2]": lambda: algebra.nonnegative_on(1 / (k - 1), k, 0, 2),
        "k ≥ t on the orthant": lambda: algebra.nonnegative_on_orthant(k - t, k, t),
        "0 > 0 on the orthant": lambda: algebra.positive_on_orthant(k - k, k),
        "an indefinite matrix": lambda: algebra.is_positive_semidefinite(
            [[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]]
        ),
    }

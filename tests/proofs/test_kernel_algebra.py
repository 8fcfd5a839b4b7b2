"""Exact decisions below the facts: zero, signs on intervals and orthants, semidefinite matrices."""

from fractions import Fraction

import pytest
import sympy

from proofs_check.kernel.algebra import (
    counterexample,
    is_positive_semidefinite,
    is_zero,
    nonnegative_on,
    nonnegative_on_orthant,
    positive_on,
    same,
)


def test_zero_test():
    x = sympy.Symbol("x")
    assert is_zero((x**2 - 1) / (x - 1) - x - 1)
    assert is_zero(sympy.sqrt(5 + 2 * sympy.sqrt(6)) - sympy.sqrt(2) - sympy.sqrt(3))
    assert not is_zero(sympy.sqrt(2) - Fraction(99, 70))
    assert not is_zero(x)
    first, second = sympy.symbols("A B", commutative=False)
    assert not is_zero(first * second - second * first)
    assert same((x + 1) ** 2, x**2 + 2 * x + 1)
    with pytest.raises(ValueError, match="value"):
        is_zero(0.5)


def test_counterexample_is_a_point_where_it_fails():
    x, y = sympy.symbols("x y")
    point = counterexample(x * y - x)
    values = {x: sympy.Rational(point["x"]), y: sympy.Rational(point["y"])}
    assert (x * y - x).subs(values) == sympy.Rational(point["residual"]) != 0
    assert counterexample(x - x) is None


@pytest.mark.parametrize(
    ("expression", "low", "high", "nonnegative", "positive"),
    [
        ("4*x**2 - 4*x - 5", "(1 + sqrt(6))/2", None, True, False),
        ("4*x**2 - 4*x - 5", "(1 + sqrt(6))/2 - 1/1000", None, False, False),
        ("(2 - x)/(2*x - 3)", "3/2", "2", True, False),
        ("1/(x - 1)**2", "0", "2", False, False),
        ("x*(x - 1)**2", "0", "2", True, False),
        ("(x - 1)*(x - 10001/10000)", "0", "3", False, False),
        ("x**2 + 1", "-100", None, True, True),
        ("-1 + 0*x", "0", "1", False, False),
        ("0*x", "0", "1", True, False),
        ("2 - x", "0", "2", True, False),
        ("x**3 - x", "-1/2", "1/2", False, False),
    ],
)
def test_sign_on_an_interval(expression, low, high, nonnegative, positive):
    x = sympy.Symbol("x")
    ends = [sympy.sympify(end, rational=True) if end is not None else None for end in (low, high)]
    given = sympy.sympify(expression, locals={"x": x}, rational=True)
    assert nonnegative_on(given, x, *ends) is nonnegative
    assert positive_on(given, x, *ends) is positive


def test_sign_on_an_interval_refuses_what_it_cannot_decide():
    x, y = sympy.symbols("x y")
    with pytest.raises(ValueError, match="expression"):
        nonnegative_on(x * y, x, 0, 1)
    with pytest.raises(ValueError, match="high"):
        nonnegative_on(x, x, 1, 0)
    with pytest.raises(ValueError, match="symbols"):
        nonnegative_on_orthant(x * y, x)


def test_sign_on_the_orthant():
    a, b = sympy.symbols("a b", positive=True)
    assert nonnegative_on_orthant(a * b / (a + 1), a, b)
    assert nonnegative_on_orthant(-a / (-b - 1), a, b)
    assert not nonnegative_on_orthant(a - b, a, b)


def test_semidefinite():
    assert is_positive_semidefinite([[1, 1], [1, 1]])
    assert not is_positive_semidefinite([[1, 2], [2, 1]])
    assert not is_positive_semidefinite([[0, 1], [1, 0]])
    assert not is_positive_semidefinite([[1, 2], [0, 1]])

"""Exact decisions: is an expression zero, what is its sign on an interval or orthant, is a matrix semidefinite.

Nothing here rounds. Real roots are isolated in rational intervals, signs are taken at rational points between
them. SymPy is imported inside the functions: the table of claims must load without it. "No" means not proved
unless the docstring says that the function decides.
"""

import functools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

Expression = Any
"""A SymPy expression, or a number that SymPy can read (int, Fraction)."""


def exact(value: Expression) -> Expression:
    """Return ``value`` as a SymPy expression; a Fraction keeps its exact value.

    Raises:
        ValueError: a float, which has lost its exact value.
    """
    import sympy

    if isinstance(value, float):
        raise ValueError(f"value: {value!r} is a float; give an int, a Fraction or an expression")
    return sympy.Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else sympy.sympify(value)


def numerator(expression: Expression) -> Expression:
    """Return the expanded numerator over a common denominator (non-commutative: just expanded)."""
    import sympy

    expression = exact(expression)
    if not expression.is_commutative:
        return sympy.expand(expression)
    return sympy.expand(sympy.fraction(sympy.together(expression))[0])


def is_zero(expression: Expression) -> bool:
    """Return whether ``expression`` vanishes; decides rational functions and algebraic numbers."""
    return _vanishes(exact(expression))


@functools.lru_cache(maxsize=2048)
def _vanishes(expression: Expression) -> bool:
    """Return `is_zero`, once for each expression: proofs share many of their steps."""
    import sympy

    top = numerator(expression)
    if top == 0:
        return True
    if top.free_symbols or not top.is_commutative or not top.is_algebraic:
        return False
    z = sympy.Dummy("z")
    return bool(sympy.minimal_polynomial(top, z) == z)


def same(left: Expression, right: Expression) -> bool:
    """Return whether two expressions (polynomials, rational functions, algebraic numbers) are identical."""
    return is_zero(exact(left) - exact(right))


def counterexample(expression: Expression) -> Mapping[str, str] | None:
    """Return values of the symbols at which ``expression`` is not zero, or None if none tried shows it.

    The values are distinct primes over 7: positive, as penalties and weights must be.
    """
    import sympy

    top = exact(expression)
    if not top.is_commutative:
        return None
    symbols = sorted(top.free_symbols, key=str)
    for shift in range(3):
        point = {symbol: sympy.Rational(sympy.prime(index + 1 + shift), 7) for index, symbol in enumerate(symbols)}
        value = top.subs(point)
        if value.is_finite and not is_zero(value):
            return {**{str(symbol): str(number) for symbol, number in point.items()}, "residual": str(value)}
    return None


def _isolated(polynomial: Expression) -> list[tuple[Any, Any]]:
    """Return rational intervals, strictly apart and in order, each with one real root of ``polynomial``."""
    import sympy

    if polynomial.degree() < 1:
        return []
    eps = sympy.Rational(1, 8)
    while True:
        found = [interval for interval, _ in polynomial.sqf_part().intervals(eps=eps)]
        if all(left[1] < right[0] for left, right in pairwise(found)):
            return found
        eps /= 64


def _has_root(polynomial: Expression, interval: tuple[Any, Any]) -> bool:
    return bool(polynomial.degree() > 0 and polynomial.count_roots(*interval) > 0)


def signs_on(
    expression: Expression, symbol: Expression, low: Expression, high: Expression | None = None
) -> list[tuple[str, int | None]]:
    r"""Return the signs that a rational function over ℚ takes from ``low`` to ``high``, in order.

    Each entry is ("end" | "root" | "gap", sign): an end of the interval, a root or a pole inside, the open
    gap between two neighbours; the sign is None at a pole. ``high`` None means $+\infty$; ends are rational or
    real algebraic numbers. The ends' minimal polynomials are multiplied in, so that one isolation puts ends,
    roots and poles in their exact order.

    Raises:
        ValueError: another symbol is left in ``expression``, or the ends are not in order.
    """
    import sympy

    ratio = sympy.fraction(sympy.cancel(sympy.together(exact(expression))))
    if set().union(*(part.free_symbols for part in ratio)) - {symbol}:
        raise ValueError(f"expression: {expression} has symbols other than {symbol}")
    top, bottom = (sympy.Poly(part, symbol, domain="QQ") for part in ratio)
    ends = [exact(low)] + ([] if high is None else [exact(high)])
    product = top * bottom if not top.is_zero else bottom
    for end in ends:
        product *= sympy.Poly(sympy.minimal_polynomial(end, symbol), symbol, domain="QQ")
    marks = _isolated(product)
    places = [next(i for i, (a, b) in enumerate(marks) if a <= end <= b) for end in ends]
    last = places[1] if high is not None else len(marks) - 1
    if high is not None and places[1] <= places[0]:
        raise ValueError(f"high: {high} is not above low = {low}")
    return _walk(top, bottom, marks, places, last)


def _walk(
    top: Expression, bottom: Expression, marks: Sequence[tuple[Any, Any]], ends: Sequence[int], last: int
) -> list[tuple[str, int | None]]:
    import sympy

    def sign(at: Any) -> int:
        return int(sympy.sign(top.eval(at) * bottom.eval(at)))

    signs: list[tuple[str, int | None]] = []
    for index in range(ends[0], last + 1):
        interval, kind = marks[index], "end" if index in ends else "root"
        pole = _has_root(bottom, interval)
        root = top.is_zero or _has_root(top, interval)
        signs.append((kind, None if pole else 0 if root else sign(interval[0])))
        if index < last:
            signs.append(("gap", sign((interval[1] + marks[index + 1][0]) / 2)))
        elif len(ends) == 1:
            signs.append(("gap", sign(interval[1] + 1)))
    return signs


def nonnegative_on(expression: Expression, symbol: Expression, low: Expression, high: Expression | None = None) -> bool:
    r"""Return whether a rational function over ℚ is $\ge 0$ on [low, high]; decides both ways.

    ``high`` None means $[low, \infty)$. A pole inside is a no; an end that is a pole is left out.
    """
    signs = signs_on(expression, symbol, low, high)
    return all(kind == "end" if sign is None else sign >= 0 for kind, sign in signs)


def positive_on(
    expression: Expression,
    symbol: Expression,
    low: Expression,
    high: Expression | None = None,
    *,
    open_ends: bool = False,
) -> bool:
    r"""Return whether a rational function over ℚ is $> 0$ on [low, high]; decides both ways.

    ``open_ends`` leaves both ends out.
    """
    signs = signs_on(expression, symbol, low, high)
    return all((open_ends and kind == "end") or (sign is not None and sign > 0) for kind, sign in signs)


def nonnegative_on_orthant(expression: Expression, *symbols: Expression) -> bool:
    r"""Return whether the coefficients' signs show a rational function $\ge 0$ for all ``symbols`` > 0.

    Sufficient, not necessary. A lower bound $x > b$ is put in by the caller as $x = b + t$.

    Raises:
        ValueError: ``expression`` has a symbol that is not named.
    """
    import sympy

    top, bottom = sympy.fraction(sympy.cancel(sympy.together(exact(expression))))
    if top == 0:
        return True
    signs = []
    for part in (top, bottom):
        coefficients = sympy.Poly(part, *symbols).coeffs()
        if any(c.free_symbols for c in coefficients):
            raise ValueError(f"symbols: {expression} has symbols that are not named")
        signs.append({int(sympy.sign(c)) for c in coefficients})
    return signs[0] == signs[1] and signs[0] in ({1}, {-1})


def positive_on_orthant(expression: Expression, *symbols: Expression) -> bool:
    """Return whether `nonnegative_on_orthant` holds and ``expression`` is not identically 0, so is > 0."""
    return not is_zero(expression) and nonnegative_on_orthant(expression, *symbols)


def is_positive_semidefinite(matrix: Sequence[Sequence[Fraction]]) -> bool:
    r"""Return whether a rational matrix is symmetric positive semidefinite; exact $LDL^T$, decides both ways."""
    rows = [[Fraction(entry) for entry in row] for row in matrix]
    size = len(rows)
    if any(rows[i][j] != rows[j][i] for i in range(size) for j in range(i)):
        return False
    for k in range(size):
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[k][j] != 0 for j in range(k + 1, size))):
            return False
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot if pivot else Fraction(0)
            rows[i] = [rows[i][j] - factor * rows[k][j] if j > k else rows[i][j] for j in range(size)]
    return True

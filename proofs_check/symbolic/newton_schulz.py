r"""Newton–Schulz as NSISA uses it: the quintic $p(x) = ax + bx^3 + cx^5$ on singular values, exactly.

Source: MATHEMATICS.md#preconditioners. The coefficients and the number of steps are read from the library. Intervals
are found by exact bisection and shown by root isolation; no float decides anything.
"""

from collections.abc import Iterator
from fractions import Fraction

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression, exact, nonnegative_on, positive_on
from proofs_check.kernel.domains import Interval
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.proof import Proof, Replayed, symbolic_claim
from proofs_check.measured.orthogonal import fixed_trial
from proofs_check.symbolic.quintic import Quintic, library_quintic, torch_takes_the_librarys

MUON = library_quintic()
WEIGHTS = (Fraction(3, 4), Fraction(1, 4))
GRADIENTS = (Fraction(1), Fraction(-3))
"""MATHEMATICS.md#V9: two clients, the second gradient minus three times the first; the weighted sum is 0."""


def _singular_values(quintic: Quintic, effort: str) -> Iterator[Fact]:
    import sympy

    left, left_t, middle, right, right_t = sympy.symbols("U U_t S V V_t", commutative=False)
    x, transposed = left * middle * right_t, right * middle * left_t

    def reduced(expression: Expression) -> Expression:
        """Use UᵀU = I = VᵀV until nothing changes."""
        while True:
            shorter = sympy.expand(expression).subs(left_t * left, 1).subs(right_t * right, 1)
            if shorter == expression:
                return expression
            expression = shorter

    a, b, c = map(exact, (quintic.a, quintic.b, quintic.c))
    values = a * middle + b * middle**3 + c * middle**5
    wide = reduced(quintic.matrix(x, transposed)) - sympy.expand(left * values * right_t)
    yield Identity("X = U S V^T: the step is U p(S) V^T", wide)
    tall = reduced(quintic.matrix(transposed, x)) - sympy.expand(right * values * left_t)
    yield Identity("a tall X goes through as X^T: V p(S) U^T, transposed U p(S) V^T", tall)


def _fixed_points(quintic: Quintic, effort: str) -> Iterator[Fact]:
    import sympy

    a, b, c = map(exact, (quintic.a, quintic.b, quintic.c))
    inside = b**2 - 4 * c * (a - 1)
    yield Holds("p(x) = x has two positive roots: b^2 > 4c(a-1) > 0 > b", bool(inside > 0 and c * (a - 1) > 0 > b))
    squares = [(-b + sign * sympy.sqrt(inside)) / (2 * c) for sign in (-1, 1)]
    numbers = {"x^2": [str(sympy.nsimplify(y)) for y in squares], "x": [float(sympy.sqrt(y)) for y in squares]}
    for y in squares:
        yield Identity(f"x^2 = {y} is fixed", c * y**2 + b * y + a - 1, numbers=numbers)
    slopes = [sympy.expand(a + 3 * b * y + 5 * c * y**2) for y in squares]
    repelling = all(bool(slope**2 > 1) for slope in slopes)
    yield Holds("both repel: |p'| > 1", repelling, numbers={"slopes": [float(slope) for slope in slopes]})
    yield Holds("0 repels: a > 1", bool(a > 1))
    yield Holds("the torch backend takes the library's coefficients", torch_takes_the_librarys())
    yield Holds("1 is not fixed", bool(quintic.on(Fraction(1)) != 1), numbers={"p(1)": str(quintic.on(Fraction(1)))})


def _turning_points(quintic: Quintic) -> list[Fraction]:
    """Return rationals within 1e-12 of the positive critical points of p."""
    import sympy

    x = sympy.Symbol("x", real=True)
    roots = sympy.real_roots(sympy.Poly(sympy.diff(quintic.on(x), x), x))
    return [Fraction(str(sympy.N(root, 12))) for root in roots if root > 0]


def _preimage(quintic: Quintic, target: Fraction, peak: Fraction) -> Fraction:
    """Return the least x of a decimal grid with p(x) ≥ ``target``, on the branch that rises to ``peak``."""
    digits = Fraction(1, 10**9)
    low, high = 0, int(peak / digits)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if quintic.on(middle * digits) >= target else (middle, high)
    return high * digits


def _landing(quintic: Quintic, effort: str) -> Iterator[Fact]:
    import sympy

    x = sympy.Symbol("x")
    p = quintic.on(x)
    turning = _turning_points(quintic)
    yield Holds("p turns twice on the positive axis", len(turning) == 2)
    grid = 10**4
    low = Fraction(int(quintic.on(turning[1]) * grid), grid)
    high = Fraction(int(quintic.on(turning[0]) * grid) + 1, grid)
    decimals = (low, high) == (Fraction("0.6818"), Fraction("1.2024"))
    yield Holds("its values there are l = .6818 and u = 1.2024, rounded outwards to 4 decimals", decimals)
    yield Sign("p > 0 on (0, u]", p / x, Interval(x, 0, high), strict=True, numbers={"l": str(low), "u": str(high)})
    yield Holds("p <= u on [0, u], and 1 <= u", nonnegative_on(exact(high) - p, x, 0, high) and high >= 1)
    yield Sign("p maps [l, u] into [l, u]", p - exact(low), Interval(x, low, high))
    threshold = low
    for step in range(1, quintic.steps + 1):
        entry = _preimage(quintic, threshold, turning[0])
        carried = nonnegative_on(p - exact(threshold), x, entry, high)
        yield Holds(f"[t_{step}, u] goes into [t_{step - 1}, u]", carried, numbers={f"t_{step}": float(entry)})
        threshold = entry
    slow = nonnegative_on(exact(quintic.a) * x - p, x, 0, low)
    lost = {"no arrival below": float(low / quintic.a**quintic.steps)}
    yield Holds("p(x) <= a x on [0, l]: below l/a^5 nothing arrives", slow, numbers=lost)
    yield from _attained(quintic, turning, low, high)


def _attained(quintic: Quintic, turning: list[Fraction], low: Fraction, high: Fraction) -> Iterator[Fact]:
    near = Fraction(1, 1000)
    for name, target, wanted in (("u", turning[0], high), ("l", turning[1], low)):
        start = target
        for _ in range(quintic.steps - 1):
            start = _preimage(quintic, start, turning[0])
        end = quintic.repeated(start)
        numbers = {f"start near {name}": float(start), f"end near {name}": float(end)}
        yield Holds(
            f"{name} is attained to 1e-3 from inside (0, 1]",
            abs(end - wanted) < near and 0 < start <= 1,
            numbers=numbers,
        )


def _valuation(number: Fraction, prime: int) -> int:
    """Return the exponent of ``prime`` in a nonzero rational.

    Raises:
        ValueError: ``number`` is 0.
    """
    if number == 0:
        raise ValueError("number: 0 has no valuation")
    top, bottom, power = number.numerator, number.denominator, 0
    while top % prime == 0:
        top, power = top // prime, power + 1
    while bottom % prime == 0:
        bottom, power = bottom // prime, power - 1
    return power


def _never_orthogonal(quintic: Quintic, effort: str) -> Iterator[Fact]:
    import sympy

    prime = 5
    at_a, at_b, at_c = (_valuation(k, prime) for k in (quintic.a, quintic.b, quintic.c))
    yield Holds(
        "5-adically v(a) = v(c) < min(0, v(b))",
        at_a == at_c < min(0, at_b),
        numbers={"v(a), v(b), v(c)": [at_a, at_b, at_c]},
    )
    yield Holds("a 5-adic unit has x^4 = 1 mod 5", all(pow(x, prime - 1, prime) == 1 for x in range(1, prime)))
    unit = (quintic.a + quintic.c) / Fraction(prime) ** at_a
    yield Holds("a + c is 5^v(a) times a unit: v(x) = 0 gives v(p(x)) = v(a) < 0", _valuation(unit, prime) == 0)
    v = sympy.Symbol("v")
    others = (at_a + v - (at_c + 5 * v), at_b + 3 * v - (at_c + 5 * v))
    dominated = all(positive_on(gap.subs(v, -v), v, 1) for gap in others)
    yield Holds("v(x) < 0: c x^5 dominates, so v(p(x)) < 0 again: p^k(1/j) is 1 for no integer j (n = j^2)", dominated)
    x = sympy.Symbol("x")
    ratio = sympy.cancel(quintic.on(x) / x)
    yield Identity(
        "p(x)/x is a polynomial in x^2: p^k(1/sqrt n) = 1 would make sqrt n rational", ratio - ratio.subs(x, -x)
    )
    ends = {f"n = {n}": float(quintic.gain(Fraction(1, n))) / n**0.5 for n in (1, 2, 3, 4, 16)}
    yield Holds("n = 1 and 4 in numbers", all(quintic.repeated(Fraction(1, j)) != 1 for j in (1, 2)), numbers=ends)


def _norm_square(quintic: Quintic, diagonal: tuple[int, ...]) -> Fraction:
    r"""Return $\|\sum_i\alpha_i\mathrm{NS}(g_i)\|_F^2$ for $g_1$ = Diag(``diagonal``), exactly."""
    total = sum(entry**2 for entry in diagonal)
    squares = [Fraction(entry**2, total) for entry in diagonal]
    mixed = sum(w * (1 if g > 0 else -1) for w, g in zip(WEIGHTS, GRADIENTS, strict=True))
    return mixed**2 * sum((y * quintic.gain(y) ** 2 for y in squares), Fraction(0))


def _kkt_not_fixed(quintic: Quintic, effort: str) -> Iterator[Fact]:
    import sympy

    x, momentum = sympy.Symbol("x"), sympy.Symbol("mu", positive=True)
    balance = sum(w * g for w, g in zip(WEIGHTS, GRADIENTS, strict=True))
    yield Identity("sum alpha g = 0 with g_2 = -3 g_1: a KKT point", exact(balance))
    buffer = 1 / (1 - momentum)
    yield Identity("the momentum at rest is g/(1-mu)", momentum * buffer + 1 - buffer)
    yield Identity("and Nesterov's g + mu b is g/(1-mu): the same direction", 1 + momentum * buffer - buffer)
    yield Identity("p is odd, and X_0 ignores the scale: NS(-3 g) = -NS(g)", quintic.on(-x) + quintic.on(x))
    turning = _turning_points(quintic)
    yield Holds("p turns twice on the positive axis", len(turning) == 2)
    high = Fraction(int(quintic.on(turning[0]) * 10**4) + 1, 10**4)
    alive = positive_on(quintic.on(x) / x, x, 0, high) and nonnegative_on(exact(high) - quintic.on(x), x, 0, high)
    yield Holds("p keeps (0, u] in (0, u]: NS(g) is 0 for no g except 0", alive and high >= 1)
    norms = {d: _norm_square(quintic, d) for d in ((1,), (1, 1), (1, 1, 1), (1, 1, 1, 1), (2, 3, 4))}
    numbers = {f"|sum alpha NS(g)| for g_1 = Diag{d}": float(square) ** 0.5 for d, square in norms.items()}
    yield Holds("exact squared norms are positive", all(square > 0 for square in norms.values()), numbers=numbers)
    near = Fraction(815, 1000) ** 2 < norms[2, 3, 4] < Fraction(825, 1000) ** 2
    yield Holds("g_1 = Diag(2, 3, 4): .82 to two digits, where the sum of the gradients is 0", near)


NEWTON_SCHULZ_CLAIMS = (
    symbolic_claim(
        "newton-schulz-acts-on-singular-values",
        "A Newton-Schulz step keeps both singular bases and maps each singular value by an odd quintic.",
        Proof(
            _singular_values,
            MUON,
            Verdict.PROVED,
            conclusion={
                (
                    "keeps both singular bases and maps each singular value by an odd quintic"
                ): "X = U S V^T: the step is U p(S) V^T"
            },
        ),
        latex=r"$X = U S V^T\ \Rightarrow\ aX + bAX + cA^2X = U(aS + bS^3 + cS^5)V^T,\quad A = XX^T$",
        hypotheses=("thin singular value decomposition, S diagonal",),
        source="MATHEMATICS.md#preconditioners",
    ),
    symbolic_claim(
        "newton-schulz-fixed-points",
        "The quintic has two positive fixed points, both repelling, and 1 is not one of them.",
        Proof(
            _fixed_points,
            MUON,
            Verdict.PROVED,
            conclusion={"both repelling": "both repel: |p'| > 1", "1 is not one of them": "1 is not fixed"},
        ),
        latex=r"$p(x) = x,\ x > 0\ \Leftrightarrow\ x^2 = \frac{4775 \pm \sqrt{2936618}}{4063},\quad |p'(x)| > 1$",
        hypotheses=("(a, b, c) = (3.4445, -4.7750, 2.0315)",),
        source="MATHEMATICS.md#preconditioners",
    ),
    symbolic_claim(
        "newton-schulz-landing-interval",
        "Five steps take every singular value from .001506 to 1 into [.6818, 1.2024], and come to 1e-3 of both ends.",
        Proof(
            _landing,
            MUON,
            Verdict.PROVED,
            conclusion={
                (
                    "Five steps take every singular value from .001506 to 1 into [.6818, 1.2024]"
                ): "[t_5, u] goes into [t_4, u]",
                "come to 1e-3 of both ends": "l is attained to 1e-3 from inside (0, 1]",
            },
        ),
        latex=r"$s \in [0.001506, 1]\ \Rightarrow\ p^{\circ 5}(s) \in [0.6818, 1.2024]$",
        hypotheses=("singular values of a matrix of Frobenius norm 1", "exact arithmetic"),
        source="MATHEMATICS.md#preconditioners",
    ),
    symbolic_claim(
        "newton-schulz-never-returns-an-orthogonal-matrix",
        "Newton-Schulz leaves no orthogonal matrix as it is, whatever its size: it multiplies it by a number other than"
        " 1.",
        Proof(
            _never_orthogonal,
            MUON,
            Verdict.PROVED,
            conclusion={
                "it multiplies it by a number other than 1": (
                    "v(x) < 0: c x^5 dominates, so v(p(x)) < 0 again: p^k(1/j) is 1 for no integer j (n = j^2)"
                )
            },
        ),
        latex=r"$U^TU = I_n:\quad \mathrm{NS}(U) = p^{\circ 5}(n^{-1/2})\,U,"
        r"\quad p^{\circ 5}(n^{-1/2}) \neq 1\ \mathrm{for\ all}\ n$",
        hypotheses=("square U, normalised by its Frobenius norm",),
        source="MATHEMATICS.md#preconditioners",
    ),
    symbolic_claim(
        "V9-nsisa-fixed-points",
        "NSISA's fixed points are KKT points.",
        Proof(
            _kkt_not_fixed,
            MUON,
            Verdict.REFUTED,
            Replayed({"seed": 0, "penalty": 4.0, "steps": 300}, fixed_trial),
            conclusion={r"\nRightarrow": "exact squared norms are positive"},
        ),
        latex=r"$\sum_i\alpha_i g_i = 0\ \nRightarrow\ \sum_i\alpha_i\mathrm{NS}(g_i) = 0,\quad"
        r" \alpha = (\frac{3}{4}, \frac{1}{4}),\ g_2 = -3g_1$",
        hypotheses=("matrix parameter, lambda = 0", "momentum at rest"),
        source="MATHEMATICS.md#V9",
    ),
)
"""The claims about Newton–Schulz."""

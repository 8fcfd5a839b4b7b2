r"""Thresholds near the sharp 3/2 for arbitrary preconditioners: one-step potentials with rational multipliers.

$u_i = M_ie_i$ obeys the sector inequality $\langle e_i-u_i, u_i-e_i/(1+\beta)\rangle \ge 0$ whatever $Q_i$ is. In
units where the smoothness constant is $L' = \sigma/\kappa_0 \ge L$: $V = F + p_{GG}\|G\|^2 + p_{Ge}\langle G,\bar
e\rangle + p_{ee}\|\bar e\|^2 + a\sum\alpha_i\|e_i-\bar e\|^2$. Averages over clients split into a part of the means
and a part of the deviations from them; the symbols e_dev, u_dev, h_dev stand for the latter, their squares for
averages, and no product of a mean with a deviation occurs.
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

from proofs_check.kernel.algebra import Expression, exact
from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Sign, Used
from proofs_check.kernel.formulas import Concludes
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.interpolation import forward_derivation, lipschitz_derivation, symbolic_step
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, client_identities, moving_weight

SOURCE = "ours; MATHEMATICS.md#T12; multipliers from a semidefinite programme, rounded to fractions"


def _fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, text.split()))


@dataclasses.dataclass(frozen=True)
class Multipliers:
    """One certificate; ``deviations`` is a, or None where all clients share one M (then no deviations matter)."""

    beta: Fraction
    kappa: Fraction
    """κ_0"""
    drop: Fraction
    """c: V falls by c‖G‖²κ_0/σ"""
    form: tuple[Fraction, ...]
    """p_GG, p_Ge, p_ee"""
    lipschitz: Fraction
    sector: Fraction
    deviations: Fraction | None = None


def _shared(beta: int, kappa: str, drop: str, form: str, lipschitz: str, sector: str) -> Multipliers:
    return Multipliers(
        Fraction(beta), Fraction(kappa), Fraction(drop), _fractions(form), Fraction(lipschitz), Fraction(sector)
    )


def _any(beta: int, kappa: str, drop: str, form: str, deviations: str, lipschitz: str, sector: str) -> Multipliers:
    return dataclasses.replace(_shared(beta, kappa, drop, form, lipschitz, sector), deviations=Fraction(deviations))


COMMON = (
    _shared(4, "151/100", "11/1000", "279/500 -7/8 199/500", "21/1000", "1337/1000"),
    _shared(6, "203/100", "1/500", "1217/2500 -9833/10000 621/1250", "69/10000", "5819/5000"),
    _shared(10, "103/20", "1/1000", "47/250 -561/1000 419/1000", "7/10", "181/200"),
)
SEPARATE = (
    _any(1, "151/100", "37/1000", "1881/10000 -99/1250 1213/2000", "591/1000", "6433/10000", "34969/5000"),
    _any(2, "169/100", "11/125", "213/1000 -123/1000 377/1000", "427/1000", "303/500", "2559/1000"),
    _any(3, "39/20", "27/250", "273/2000 -1987/10000 1157/5000", "1423/5000", "4623/10000", "101/80"),
    _any(4, "227/100", "19/1000", "713/5000 -3597/10000 142/625", "623/2500", "623/1250", "1867/2000"),
    _any(6, "84/25", "3/500", "151/1000 -43/100 307/1000", "3/10", "951/1000", "933/1000"),
    _any(10, "597/100", "1/500", "27/250 -1987/5000 3659/10000", "1687/5000", "8881/5000", "1781/2000"),
)


@dataclasses.dataclass(frozen=True)
class Vectors:
    """Means over clients and deviations from them."""

    gradient: Expression
    mean: tuple[Expression, Expression, Expression]
    """ē, ū, h̄"""
    deviation: tuple[Expression, Expression, Expression]
    values: tuple[Expression, Expression]


def symbolic_vectors() -> Vectors:
    """Return the symbols."""
    import sympy

    return Vectors(
        sympy.Symbol("G"),
        sympy.symbols("e_mean u_mean h_mean"),
        sympy.symbols("e_dev u_dev h_dev"),
        sympy.symbols("F F_next"),
    )


def averaged_forward() -> Certificate:
    """Return the forward inequality of every F_i, averaged: F, F⁺, G, h̄, Σα_i‖h_i‖² and the move m are means."""
    import sympy

    value, then, gradient, turn, turns, step = sympy.symbols("F F_next G h_mean h_square m")
    own, (u, v) = symbolic_step(), sympy.symbols("w_here w_after")
    means = {value: own.value, then: own.next_value, gradient: own.here, turn: own.turn, turns: own.turn**2}
    target = value - then - (2 * gradient + turn) * step / 2 - (turns - step**2) / 4
    each = Consequence("forward, client by client", target, forward_derivation(), at={u: step, v: 0}, means=means)
    return Certificate("smooth forward, averaged over the clients", target, ((1, each),))


def averaged_lipschitz() -> Certificate:
    """Return Σα_i‖h_i‖² ≤ ‖m‖²."""
    import sympy

    turns, step = sympy.symbols("h_square m")
    own, (u, v) = symbolic_step(), sympy.symbols("w_here w_after")
    places, target = {u: step, v: sympy.Integer(0)}, step**2 - turns
    each = Consequence("client by client", target, lipschitz_derivation(), at=places, means={turns: own.turn**2})
    return Certificate("Lipschitz gradients, averaged over the clients", target, ((1, each),))


def sector() -> tuple[Certificate, Certificate]:
    r"""Return the sector inequality of one client, $u = \mu e$ with $1/(1+\beta) \le \mu \le 1$, and its average."""
    import sympy

    beta, x = sympy.symbols("beta x", positive=True)
    e, ee, eu, uu = sympy.symbols("e e_square e_u u_square")
    low = 1 / (1 + beta)
    moving = (low + x) / (1 + x)
    one = (e - moving * e) * (moving * e - low * e)
    alone = Certificate("⟨e−u, u−e/(1+β)⟩ ≥ 0, one client", one, (), (((1 - moving) * (moving - low), e),))
    target = eu - low * ee - uu + low * eu
    means = {ee: e**2, eu: moving * e**2, uu: moving**2 * e**2}
    each = Consequence("the sector, client by client", target, alone, means=means, shared=(beta,))
    return alone, Certificate("the sector, averaged over the clients", target, ((1, each),))


def inequalities(given: Multipliers, at: Vectors) -> tuple[Consequence, Consequence, Consequence]:
    """Return forward, Lipschitz and sector inequalities, averaged over the clients, $L' = 1$."""
    import sympy

    (e, u, h), (e_dev, u_dev, h_dev) = at.mean, at.deviation
    if given.deviations is None:
        e_dev = u_dev = h_dev = exact(Fraction(0))
    move = (at.gradient + 2 * u - e) / exact(given.kappa)
    turns, low = h**2 + h_dev**2, exact(1 / (1 + given.beta))
    forward = at.values[0] - at.values[1] - (2 * at.gradient + h) * move / 2 - (turns - move**2) / 4
    bounded = (e - u) * (u - low * e) + (e_dev - u_dev) * (u_dev - low * e_dev)
    squares = {"e_square": e**2 + e_dev**2, "e_u": e * u + e_dev * u_dev, "u_square": u**2 + u_dev**2}
    places = {sympy.Symbol(name): value for name, value in squares.items()}
    width = {sympy.Symbol("beta", positive=True): exact(given.beta)}
    moved = {sympy.Symbol("m"): move, sympy.Symbol("h_square"): turns}
    return (
        Consequence("smooth forward", forward, averaged_forward(), at=moved),
        Consequence("Lipschitz gradients", move**2 - turns, averaged_lipschitz(), at=moved),
        Consequence("sector", bounded, sector()[1], at=places | width),
    )


def quadratic(given: Multipliers, gradient: Expression, error: Expression, deviation: Expression) -> Expression:
    """Return V − F."""
    big, cross, small = map(exact, given.form)
    share = exact(given.deviations or Fraction(0))
    return big * gradient**2 + cross * gradient * error + small * error**2 + share * deviation**2


def squares_of(form: Expression, variables: tuple[Expression, ...]) -> tuple[tuple[Expression, Expression], ...]:
    """Return (weight, base) with Σ weight·base² = ``form`` by completing squares in the order of ``variables``.

    A weight may come out negative (the form is then not a sum of squares, and no certificate stands on it).
    """
    import sympy

    rest, found = sympy.expand(form), []
    for variable in variables:
        weight = rest.coeff(variable, 2)
        if weight == 0:
            continue
        base = sympy.expand(sympy.diff(rest, variable) / (2 * weight))
        found.append((weight, base))
        rest = sympy.expand(rest - weight * base**2)
    return tuple(found)


def one_step(given: Multipliers) -> Certificate:
    """Return V − V⁺ ≥ c‖G‖² in the units of L'."""
    at = symbolic_vectors()
    (e, u, h), (e_dev, u_dev, h_dev) = at.mean, at.deviation
    used: tuple[Used, ...] = inequalities(given, at)
    now = at.values[0] + quadratic(given, at.gradient, e, e_dev)
    then = at.values[1] + quadratic(given, at.gradient + h, e - u + h, e_dev - u_dev + h_dev)
    target = now - then - exact(given.drop) * at.gradient**2
    weights = (exact(Fraction(1)), exact(given.lipschitz), exact(given.sector))
    uses = tuple(zip(weights, used, strict=True))
    rest = target - sum(weight * each.expression for weight, each in uses)
    squares = squares_of(rest, (u, e, h, at.gradient, u_dev, e_dev, h_dev))
    p = ", ".join(map(str, given.form))
    name = f"β ≤ {given.beta}, κ_0 = {given.kappa}: V⁺ ≤ V − {given.drop}‖G‖², p = {p}, a = {given.deviations or 0}"
    return Certificate(name, target, uses, squares)


def floor(given: Multipliers) -> Certificate:
    """Return V ≥ F: the form is a sum of squares, so that nondecreasing σ only lowers V."""
    at = symbolic_vectors()
    form = quadratic(given, at.gradient, at.mean[0], at.deviation[0])
    squares = squares_of(form, (at.gradient, at.mean[0], at.deviation[0]))
    return Certificate(f"β ≤ {given.beta}: V ≥ F", form, (), squares)


def scaling_facts(algorithm: Algorithm) -> tuple[Fact, ...]:
    r"""Return the identities behind the units: $D = -(G+2\bar u-\bar e)/\sigma$, $e^+ = e-u+h$.

    And the sector grows with β.
    """
    import sympy

    gradient, then, w, after = sympy.symbols("g g_next w w_after")
    beta, more, sigma, kappa = sympy.symbols("beta x sigma kappa_0", positive=True)
    client = symbolic_client(ridge=sympy.Integer(0), gradient=gradient)
    sent, penalty = algorithm.local_step(client, w), client.penalty / client.ratio
    e = gradient + client.multiplier
    u = moving_weight(client, penalty) * e
    part = penalty * (after - w) + gradient + 2 * u - e
    return (
        Identity("λ = 0: R_i(w⁺) = σ_i(w⁺−w) + g_i + 2u_i − e_i, u_i = M_ie_i", algorithm.residual(sent, after), part),
        Identity("e⁺ = e − u + h", then + sent.multiplier, e - u + (then - gradient)),
        Sign("a smaller β has a smaller sector", 1 / (1 + beta) - 1 / (1 + beta + more)),
        Identity("σ = κ_0L': the weight 1/L' is κ_0/σ", 1 / (sigma / kappa), kappa / sigma),
    )


def sector_proof(algorithm: Algorithm, table: tuple[Multipliers, ...]) -> Iterator[Fact]:
    """Yield the facts for every row of ``table``, and that the sentence has these rows and no other."""
    yield from (*client_identities(algorithm), *scaling_facts(algorithm))
    yield from (forward_derivation(), averaged_forward(), lipschitz_derivation(), averaged_lipschitz(), *sector())
    steps = [one_step(given) for given in table]
    for given, step in zip(table, steps, strict=True):
        yield from (step, floor(given))
    rows = ", ".join(f"({each.beta}, {float(each.kappa):g}, {float(each.drop):g})" for each in table)
    yield Concludes(f"(β, κ_0, c) = {rows};", steps[-1])


ARGUMENTS = (
    MEAN_OF_CLIENTS,
    "means over the clients of quadratic forms are the form of the means plus that of the deviations from them",
    "V in the units of L' = σ_k/κ_0 ≥ L; its form is a sum of squares over L', so that a larger σ_{k+1} only lowers it",
)
HYPOTHESES = (
    "full gradients; every F_i is L-smooth (nonconvex allowed), F bounded below, λ = 0; any number of clients, any"
    " split",
    "Q_i symmetric, 0 ⪯ ρ_iQ_i ⪯ βσ_iI, otherwise arbitrary at every step; σ = Σα_iσ_i nondecreasing; "
    " Algorithm 1's order",
    "κ = σ/L ≥ κ_0: F_i is also L'-smooth with L' = σ/κ_0, so that one"
    " certificate at κ_0 covers every κ ≥ κ_0 and every"
    " smaller β",
    "V_k = F(w_k) + (κ_0/σ_k)(p_1‖G‖² + p_2⟨G,ē⟩ + p_3‖ē‖² + aΣα_i‖e_i−ē‖²),"
    " G = ∇F(w_k), e_i = ∇F_i(w_k) + π_i before the"
    " client's step, ē = Σα_ie_i; p and a of each row stand with its step",
)

CLAIMS = (
    theorem(
        "T12-threshold-any-clients",
        "For any clients and any Q_i, V_{k+1} ≤ V_k − cκ_0‖∇F(w_k)‖²/σ_k at every step and every κ ≥ κ_0 where"
        " 0 ⪯ ρ_iQ_i ⪯ βσ_i, with (β, κ_0, c) = (1, 1.51, 0.037), (2, 1.69, 0.088), (3, 1.95, 0.108), (4, 2.27, 0.019),"
        " (6, 3.36, 0.006), (10, 5.97, 0.002); κ > 1.5 is necessary (T1-threshold-sharp).",
        latex=r"$\beta \leq 1,\ \kappa \geq 1.51:\quad V_{k+1} \leq V_k - \frac{0.05587}{\sigma_k}\|\nabla F(w_k)\|^2$",
        hypotheses=HYPOTHESES,
        source=SOURCE,
        proof=lambda algorithm: sector_proof(algorithm, SEPARATE),
        arguments=ARGUMENTS,
    ),
    theorem(
        "T12-threshold-common",
        "If all clients share one M (m = 1, or the same Q and σ), V_{k+1} ≤ V_k − cκ_0‖∇F(w_k)‖²/σ_k at every step and"
        " every κ ≥ κ_0 where 0 ⪯ ρQ ⪯ βσ, with (β, κ_0, c) = (4, 1.51, 0.011), (6, 2.03, 0.002), (10, 5.15, 0.001);"
        " κ > 1.5 is necessary (T1-threshold-sharp).",
        latex=r"$\beta \leq 4,\ \kappa \geq 1.51:\quad V_{k+1} \leq V_k - \frac{0.01661}{\sigma_k}\|\nabla F(w_k)\|^2$",
        hypotheses=(*HYPOTHESES, "one M for all clients at every step"),
        source=SOURCE,
        proof=lambda algorithm: sector_proof(algorithm, COMMON),
        arguments=ARGUMENTS,
    ),
)

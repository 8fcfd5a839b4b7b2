r"""The inductions behind the finite-N theorems: what the last two gradients carry, and one step of it.

After j steps the proof holds $f_0 - f_j \ge \sum_{k<j-1} c_k\|g_k\|^2 + p\|g_{j-1}\|^2 + q\|g_j\|^2 +
\omega\|g_{j-1}-g_j\|^2$. One step turns the boundary $(p, q, \omega)$ into the next one and emits $c_{j-1}$; no matrix
for any particular N is formed. $L = 1$, $g_{-1} = 0$.
"""

import dataclasses

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.domains import Interval
from proofs_check.kernel.facts import Certificate, Consequence, Inequality
from proofs_check.kernel.schemes import Induction
from proofs_check.symbolic.theorems.interpolation import (
    Step,
    cocoercive,
    convex_forward,
    end_value,
    first_step,
    lipschitz,
    smooth_forward,
    symbolic_step,
)


@dataclasses.dataclass(frozen=True)
class Boundary:
    """What the last two gradients carry: $p‖g_{j-1}‖² + q‖g_j‖² + ω‖g_{j-1} − g_j‖²$."""

    older: Expression
    newer: Expression
    turn: Expression

    def at(self, before: Expression, here: Expression) -> Expression:
        """Return its value at two gradients."""
        return self.older * before**2 + self.newer * here**2 + self.turn * (before - here) ** 2


def induction_hypothesis(step: Step, boundary: Boundary) -> Inequality:
    """Return f_0 − f_j − Σ_{k<j−1} c_k‖g_k‖² − boundary ≥ 0, the sum being one symbol."""
    import sympy

    start, emitted = sympy.symbols("f_start emitted")
    value = start - step.value - emitted - boundary.at(step.before, step.here)
    return Inequality("induction hypothesis", value, "of the induction")


def induction_conclusion(step: Step, boundary: Boundary, emitted_now: Expression) -> Expression:
    """Return the hypothesis one step later, with ``emitted_now`` times ‖g_{j−1}‖² added to the sum."""
    import sympy

    start, emitted = sympy.symbols("f_start emitted")
    total = emitted + emitted_now * step.before**2
    return start - step.next_value - total - boundary.at(step.here, step.after)


def every_step(chain: "Nonconvex | Convex") -> Induction:
    """Return the induction: the hypothesis after any number of steps, with the boundary that belongs to it."""
    import sympy

    first, (p, q), base, step = symbolic_step(), sympy.symbols("p q"), chain.base(), chain.step()
    hypothesis = next(used for _, used in step.uses if isinstance(used, Inequality))
    start, emitted = sympy.symbols("f_start emitted")
    now, (lost, following) = chain.first, chain.next(Boundary(p, q, chain.first.turn))
    begin = {start: first.value, first.value: first.next_value, emitted: sympy.Integer(0)}
    shift = {first.value: first.next_value, emitted: emitted + lost * first.before**2}
    turned = {first.before: first.here, first.here: first.after}
    return Induction(
        f"f_0 − f_j ≥ Σ_{{k<j−1}} c_k‖g_k‖² + boundary, every j{chain.label}",
        hypothesis,
        base,
        step,
        {**begin, **turned, p: now.older, q: now.newer},
        {**shift, **turned, p: following.older, q: following.newer},
        (p, q),
    )


def final_step(induction: Induction, boundary: Boundary, name: str) -> Certificate:
    """Return F(w_0) − F* ≥ Σc_k‖g_k‖² with c_{N−1} = p and c_N = q + 1/2."""
    import sympy

    step, optimum, (p, q) = symbolic_step(), sympy.Symbol("f_optimum"), sympy.symbols("p q")
    start, emitted = sympy.symbols("f_start emitted")
    half = sympy.Rational(1, 2)
    total = emitted + boundary.older * step.before**2 + (boundary.newer + half) * step.here**2
    reached = induction_hypothesis(step, boundary).expression
    carried = Consequence("the sum after N steps", reached, induction, at={p: boundary.older, q: boundary.newer})
    return Certificate(
        name,
        start - optimum - total,
        ((1, carried), (1, end_value(step.here, step.value, optimum))),
        ((boundary.turn, step.before - step.here),),
        induction.domain,
    )


@dataclasses.dataclass(frozen=True)
class Nonconvex:
    """The nonconvex chain: multiplier r = (ϱ−1)/4 on the Lipschitz inequality at every step."""

    kappa: Expression
    rho: Expression
    domain: Interval
    label: str = ""

    @property
    def pieces(self) -> tuple[Expression, Expression, Expression]:
        """The coefficients of ‖g_{k−1}‖², ‖g_k‖², ‖g_{k+1}‖² in one step."""
        k, rho = self.kappa, self.rho
        return -1 / (2 * k) + rho / (4 * k**2), 5 / (4 * k) - rho / (2 * k**2), 1 / (4 * k)

    @property
    def turns(self) -> tuple[Expression, Expression]:
        """The weights of ‖g_k−g_{k+1}‖² and ‖g_{k−1}−g_k‖² in one step."""
        return (self.rho * self.kappa - 2) / (4 * self.kappa), (self.kappa - 2 * self.rho) / (4 * self.kappa**2)

    @property
    def first(self) -> Boundary:
        """The boundary after the first step."""
        k = self.kappa
        return Boundary((6 * k - 4 * self.rho) / (4 * k**2), 1 / (2 * k), self.turns[0])

    def next(self, boundary: Boundary) -> tuple[Expression, Boundary]:
        """Return (c_{j−1}, boundary after one more step)."""
        older, here, newer = self.pieces
        return boundary.older + older, Boundary(boundary.newer + here, newer, self.turns[0])

    def base(self) -> Certificate:
        """Return the induction's start: one step from g_{−1} = 0."""
        step = first_step()
        uses = ((1, smooth_forward(step)), ((self.rho - 1) / 4, lipschitz(step)))
        target = step.value - step.next_value - self.first.at(step.here, step.after)
        return Certificate(f"base: the first step{self.label}", target, uses, (), self.domain)

    def step(self) -> Certificate:
        """Return the induction step for any boundary (p, q) with ω = w₁."""
        import sympy

        step, (p, q) = symbolic_step(), sympy.symbols("p q")
        boundary = Boundary(p, q, self.turns[0])
        emitted, following = self.next(boundary)
        return Certificate(
            f"induction step{self.label}",
            induction_conclusion(step, following, emitted),
            (
                (1, induction_hypothesis(step, boundary)),
                (1, smooth_forward(step)),
                ((self.rho - 1) / 4, lipschitz(step)),
            ),
            ((sum(self.turns), step.before - step.here), (1 / (4 * self.kappa), step.before - step.after)),
            self.domain,
        )


@dataclasses.dataclass(frozen=True)
class Convex:
    """The convex chain: multiplier r₀ on cocoercivity in the first step, R in every later one."""

    kappa: Expression
    start: Expression
    later: Expression
    turn: Expression
    """2κω, the weight that ‖g_{j−1} − g_j‖²/(2κ) carries from step to step"""
    domain: Interval
    label: str = ""

    @property
    def first(self) -> Boundary:
        """The boundary after the first step."""
        k = self.kappa
        return Boundary((1 - self.start) / k, (1 + self.start) / k, self.turn / (2 * k))

    def next(self, boundary: Boundary) -> tuple[Expression, Boundary]:
        """Return (c_{j−1}, boundary after one more step)."""
        k, r = self.kappa, self.later
        following = Boundary(boundary.newer + (2 - r) / (2 * k), (1 + r) / (2 * k), self.turn / (2 * k))
        return boundary.older - 1 / (2 * k), following

    @property
    def slack(self) -> Expression:
        """2κ times the weight of ‖g_k − g_{k+1}‖² that every step leaves over."""
        k, r = self.kappa, self.later
        carried = (self.turn - r) * (1 + r) / (self.turn + 1)
        return (k - 2) + 2 * r * (k - 1) + carried - self.turn

    def base(self) -> Certificate:
        """Return the induction's start; the surplus over ω is a square."""
        step, k = first_step(), self.kappa
        uses = ((1, convex_forward(step)), (self.start, cocoercive(step)))
        target = step.value - step.next_value - self.first.at(step.here, step.after)
        surplus = ((k - 2) + 2 * self.start * (k - 1) - self.turn) / (2 * k)
        return Certificate(f"base: the first step{self.label}", target, uses, ((surplus, step.turn),), self.domain)

    def step(self) -> Certificate:
        r"""Return the induction step: $e x^2 + (1+R)(x+y)^2 = u(x + \tfrac{1+R}{u}y)^2 + \ldots$.

        $e = 2\kappa\omega - R$, $u = e+1+R$.
        """
        import sympy

        step, k, r = symbolic_step(), self.kappa, self.later
        p, q = sympy.symbols("p q")
        boundary = Boundary(p, q, self.turn / (2 * k))
        emitted, following = self.next(boundary)
        x, y, pivot = step.before - step.here, step.here - step.after, self.turn + 1
        return Certificate(
            f"induction step{self.label}",
            induction_conclusion(step, following, emitted),
            ((1, induction_hypothesis(step, boundary)), (1, convex_forward(step)), (r, cocoercive(step))),
            ((pivot / (2 * k), x + (1 + r) / pivot * y), (self.slack / (2 * k), y)),
            self.domain,
        )

r"""The equations of Algorithm 1 as exact expressions of one client, which the proofs take as their subject.

How a proof for one client's symbols reaches every number of clients: the server's equation is
$\sum_i\alpha_i R_i(w^+) = 0$ with $\sum_i\alpha_i = 1$. If $X_i = cR_i$ holds identically in the client's own
symbols and $c$ is shared by all, then $\sum_i\alpha_iX_i = 0$ for every m, every α and whatever the symbols are.
Where Q is a matrix, a client's identity is read in an eigenbasis of its own symmetric $Q_i$ (one component, $q$ the
eigenvalue), or Q is a non-commutative symbol; norms and sums do not depend on the basis.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from proofs_check.kernel.algebra import Expression


@dataclasses.dataclass(frozen=True)
class Client:
    r"""What one client holds: symbols, or exact numbers.

    ``penalty`` is $\sigma_i^\ell$, ``curvature`` $q$ of $Q_i$ (or the matrix), ``local`` $w_i$, ``deviation``
    $w_i - w$ at its last solve, ``ridge`` the problem's λ.
    """

    weight: Expression
    penalty: Expression
    ratio: Expression
    rho: Expression
    curvature: Expression
    local: Expression
    multiplier: Expression
    gradient: Expression
    ridge: Expression
    deviation: Expression = 0


@dataclasses.dataclass(frozen=True)
class Algorithm:
    r"""PISA's equations; every field can be replaced by a wrong one. Source: MATHEMATICS.md#algorithm.

    Args:
        weigh: the client's weight in the server's sum, $\alpha_i$.
        pull: $R_i(w) = \sigma_i(w - w_i) - \pi_i + \lambda w$; the server's $w^+$ solves $\sum_i\alpha_iR_i(w^+) = 0$.
        grow: $\sigma_i^+ = \sigma_i/\gamma_i$.
        metric: $\sigma_i^+ + \rho_iQ_i$.
        force: $\pi_i + g_i$; the local step is $d_i = -(\mathrm{metric})^{-1}\mathrm{force}$.
        ascend: $\pi_i^+ = \pi_i + \sigma_i^+d_i$.
    """

    weigh: Callable[[Client], Expression] = lambda c: c.weight
    pull: Callable[[Client, Expression], Expression] = lambda c, w: (
        c.penalty * (w - c.local) - c.multiplier + c.ridge * w
    )
    grow: Callable[[Client], Expression] = lambda c: c.penalty / c.ratio
    metric: Callable[[Client, Expression], Expression] = lambda c, grown: grown + c.rho * c.curvature
    force: Callable[[Client, Expression], Expression] = lambda c, w: c.multiplier + c.gradient
    ascend: Callable[[Client, Expression, Expression, Expression], Expression] = lambda c, w, grown, d: (
        c.multiplier + grown * d
    )

    def residual(self, client: Client, w: Expression) -> Expression:
        r"""Return what this client adds to the server's equation over its weight: $R_i(w)$ if ``weigh`` is right."""
        return self.weigh(client) / client.weight * self.pull(client, w)

    def consensus(self, clients: Sequence[Client]) -> Expression:
        r"""Return the server's $w^+$, the root of $\sum_i\alpha_iR_i(w)$, which is affine in $w$."""
        at_zero = sum(self.weigh(c) * self.pull(c, 0) for c in clients)
        at_one = sum(self.weigh(c) * self.pull(c, 1) for c in clients)
        return at_zero / (at_zero - at_one)

    def local_step(self, client: Client, w: Expression) -> Client:
        """Return the client after its solve at the shared ``w`` and its multiplier step (scalar components)."""
        grown = self.grow(client)
        deviation = -self.force(client, w) / self.metric(client, grown)
        multiplier = self.ascend(client, w, grown, deviation)
        return dataclasses.replace(
            client, penalty=grown, local=w + deviation, multiplier=multiplier, deviation=deviation
        )

    def solved_by(self, client: Client, w: Expression, deviation: Expression) -> Client:
        """Return the client whose gradient makes ``deviation`` its exact solve: no inverse, so Q may be a matrix.

        The force is affine in the gradient with a number as coefficient.
        """
        import sympy

        grown = self.grow(client)
        free = self.force(dataclasses.replace(client, gradient=sympy.Integer(0)), w)
        gain = sympy.expand(self.force(dataclasses.replace(client, gradient=sympy.Integer(1)), w) - free)
        gradient = -(self.metric(client, grown) * deviation + free) / gain
        return dataclasses.replace(client, gradient=gradient, deviation=deviation)

    def round(
        self, clients: Sequence[Client], gradient: Callable[[int, Expression], Expression]
    ) -> tuple[Expression, list[Client]]:
        """Return w⁺ and the clients after one round, with ``gradient(i, w)`` taken at the shared w⁺."""
        w = self.consensus(clients)
        seen = [dataclasses.replace(c, gradient=gradient(i, w)) for i, c in enumerate(clients)]
        return w, [self.local_step(c, w) for c in seen]

    def next_consensus(self, client: Client, w: Expression) -> Expression:
        """Return the server's w⁺ after one client's solve at ``w``; with equal numbers every client's is the same."""
        return self.consensus([self.local_step(client, w)])

    def solve_then_grow(self, client: Client, w: Expression) -> Client:
        """Return the client after its solve in the mixed order: it solves with σ, and only then σ grows to σ/γ."""
        import sympy

        sent = self.local_step(dataclasses.replace(client, ratio=sympy.Integer(1)), w)
        return dataclasses.replace(sent, ratio=client.ratio, penalty=self.grow(client))

    def symbolic_round(
        self, clients: Sequence[Client], gradient: Callable[[int, Expression], Expression]
    ) -> tuple[Expression, list[Client]]:
        """Return `round` with every result cancelled to one fraction: without it expressions double each round."""
        import sympy

        w, after = self.round(clients, lambda index, point: gradient(index, sympy.cancel(point)))
        cancelled = [
            dataclasses.replace(c, local=sympy.cancel(c.local), multiplier=sympy.cancel(c.multiplier)) for c in after
        ]
        return sympy.cancel(w), cancelled


PISA_EQUATIONS = Algorithm()


def symbolic_client(**given: Any) -> Client:
    """Return a client in which everything is a symbol, except what is ``given``."""
    import sympy

    names = {"weight": "alpha", "penalty": "sigma", "ratio": "gamma", "rho": "rho", "curvature": "q", "ridge": "lambda"}
    fields = {field: sympy.Symbol(name, positive=True) for field, name in names.items()}
    fields |= {"local": sympy.Symbol("w_i"), "multiplier": sympy.Symbol("pi"), "gradient": sympy.Symbol("g")}
    return Client(**(fields | given))


def plain_client(**given: Any) -> Client:
    r"""Return a symbolic client with $\rho = 0$, $\gamma = 1$, $\lambda = 0$, except what is ``given``."""
    import sympy

    plain = {"rho": sympy.Integer(0), "ratio": sympy.Integer(1), "ridge": sympy.Integer(0)}
    return symbolic_client(**(plain | given))


def starting_client(start: Expression, **given: Any) -> Client:
    r"""Return a client at the start $w_i^0 = w^0$, $\pi_i^0 = 0$, except what is ``given``."""
    return symbolic_client(**({"local": start, "multiplier": 0 * start} | given))

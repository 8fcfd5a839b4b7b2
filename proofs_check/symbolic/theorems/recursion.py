r"""The algorithm's lines turned into recursions, one client at a time.

Sums over any number of clients are linear in these.

$p_i = -\pi_i$, $g_i = \nabla F_i(w)$ (or its estimate), $e_i = g_i - p_i$, $M_i = \sigma_i(\sigma_i I +
\rho_iQ_i)^{-1}$. Matrices enter through one eigenvalue: every identity is linear in vectors with coefficients that are
functions of one symmetric $Q_i$.
"""

import dataclasses

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.proof import Identity, Proof


@dataclasses.dataclass(frozen=True)
class ClientStep:
    """One client's step of Algorithm 1 in symbols."""

    weight: Expression
    penalty: Expression
    damping: Expression
    """ρ_i times an eigenvalue of Q_i"""
    gradient: Expression
    dual: Expression
    """p_i = −π_i before the step"""
    consensus: Expression

    @property
    def deviation(self) -> Expression:
        """d_i = −(σ_i + ρ_i q_i)^{-1}(π_i + g_i)."""
        return -(self.gradient - self.dual) / (self.penalty + self.damping)

    @property
    def next_dual(self) -> Expression:
        """p_i⁺ = −(π_i + σ_i d_i)."""
        return self.dual - self.penalty * self.deviation

    @property
    def moving_weight(self) -> Expression:
        """M_i = σ_i/(σ_i + ρ_i q_i)."""
        return self.penalty / (self.penalty + self.damping)

    @property
    def residual(self) -> Expression:
        """e_i = g_i − p_i."""
        return self.gradient - self.dual

    @property
    def message(self) -> Expression:
        """σ_i w_i + π_i⁺, what the server averages."""
        return self.penalty * (self.consensus + self.deviation) - self.next_dual


def symbolic_client() -> ClientStep:
    """Return a client whose numbers are all symbols."""
    import sympy

    weight, penalty, damping = sympy.symbols("alpha_i sigma_i rho_q", positive=True)
    gradient, dual, consensus = sympy.symbols("g_i p_i w")
    return ClientStep(weight, penalty, damping, gradient, dual, consensus)


def client_identities() -> Proof:
    """Return: p⁺ = (I−M)p + Mg;  g − p⁺ = (I−M)e;  σw_i + π⁺ = σw − g − (2M−I)e."""
    client = symbolic_client()
    moving, residual = client.moving_weight, client.residual
    average = (1 - moving) * client.dual + moving * client.gradient
    message = client.penalty * client.consensus - client.gradient - (2 * moving - 1) * residual
    return (
        Identity("the dual is a moving average of gradients", client.next_dual, average),
        Identity("g − p⁺ = (I−M)e", client.gradient - client.next_dual, (1 - moving) * residual),
        Identity("a client's message is σ_i w − g_i − (2M_i−I)e_i", client.message, message),
    )


def server_identity() -> Identity:
    r"""Return $w^+ - w = -(\nabla F_\lambda(w) + r)/(\sigma+\lambda)$, the average message being $\sigma w - G - r$."""
    import sympy

    penalty, ridge = sympy.symbols("sigma lambda", positive=True)
    consensus, gradient, error = sympy.symbols("w G r")
    total = penalty + ridge
    move = (penalty * consensus - gradient - error) / total - consensus
    return Identity("w⁺ = w − (∇F_λ(w) + r)/(σ+λ)", move, -(gradient + ridge * consensus + error) / total)


def optimistic_gradient() -> Proof:
    r"""Return that $\rho = \lambda = 0$ is $w^+ = w - (2G - G_-)/\bar\sigma$.

    A client's message is $\sigma_iw - 2g_i + p_i$, and $p_i^+ = g_i$.
    """
    import sympy

    client = dataclasses.replace(symbolic_client(), damping=sympy.Integer(0))
    penalty = sympy.Symbol("sigma", positive=True)
    consensus, gradient, previous = sympy.symbols("w G G_before")
    averaged = penalty * consensus - 2 * gradient + previous
    return (
        Identity("ρ = 0: p_i⁺ = g_i", client.next_dual, client.gradient),
        Identity(
            "ρ = 0: a client's message is σ_i w − 2g_i + p_i",
            client.message,
            client.penalty * client.consensus - 2 * client.gradient + client.dual,
        ),
        Identity(
            "λ = 0: the server averages to the optimistic step",
            averaged / penalty,
            consensus - (2 * gradient - previous) / penalty,
        ),
    )

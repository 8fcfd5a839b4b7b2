r"""What the theorems use of Algorithm 1, derived from its equations, one client at a time.

The server's equation is $\sum_i\alpha_iR_i(w^+) = 0$ with $\sum_i\alpha_i = 1$; sums over any number of clients are
linear in the clients' parts.

$p_i = -\pi_i$, $g_i = \nabla F_i(w)$ (or its estimate), $e_i = g_i - p_i$, $M_i = \sigma_i(\sigma_i I +
\rho_iQ_i)^{-1}$, $\sigma_i$ the penalty of the client's solve. Matrices enter through one eigenvalue: every identity
is linear in vectors with coefficients that are functions of one symmetric $Q_i$.
"""

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, Client, plain_client, starting_client, symbolic_client
from proofs_check.kernel.facts import Fact, Identity
from proofs_check.symbolic.theorems.interpolation import symbolic_step

MEAN_OF_CLIENTS = (
    "the server's equation is the mean over the clients, with the weights α_i, of the clients' parts R_i(w⁺); it is"
    " linear in them"
)
EXPECTATIONS = (
    "expectations over all that is random, on the right of ≤ too: V_k and ‖∇F(w_k)‖² stand for theirs; Coq has random"
    " vectors as any inner-product space with ⟨X, Y⟩ = E⟨X, Y⟩, which it builds for finite probability spaces and"
    " for combinations of endless orthonormal draws (other square-integrable ones in words)"
)


def moving_weight(client: Client, penalty: Expression) -> Expression:
    """Return M_i = σ_i/(σ_i + ρ_iq_i), σ_i being the ``penalty`` of the solve."""
    return penalty / (penalty + client.rho * client.curvature)


def client_identities(algorithm: Algorithm) -> tuple[Fact, ...]:
    """Return: p⁺ = (I−M)p + Mg;  g − p⁺ = (I−M)e;  R(w⁺) = (σ+λ)(w⁺−w) + λw + g + (2M−I)e."""
    import sympy

    w, after = sympy.symbols("w w_after")
    client = symbolic_client()
    sent, penalty = algorithm.local_step(client, w), client.penalty / client.ratio
    moving, dual, next_dual = moving_weight(client, penalty), -client.multiplier, -sent.multiplier
    residual, average = client.gradient - dual, (1 - moving) * dual + moving * client.gradient
    part = (penalty + client.ridge) * (after - w) + client.ridge * w + client.gradient + (2 * moving - 1) * residual
    return (
        Identity("p⁺ = (I−M)p + Mg: the dual is a moving average", next_dual, average),
        Identity("g − p⁺ = (I−M)e", client.gradient - next_dual, (1 - moving) * residual),
        Identity("R_i(w⁺) = (σ_i+λ)(w⁺−w) + λw + g_i + (2M_i−I)e_i", algorithm.residual(sent, after), part),
    )  # fmt: skip


def optimistic_gradient(algorithm: Algorithm, *, cold: bool = False) -> tuple[Fact, ...]:
    r"""Return that $\rho = \lambda = 0$, constant $\sigma_i$, is $w^+ = w - (2G - G_-)/\bar\sigma$.

    ``cold``: and that from $\pi^0 = 0$ the first gradient is taken at $w^0$, with $G_- = 0$. The step of
    interpolation.py is it, $L = 1$.
    """
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    step, one = symbolic_step(), sympy.Integer(1)
    client = plain_client()
    once = algorithm.local_step(client, w)
    now = plain_client(multiplier=-last)
    part = now.penalty * (after - w) + 2 * now.gradient - last
    alone = plain_client(weight=one, penalty=step.kappa, gradient=step.here, multiplier=-step.before)
    sent = algorithm.local_step(now, w)
    start = starting_client(w, weight=one, rho=client.rho, ratio=client.ratio, ridge=client.ridge)
    return (
        *client_identities(algorithm),
        Identity("ρ = 0: p_i⁺ = g_i", -once.multiplier, client.gradient),
        Identity("ρ = 0: R_i(w⁺) = σ_i(w⁺−w) + 2g_i − g_{i,−}", algorithm.residual(sent, after), part),
        Identity("w_k − w_{k+1} = (2g_k − g_{k−1})/κ", w - algorithm.next_consensus(alone, w), step.move),
        *((Identity("π⁰ = 0: the first gradient is taken at w⁰", algorithm.consensus([start]), w),) if cold else ()),
    )  # fmt: skip


def growing_increment(algorithm: Algorithm, *, mixed: bool) -> Identity:
    r"""Return the client's part of the server's step with growing penalties, any Q_i and any λ.

    Algorithm 1's order: $R_i(w^+) = (\sigma_i^++\lambda)(w^+-w) + \lambda w + 2p_i^+ - p_i$, $\sigma_i^+ =
    \sigma_i/\gamma$ being also the solve's. ``mixed``: the client solves with $\sigma_i$, the server uses
    $\sigma_i/\gamma$; then $2p_i^+-p_i$ becomes $p_i^+ + (p_i^+-p_i)/\gamma$.
    """
    import sympy

    w, after = sympy.symbols("w w_after")
    client = symbolic_client()
    sent = algorithm.solve_then_grow(client, w) if mixed else algorithm.local_step(client, w)
    dual, next_dual, grown = -client.multiplier, -sent.multiplier, client.penalty / client.ratio
    turn = (next_dual - dual) / client.ratio if mixed else next_dual - dual
    name = "mixed order: R_i(w⁺) = (σ_i⁺+λ)(w⁺−w) + λw + p_i⁺ + (σ_i⁺/σ_i)(p_i⁺−p_i)" if mixed else (
        "Algorithm 1's order: R_i(w⁺) = (σ_i⁺+λ)(w⁺−w) + λw + 2p_i⁺ − p_i"
    )  # fmt: skip
    part = (grown + client.ridge) * (after - w) + client.ridge * w + next_dual + turn
    return Identity(name, algorithm.residual(sent, after), part)


def server_identity(move: Expression, total: Expression, gradient: Expression, error: Expression) -> Identity:
    r"""Return that ``move`` is the root of the clients' mean part $(\sigma+\lambda)D + \nabla F_\lambda(w) + r$."""
    return Identity("D = w⁺ − w = −(∇F_λ(w) + r)/(σ+λ)", total * move + gradient + error)

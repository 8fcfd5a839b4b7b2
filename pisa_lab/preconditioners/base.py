"""What a preconditioner is, and the lines that most of them share."""

import dataclasses
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from pisa_lab._array import Array, namespace
from pisa_lab._checks import real
from pisa_lab.preconditioners.forms import Blockwise, Diagonal, Form, Kronecker, Multiple, Spectral
from pisa_lab.state import Observation

__all__ = [
    "Base",
    "Blockwise",
    "ClientOperator",
    "Diagonal",
    "Form",
    "Formed",
    "Guarantee",
    "Kronecker",
    "Multiple",
    "Preconditioner",
    "Spectral",
    "checked_clip",
]

S = TypeVar("S")


class Guarantee(NamedTuple):
    """What is promised of Q whatever the data: 0 ⪯ Q ⪯ ``bound``·I, or no bound (None), with the reason.

    ``ratio`` is a promise in units of σ: 0 ⪯ ρQ ⪯ ratio·σI.
    """

    bound: float | None
    reason: str
    ratio: float | None = None


@runtime_checkable
class ClientOperator(Protocol[S]):
    r"""What a client does to $u_i = \pi_i + g_i$: its answer takes the place of $(\sigma_iI + \rho_iQ_i)^{-1}u_i$."""

    @property
    def guarantee(self) -> Guarantee:
        """The bounds that hold for every input."""

    def init(self, like: Array) -> S:
        """Return the first state for parameters shaped (…, clients, *shape); its arrays share no memory."""

    def update(self, state: S, at: Observation) -> tuple[Array, S]:
        """Return (direction, state): what stands for the gradient (itself, NSISA apart) and the new state."""

    def solve(self, state: S, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs; ``penalty`` (…, clients), ``rho`` a float or (…, clients)."""


@runtime_checkable
class Preconditioner(ClientOperator[S], Protocol[S]):
    r"""A choice of $Q_i$ with $0 \preceq Q_i \preceq \eta_i I$ (where ``guarantee`` says so)."""

    def apply(self, state: S, v: Array) -> Array:
        """Return Q v."""


def checked_clip(clip: Any) -> float | None:
    """Return the bound η as a positive float, or None where there is none."""
    return None if clip is None else real("clip", clip, above=0.0)


class Formed(NamedTuple):
    """A state that is Q and nothing else."""

    form: Any


@dataclasses.dataclass(frozen=True)
class Base:
    """Shared lines of the preconditioners whose state holds Q in one of the forms, under ``state.form``.

    A subclass needs only `init` and `update`; the smallest of all overrides `entries` alone (a diagonal Q without
    memory). `update` makes the new form without reading the old one, so that `Clipped` may put a clipped form there
    and `Every` an older one.
    """

    @property
    def guarantee(self) -> Guarantee:
        """No promise unless a subclass makes one."""
        return Guarantee(None, "nothing is promised")

    @property
    def shrinkage(self) -> float | None:
        """ϑ with Q_{k+1} ⪰ ϑQ_k whatever the gradients, None where nothing is promised."""
        return None

    @property
    def replaces_gradient(self) -> bool:
        """Whether `update` returns another direction than the gradient."""
        return False

    def init(self, like: Array) -> Any:
        """Return Q = 0."""
        return Formed(Diagonal(0 * like))

    def update(self, state: Any, at: Observation) -> tuple[Array, Any]:
        """Return the gradient itself and Q = Diag(entries)."""
        return at.gradient, Formed(Diagonal(self.entries(at)))

    def entries(self, at: Observation) -> Array:
        """Return the diagonal of Q, shaped like the gradient (only for a subclass that keeps `update`)."""
        return namespace(at.gradient).zeros_like(at.gradient)

    def solve(self, state: Any, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs."""
        return state.form.solve(rhs, penalty, rho)

    def apply(self, state: Any, v: Array) -> Array:
        """Return Q v."""
        return state.form.apply(v)

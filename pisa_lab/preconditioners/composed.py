"""Preconditioners made of another one: its Q clipped, refreshed only now and then, or never falling."""

import dataclasses
from typing import Any, NamedTuple

from pisa_lab._array import Array, namespace
from pisa_lab._checks import real, whole
from pisa_lab.preconditioners.base import Base, Diagonal, Guarantee
from pisa_lab.state import Observation


def _form(inner: Any, state: Any) -> Any:
    """Return the form of Q that ``state`` holds.

    Raises:
        ValueError: it holds none, as a preconditioner written from scratch may not.
    """
    if not hasattr(state, "form"):
        raise ValueError(f"inner: {inner!r} keeps no 'form' in its state, as the subclasses of Base do")
    return state.form


def _checked(inner: Any) -> None:
    for name in ("init", "update", "solve", "apply", "guarantee"):
        if not hasattr(inner, name):
            raise ValueError(f"inner: {inner!r} is not a preconditioner, it has no {name!r}")


@dataclasses.dataclass(frozen=True)
class Clipped(Base):
    """Q of ``inner`` with its eigenvalues clipped to [0, ``bound``]: what makes any Q one that the theory allows.

    A Kronecker or spectral Q is clipped in its eigenbasis, not entry by entry.
    """

    inner: Any
    bound: float

    def __post_init__(self) -> None:
        _checked(self.inner)
        object.__setattr__(self, "bound", real("bound", self.bound, above=0.0))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ the smaller of the bound and what is promised of the inner Q."""
        inner = self.inner.guarantee
        if inner.bound is not None and inner.bound <= self.bound:
            return Guarantee(inner.bound, str(inner.reason))
        return Guarantee(self.bound, "eigenvalues are clipped at η")

    @property
    def replaces_gradient(self) -> bool:
        """As the inner one."""
        return bool(getattr(self.inner, "replaces_gradient", False))

    def init(self, like: Array) -> Any:
        """Return the inner state with its Q clipped."""
        return self._clipped(self.inner.init(like))

    def update(self, state: Any, at: Observation) -> tuple[Array, Any]:
        """Return the inner direction and the inner state with its Q clipped."""
        direction, new = self.inner.update(state, at)
        return direction, self._clipped(new)

    def _clipped(self, state: Any) -> Any:
        form = _form(self.inner, state).clip(self.bound)
        return state._replace(form=form)


@dataclasses.dataclass(frozen=True)
class Every(Base):
    """Q of ``inner``, looked at afresh in iterations 0, ``period``, 2·``period``, … and kept in between.

    In between, an inner preconditioner that leaves the gradient alone is not called: the direction is the fresh
    gradient, averages stand still, and its iterations count its own looks (so that a bias correction stays right).
    One that replaces the gradient (``replaces_gradient``: NSISA) is called every time, for its direction must never
    be stale; only its Q is kept.
    """

    inner: Any
    period: int

    def __post_init__(self) -> None:
        _checked(self.inner)
        object.__setattr__(self, "period", whole("period", self.period, at_least=1))

    @property
    def guarantee(self) -> Guarantee:
        """As the inner one: an old Q obeys the same bound."""
        return Guarantee(*self.inner.guarantee)

    @property
    def replaces_gradient(self) -> bool:
        """As the inner one."""
        return bool(getattr(self.inner, "replaces_gradient", False))

    def init(self, like: Array) -> Any:
        """Return the inner state."""
        return self.inner.init(like)

    def update(self, state: Any, at: Observation) -> tuple[Array, Any]:
        """Return the direction of this iteration and the state, with a new Q if it is time."""
        due = at.iteration % self.period == 0
        if self.replaces_gradient:
            direction, new = self.inner.update(state, at)
            kept = _form(self.inner, state)
            return direction, (new if due else new._replace(form=kept))
        if not due:
            return at.gradient, state
        direction, new = self.inner.update(state, at._replace(iteration=at.iteration // self.period))
        return direction, new


class Largest(NamedTuple):
    """The inner state, and the largest Q so far."""

    inner: Any
    form: Diagonal


@dataclasses.dataclass(frozen=True)
class Nondecreasing(Base):
    """The entrywise maximum of every diagonal Q of ``inner`` so far: with a `SecondMoment`, AMSGrad's.

    As a metric it is one that never falls, which theorems without a ϑ ask for.
    """

    inner: Any

    def __post_init__(self) -> None:
        _checked(self.inner)

    @property
    def guarantee(self) -> Guarantee:
        """As the inner one: a maximum obeys the same bound."""
        return Guarantee(*self.inner.guarantee)

    @property
    def shrinkage(self) -> float:
        """1: a maximum never falls."""
        return 1.0

    @property
    def replaces_gradient(self) -> bool:
        """As the inner one."""
        return bool(getattr(self.inner, "replaces_gradient", False))

    def init(self, like: Array) -> Largest:
        """Return the inner state and its Q."""
        return Largest(self.inner.init(like), self._diagonal(self.inner.init(like)))

    def update(self, state: Largest, at: Observation) -> tuple[Array, Largest]:
        """Return the inner direction, and the larger of the last Q and the inner one's."""
        direction, new = self.inner.update(state.inner, at)
        entries, old = self._diagonal(new).entries, state.form.entries
        return direction, Largest(new, Diagonal(namespace(entries).maximum(entries, old)))

    def _diagonal(self, state: Any) -> Diagonal:
        form = _form(self.inner, state)
        if not isinstance(form, Diagonal):
            raise ValueError(f"inner: the Q of {self.inner!r} is no diagonal one, of which a maximum is taken")
        return form

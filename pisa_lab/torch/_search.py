r"""Rounds whose penalty is searched for: the core's search, with torch's parameters as one vector.

A round ends with a step that obeys the test (T) of `pisa_lab.backtracking`; it costs an evaluation of every closure for
each trial, two a round on average at most, and, beside the multipliers, one gradient of every client and a few vectors
in memory. Source: MATHEMATICS.md#N1.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pisa_lab import backtracking
from pisa_lab.backtracking import Backtracking
from pisa_lab.backtracking.merit import evaluate
from pisa_lab.method import PISA as Core
from pisa_lab.preconditioners import HeavyBall, Identity, SecondMoment, Zero
from pisa_lab.state import State
from pisa_lab.torch._closures import closures_of
from pisa_lab.torch._settings import Clients
from pisa_lab.torch._sharding import sharded
from pisa_lab.torch._state import as_real

STATUSES = ("searching", "rounding", "trials")
"""The search goes on; no step can be told from rounding any more; a round used up its trials without an accepted step.

After the last two the parameters rest where they are."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """How a search stands: σ, one of `STATUSES`, and what it has cost.

    ``trials`` counts the evaluations of all closures, the first included, ``rejections`` how often σ grew,
    ``restarts`` how often the multipliers began anew; differences of F up to ``noise`` are not told from rounding.
    """

    penalty: float
    status: str = STATUSES[0]
    trials: int = 0
    rejections: int = 0
    restarts: int = 0
    noise: float = 0.0


def progress_of(group: Mapping[str, Any]) -> Progress:
    """Return how the search stands by what ``group`` holds."""
    return Progress(**group.get("progress", {"penalty": group["search"]["initial"]}))


class Held(NamedTuple):
    """The closures' losses, F_λ and all clients' gradients at the parameters as they were left."""

    losses: list[Any]
    value: Tensor
    gradient: Tensor
    versions: tuple[tuple[int, int], ...]


class Closures:
    """The clients' closures as a problem of the core: w is one vector, of which the parameters are the pieces."""

    def __init__(
        self, params: Sequence[Tensor], closures: Sequence[Callable[[], Any]], group: Mapping[str, Any]
    ) -> None:
        self.params, self._closures = [as_real(param) for param in params], closures
        self._owners, self._sign = params, -1.0 if group["maximize"] else 1.0
        self.ridge = float(group["weight_decay"])
        self.initial = torch.cat([param.detach().reshape(-1) for param in self.params])
        self.weights = self.initial.new_ones(1)
        self.problem, self.batched = self, False
        self._at: Tensor | None = None
        self.losses: list[Any] = []

    def client_value(self, w: Tensor) -> Tensor:
        """Return every closure's loss at ``w``, in the type that it has."""
        self._look(w)
        return self._value

    def client_grad(self, w: Tensor, batch: Any = None) -> Tensor:
        """Return every closure's gradient at ``w``, (clients, n)."""
        self._look(w)
        return self._gradient

    def put(self, w: Tensor) -> None:
        """Give the parameters the numbers of ``w``."""
        for param, piece in zip(self.params, self.pieces(w), strict=True):
            param.copy_(piece)

    def pieces(self, vectors: Tensor) -> Iterator[Tensor]:
        """Yield the part of ``vectors`` (…, n) that is each parameter's, in its shape."""
        start = 0
        for param in self.params:
            yield vectors[..., start : start + param.numel()].reshape(*vectors.shape[:-1], *param.shape)
            start += param.numel()

    def is_at(self, w: Tensor) -> bool:
        """Return whether the closures were last asked at ``w``."""
        return self._at is not None and torch.equal(self._at, w.reshape(-1))

    def _look(self, w: Tensor) -> None:
        """Ask every closure, once for the same w."""
        if self.is_at(w):
            return
        self.put(w.reshape(-1))
        losses, rows = [], []
        for closure in self._closures:
            for param in self._owners:
                param.grad = None
            with torch.enable_grad():
                losses.append(closure())
            losses[-1] = losses[-1].detach() if isinstance(losses[-1], Tensor) else losses[-1]
            rows.append(torch.cat([_gradient(param).reshape(-1) for param in self._owners]))
        self._value = self._sign * torch.stack([_number(loss, w) for loss in losses])
        self._gradient, self._at, self.losses = self._sign * torch.stack(rows), w.reshape(-1).clone(), losses


def _number(loss: Any, w: Tensor) -> Tensor:
    """Return ``loss`` in its own type, whose rounding the test must know, or in that of ``w``."""
    if loss is None:
        raise ValueError("closure: returned None; penalty='auto' compares the losses that closures return")
    return loss.reshape(()) if isinstance(loss, Tensor) else w.new_tensor(float(loss))


def _gradient(param: Tensor) -> Tensor:
    if param.grad is not None and param.grad.layout != torch.strided:
        raise RuntimeError("penalty: 'auto' does not support sparse gradients")
    return as_real(torch.zeros_like(param) if param.grad is None else param.grad.detach())


def check(groups: Sequence[Mapping[str, Any]], clients: Clients) -> None:
    """Check that one penalty can be searched for all ``groups``.

    Raises:
        ValueError: they differ in what the search needs, or there is something that it does not know.
    """
    first = groups[0]
    if clients.process_group is not None:
        raise ValueError("process_group: penalty='auto' compares sums over all clients; it needs them in one process")
    for group in groups:
        for name in ("penalty", "preconditioner", "weight_decay", "maximize", "search"):
            if group[name] != first[name]:
                raise ValueError(
                    f"{name}: {group[name]!r} and {first[name]!r}; penalty='auto' needs one for all groups"
                )
        if group["lr"] != 1.0:
            raise ValueError(f"lr: {group['lr']!r}; penalty='auto' finds the length of its steps, lr stays 1")
        if any(sharded(param) for param in group["params"]):
            raise ValueError("params: one is sharded, penalty='auto' needs whole ones")


def step(optimizer: Any, closure: Any, curvature: Any) -> Any:
    """Return the closures' losses where the round begins, after a round that ends with an accepted step.

    Raises:
        ValueError: see `check`.
    """
    groups, clients = optimizer.param_groups, optimizer._clients
    check(groups, clients)
    if closure is None or curvature is not None:
        raise ValueError(
            "closure: penalty='auto' compares values of F: step(closure) with one that is deterministic and of the "
            "full data, a list of them with several clients, and no curvature"
        )
    closures = closures_of(optimizer, clients.count, closure)
    params = [param for group in groups for param in group["params"] if param.requires_grad]
    problem = Closures(params, closures, groups[0])
    shares = torch.tensor(clients.weights, dtype=torch.float64)
    problem.weights = (shares / shares.sum()).to(problem.initial)
    method = _method(groups[0])
    try:
        state = _state(optimizer, problem, method, params)
        losses = list(problem.losses)
        state = method.step(state, problem)  # type: ignore[arg-type]
    except BaseException:
        problem.put(problem.initial)
        raise
    _store(optimizer, problem, state, params, losses)
    return losses if isinstance(closure, Sequence) else losses[0]


def _method(group: Mapping[str, Any]) -> Core:
    """Return the core's method.

    Raises:
        ValueError: its preconditioner is not among those that are known here.
    """
    rule = Backtracking(**group["search"])
    name = group["preconditioner"]
    if name == "heavy-ball":
        return Core(penalty=rule, preconditioner=HeavyBall(float(group["momentum"])))
    if name == "identity":
        return Core(penalty=rule, rho=group["rho"], preconditioner=Identity() if group["rho"] else Zero())
    if name == "second-moment":
        moment = SecondMoment(group["scheme"], group["beta"], group["clip"])
        return Core(penalty=rule, rho=group["rho"], preconditioner=moment)
    raise ValueError(f"preconditioner: penalty='auto' goes with heavy-ball, identity and second-moment, not {name!r}")


def _state(optimizer: Any, problem: Closures, method: Core, params: Sequence[Tensor]) -> State:
    """Return the core's state at the parameters; what is not at hand is evaluated."""
    stored, progress, held = optimizer.state, progress_of(optimizer.param_groups[0]), optimizer._held
    state = _blank(problem, method, progress.penalty)
    fresh = [param for param in params if not stored[param]]
    if fresh:
        return backtracking.begin(problem, state)
    versions = _versions(params)
    count = int(stored[params[0]]["step"])
    status = STATUSES.index(progress.status)
    if held is None or held.versions != versions:
        # Parameters that somebody moved are another start, from which the search may go on.
        status = status if held is None else 0
        at = evaluate(problem, state)
        value, gradient = at.value, at.gradient
        progress = dataclasses.replace(progress, trials=progress.trials + 1)
    else:
        value, gradient, problem.losses = held.value, held.gradient, held.losses
    numbers = (progress.noise, status, progress.trials, progress.rejections, progress.restarts)
    search = backtracking.Search(gradient, value, *(torch.full_like(value, float(x)) for x in numbers))
    state = state._replace(
        iteration=count, multiplier=_gathered(stored, params, "multiplier", len(gradient)), search=search
    )
    if "moment" in stored[params[0]]:
        kept = state.preconditioner._replace(moment=_gathered(stored, params, "moment", len(gradient)))
        state = state._replace(preconditioner=kept)
    return state


def _blank(problem: Closures, method: Core, penalty: float) -> State:
    """Return a state at the present parameters without multipliers."""
    w, clients = problem.initial, len(problem.weights)
    zeros = w.new_zeros((clients, len(w)))
    return State(
        iteration=0,
        consensus=w.clone(),
        deviation=zeros,
        multiplier=zeros,
        penalty=w.new_full((clients,), penalty),
        preconditioner=method.preconditioner.init(zeros),
        increment=0 * w,
        weights=problem.weights,
        ridge=problem.ridge,
    )


def _gathered(stored: Mapping[Tensor, Any], params: Sequence[Tensor], name: str, clients: int) -> Tensor:
    return torch.cat([stored[param][name].reshape(clients, -1) for param in params], dim=1)


def _versions(params: Sequence[Tensor]) -> tuple[tuple[int, int], ...]:
    return tuple((param.data_ptr(), param._version) for param in params)


def _store(optimizer: Any, problem: Closures, state: State, params: Sequence[Tensor], losses: list[Any]) -> None:
    """Give the parameters, the state and the groups what the round came to."""
    problem.put(state.consensus)
    alone, search = optimizer._clients.alone, state.search
    kept = {"multiplier": state.multiplier}
    if isinstance(state.preconditioner, tuple) and hasattr(state.preconditioner, "moment"):
        kept["moment"] = state.preconditioner.moment
    for name, rows in kept.items():
        for param, piece in zip(params, problem.pieces(rows), strict=True):
            optimizer.state[param][name] = (piece[0] if alone else piece).clone()
    for param in params:
        optimizer.state[param]["step"] = torch.tensor(float(state.iteration), device="cpu")
    trials, rejections, restarts = (int(count) for count in (search.trials, search.rejections, search.restarts))
    status, noise = STATUSES[int(search.status)], float(search.noise)
    progress = Progress(float(state.penalty[0]), status, trials, rejections, restarts, noise)
    for group in optimizer.param_groups:
        group["progress"] = dataclasses.asdict(progress)
    losses = problem.losses if problem.is_at(state.consensus) else losses
    optimizer._held = Held(losses, search.value, search.gradient, _versions(params))

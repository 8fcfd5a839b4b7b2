"""What several files of torch tests share: classes to try, a small model, its training, the core's trajectory."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pisa_lab import PISA as CorePISA
from pisa_lab import Observation, from_functions
from pisa_lab.torch import NSISA, PISA, SISA

Make = Callable[..., torch.optim.Optimizer]

OPTIMIZERS: dict[str, Make] = {
    "pisa": PISA,
    "pisa-identity": lambda params, **keys: PISA(params, **{"preconditioner": "identity", **keys}),
    "sisa": SISA,
    "sisa-single": lambda params, **keys: SISA(params, **{"foreach": False, **keys}),
    "sisa-foreach": lambda params, **keys: SISA(params, **{"foreach": True, **keys}),
    "sisa-max": lambda params, **keys: SISA(params, **{"metric": "max", "beta": 0.9, **keys}),
    "sisa-adagrad": lambda params, **keys: SISA(params, **{"metric": "adagrad", "lr": 0.1, **keys}),
    "sisa-warm": lambda params, **keys: SISA(params, **{"warm": True, "weight_decay": 0.1, **keys}),
    "nsisa": NSISA,
    "nsisa-clipped": lambda params, **keys: NSISA(params, **{"scale": "clipped", "weight_decay": 0.1, **keys}),
    "sisa-published": SISA.published,
    "sisa-published-single": lambda p, **keys: SISA.published(p, **{"foreach": False, "compiled": False, **keys}),
    "sisa-published-foreach": lambda p, **keys: SISA.published(p, **{"foreach": True, **keys}),
    "sisa-published-1": lambda p, **keys: SISA.published(p, **{"scheme": "I", "clip": 0.7, **keys}),
    "sisa-published-2": lambda p, **keys: SISA.published(p, **{"scheme": "II", "beta": 0.9, **keys}),
    "sisa-published-warm": lambda p, **keys: SISA.published(p, **{"warm": True, "weight_decay": 0.1, **keys}),
    "nsisa-published": NSISA.published,
    "nsisa-plain": lambda p, **keys: NSISA.published(p, **{"nesterov": False, "weight_decay": 0.1, **keys}),
    "nsisa-core": lambda p, **keys: NSISA.published(
        p, **{"elementwise": "momentum", "elementwise_lr": 1.0, "elementwise_rho": None, **keys}
    ),
}
"""Name → a function of (params, **keys) that makes an optimiser; what holds for one must hold for all."""


def known(make: Make, keys: dict[str, Any]) -> dict[str, Any]:
    """Return those of ``keys`` that the optimiser of ``make`` has."""
    defaults = make([nn.Parameter(torch.zeros(2, 2))]).defaults
    return {name: value for name, value in keys.items() if name in defaults}


def network(seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return a small network with matrices and vectors."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).to(dtype)


def batches(seed: int = 1, dtype: torch.dtype = torch.float32) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches for `network` without end, the same for the same seed."""
    source = torch.Generator().manual_seed(seed)
    while True:
        x = torch.randn(8, 4, generator=source, dtype=torch.float64)
        y = x[:, :3] - torch.sin(x[:, 1:])
        yield x.to(dtype), y.to(dtype)


def loss_of(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean squared error on ``batch``."""
    x, y = batch
    return (model(x) - y).square().mean()


def train(
    model: nn.Module, optimizer: torch.optim.Optimizer, rounds: int, source: Iterator[tuple[Tensor, Tensor]]
) -> list[float]:
    """Return the losses of ``rounds`` steps on batches from ``source``."""
    losses = []
    for _ in range(rounds):
        optimizer.zero_grad()
        loss = loss_of(model, next(source))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def weights_of(model: nn.Module) -> list[Tensor]:
    """Return copies of the parameters."""
    return [param.detach().clone() for param in model.parameters()]


def equal(first: list[Tensor], second: list[Tensor]) -> bool:
    """Return whether two lists of tensors agree bit for bit."""
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def seeded(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return normal numbers, the same for the same seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def stepped(optimizer: torch.optim.Optimizer, params: list[Tensor], gradients: list[Tensor]) -> None:
    """Take one step on given gradients."""
    for param, gradient in zip(params, gradients, strict=True):
        param.grad = gradient.clone()
    optimizer.step()


CENTRE = np.array([1.0, -2.0, 0.5, 3.0, -0.25])


def core_gradient(w: Any) -> Any:
    """Return a smooth nonlinear gradient with scales from 0.1 to 3, of a NumPy array."""
    scale = np.linspace(0.1, 3.0, CENTRE.size)
    return scale * (w - CENTRE) + 0.3 * np.sin(w)


def core_trajectory(methods: list[CorePISA], start: Any, *, ridge: float = 0.0, gradient: Any = core_gradient) -> Any:
    """Return the consensus after every round, round k by ``methods[k]``, shape (rounds, size)."""
    problem = from_functions([(lambda w: 0.0, gradient)], start, ridge=ridge, check_gradients=False)
    state, found = methods[0].init(problem, start), []
    for method in methods:
        # A schedule reads σ of the method, so that a method per round is a schedule.
        state = method.step(
            state._replace(penalty=method.init(problem, start).penalty),
            lambda w: Observation(gradient=problem.client_grad(w)),
        )
        found.append(state.consensus)
    return np.stack(found)


def torch_trajectory(make: Make, start: Any, rounds: int, after: Callable[[Any], Any] = lambda optimizer: None) -> Any:
    """Return the same for an optimiser of torch; ``after(optimizer)`` makes what is stepped after each round."""
    param = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([param])
    scheduler, found = after(optimizer), []
    for _ in range(rounds):
        param.grad = torch.from_numpy(core_gradient(param.detach().numpy()))
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        found.append(param.detach().numpy().copy())
    return np.stack(found)

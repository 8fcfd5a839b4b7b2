"""What the examples share: digits dealt to clients by their classes, a network, and one silo's round."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from pisa_lab.torch import PISA

CLASSES, TESTS = 10, 360


def digits() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's digits, (1797, 64) in [0, 1] and their labels, in a fixed random order."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return torch.tensor(bunch.data[order], dtype=torch.float32) / 16, torch.tensor(bunch.target[order])


def part(client: int, clients: int) -> tuple[Tensor, Tensor]:
    """Return the training digits of one client: its own classes, and a tenth of everybody's."""
    images, labels = digits()
    images, labels = images[TESTS:], labels[TESTS:]
    owner = torch.where(torch.arange(len(labels)) % 10 == 0, torch.arange(len(labels)) // 10, labels) % clients
    return images[owner == client], labels[owner == client]


def network() -> nn.Sequential:
    """Return the same untrained network everywhere."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, CLASSES))


def accuracy(model: nn.Module) -> float:
    """Return the share of the test digits that ``model`` gets right."""
    images, labels = digits()
    with torch.no_grad():
        found = model(images[:TESTS]).argmax(dim=1)
    return float((found == labels[:TESTS]).double().mean())


def silo_round(
    model: nn.Module, optimizer: PISA, received: Mapping[str, Tensor], closure: Callable[[], Any]
) -> dict[str, Tensor]:
    r"""Return what a silo sends back: after one step of an optimiser with one client, the model itself.

    $$w + \mathrm{lr}\,\frac{\pi - 2\sigma q - \lambda w}{\sigma + \mathrm{lr}\,\lambda},$$

    for lr = 1 $(\sigma w_i + \pi_i)/(\sigma + \lambda)$. The mean of these with weights α is the server's half of the
    round with m clients, as long as σ, λ and lr are the same for all: any server that takes weighted means will do.
    π and v stay in ``optimizer``.

    Raises:
        ValueError: it has a metric, which is the server's: a mean of models that each divided by its own is another.

    Source: MATHEMATICS.md#algorithm, I2.
    """
    if metric := next((group["metric"] for group in optimizer.param_groups if group["metric"]), None):
        raise ValueError(f"optimizer: metric={metric!r} is the server's; a silo takes SISA.published or PISA")
    model.load_state_dict(received)
    optimizer.step(closure)
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def packed(optimizer: PISA) -> dict[str, Tensor]:
    """Return the state of ``optimizer`` as one level of named tensors, for a client's own storage."""
    states = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, state in states.items() for name, value in state.items()}


def unpack(optimizer: PISA, stored: Mapping[str, Tensor]) -> None:
    """Give ``optimizer`` the state that `packed` returned."""
    states: dict[int, dict[str, Tensor]] = {}
    for path, value in stored.items():
        number, name = path.split(".", 1)
        states.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})

"""One round over clients: ours keeps a multiplier for each, the baselines take the weighted mean of the gradients."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Loss = Callable[[], Tensor]


class Stepper(Protocol):
    """An optimizer, or several on one model, that moves it by one round."""

    optimizers: Sequence[Optimizer]

    def step(self, losses: Sequence[Loss]) -> list[Tensor]:
        """Return every client's loss, detached, after moving the model by one round."""


class FedSGDStep:
    """FedSGD: one step with the gradient Σ α_i ∇F_i, each F_i on its own mini-batch."""

    def __init__(
        self, optimizers: Sequence[Optimizer], weights: tuple[float, ...], flattened: "MatrixViews | None" = None
    ) -> None:
        self.optimizers = optimizers
        self._weights, self._flattened = weights, flattened

    def step(self, losses: Sequence[Loss]) -> list[Tensor]:
        """Return every client's loss after one step."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        if self._flattened is not None:
            self._flattened.clear()
        values = []
        for weight, loss in zip(self._weights, losses, strict=True):
            value = loss()
            torch.autograd.backward(weight * value)
            values.append(value.detach())
        if self._flattened is not None:
            self._flattened.pass_on()
        for optimizer in self.optimizers:
            optimizer.step()
        return values


class MultiplierStep:
    """PISA and its kin: the gradient of each client moves its own multiplier."""

    def __init__(self, optimizer: Any, clients: int) -> None:
        self.optimizers: Sequence[Optimizer] = (optimizer,)
        self._optimizer, self._clients = optimizer, clients

    def step(self, losses: Sequence[Loss]) -> list[Tensor]:
        """Return every client's loss after one round."""
        closures = [self._closure(loss) for loss in losses]
        if self._clients == 1:
            return [self._optimizer.step(closures[0])]
        return list(self._optimizer.step(closures))

    def _closure(self, loss: Loss) -> Loss:
        def closure() -> Tensor:
            self._optimizer.zero_grad()
            value = loss()
            torch.autograd.backward(value)
            return value.detach()

        return closure


class MatrixViews:
    """Twins of shape (out, everything else) that share the memory of weights: torch's Muon takes matrices alone."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self._weights = tuple(weights)
        self.flat = [nn.Parameter(weight.detach().view(len(weight), -1)) for weight in weights]

    def clear(self) -> None:
        """Forget the gradients of both."""
        for weight, flat in zip(self._weights, self.flat, strict=True):
            weight.grad = flat.grad = None

    def pass_on(self) -> None:
        """Give every twin the gradient of its weight."""
        for weight, flat in zip(self._weights, self.flat, strict=True):
            flat.grad = None if weight.grad is None else weight.grad.view_as(flat)

r"""The NumPy two-layer network as a torch problem: the same numbers in the same places.

``nn.Linear`` holds its matrix as (outputs, inputs), `problems.networks` as (inputs, outputs). SISA works entry by entry
and does not see the difference. Newton–Schulz turns with its matrix, $NS(X^\top) = NS(X)^\top$, but NSISA's factor
$\sqrt{\max(1, \text{rows}/\text{columns})}$ does not: on ``nn.Linear`` it is Muon's, $\sqrt{\text{outputs}/
\text{inputs}}$ where a layer widens and 1 where it narrows, and on `problems.networks` the other way round. Muon's is
the one to want, for it bounds how far an update moves the outputs whatever the widths; here the method is compared and
not the convention, so that `TwoLayer` stores its matrices as the NumPy network does.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pisa_lab._array import to_numpy
from problems.deep.problem import DeepProblem, deep_problem
from problems.deep.problem_parameters import load
from problems.networks import Network

_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


class TwoLayer(nn.Module):
    """φ(x W1 + b1) W2 + b2, its parameters under the names and in the shapes of ``network.blocks``."""

    W1: nn.Parameter
    b1: nn.Parameter
    W2: nn.Parameter
    b2: nn.Parameter

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._activation = _ACTIVATIONS[network.activation]
        for name, shape in network.blocks:
            self.register_parameter(name, nn.Parameter(torch.zeros(shape, dtype=torch.float64)))
        load(self, to_numpy(network.initial))

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs (rows, C) for ``features`` (rows, p)."""
        hidden = self._activation(features @ self.W1 + self.b1)
        outputs: Tensor = hidden @ self.W2 + self.b2
        return outputs


def half_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return ½‖z − y‖² of every row."""
    return (outputs - targets).square().sum(dim=-1) / 2


def twin(network: Network, *, model: nn.Module | None = None) -> DeepProblem:
    """Return ``network`` as a torch problem in float64: the same clients, rows, weights, ridges and start.

    Args:
        network: of `problems.networks`, on any array library.
        model: what computes the outputs; by default `TwoLayer`, whose w is the network's own. Another one, such as
            ``nn.Sequential`` of two ``nn.Linear``, starts where it is.
    """
    counts, features, targets = network.counts, to_numpy(network.features), to_numpy(network.targets)
    rows = [(client, row) for client, count in enumerate(counts) for row in range(count)]
    places = tuple(torch.tensor(rows).T)
    wanted = torch.as_tensor(targets)[places]
    classes = network.loss == "cross-entropy"
    return deep_problem(
        TwoLayer(network) if model is None else model,
        functional.cross_entropy if classes else half_squares,
        torch.as_tensor(features)[places],
        wanted.argmax(dim=-1) if classes else wanted,
        [part.numpy() for part in torch.split(torch.arange(len(rows)), list(counts))],
        weights=to_numpy(network.weights),
        ridge=network.ridge,
        local_ridge=network.local_ridge,
        dtype=torch.float64,
    )

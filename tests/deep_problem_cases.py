"""What the tests of deep problems share: small models as problems, and one seen from NumPy."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pisa_lab._array import like, to_numpy
from problems.deep.problem import deep_problem
from problems.deep.transformer import GPT, Shape

ROWS = 20
PARTS = (np.arange(0, 5), np.arange(5, 14), np.arange(14, ROWS))
PENALTIES = {"ridge": 0.05, "local_ridge": 0.02}


class Last(nn.Module):
    """A recurrent layer over tokens, and a head on its last state."""

    def __init__(self):
        super().__init__()
        self.embedding, self.layer, self.out = nn.Embedding(7, 4), nn.GRU(4, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, tokens):
        return self.out(self.layer(self.embedding(tokens))[0][:, -1])


def mlp():
    return nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))


def relu_mlp():
    return nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3))


def cnn():
    """A smooth network with running statistics, which stay as they are in eval mode."""
    norm = nn.BatchNorm2d(3)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    layers = (nn.Conv2d(1, 3, 3, padding=1), norm, nn.SiLU(), nn.AvgPool2d(3), nn.Flatten(), nn.Linear(12, 4))
    return nn.Sequential(*layers).eval()


def gpt():
    return GPT(Shape(layers=1, heads=2, width=6, context=5), 9)


def places(logits, tokens):
    """Return the loss of every place of every row, as the deep families' losses do."""
    return functional.cross_entropy(logits.flatten(0, -2), tokens.flatten(), reduction="none")


# name → (model, loss, inputs, targets) of a generator
KINDS = {
    "mlp": (
        mlp,
        functional.cross_entropy,
        lambda rng: rng.normal(size=(ROWS, 5)),
        lambda rng: rng.integers(3, size=ROWS),
    ),
    "cnn": (
        cnn,
        functional.cross_entropy,
        lambda rng: rng.normal(size=(ROWS, 1, 6, 6)),
        lambda rng: rng.integers(4, size=ROWS),
    ),
    "gpt": (gpt, places, lambda rng: rng.integers(9, size=(ROWS, 5)), lambda rng: rng.integers(9, size=(ROWS, 5))),
    "regression": (mlp, nn.MSELoss(), lambda rng: rng.normal(size=(ROWS, 5)), lambda rng: rng.normal(size=(ROWS, 3))),
    "gru": (
        Last,
        functional.cross_entropy,
        lambda rng: rng.integers(7, size=(ROWS, 4)),
        lambda rng: rng.integers(3, size=ROWS),
    ),
    "relu": (
        relu_mlp,
        functional.cross_entropy,
        lambda rng: rng.normal(size=(ROWS, 5)),
        lambda rng: rng.integers(3, size=ROWS),
    ),
}


def model(kind, seed=0):
    """Return the model of ``kind`` in float64."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return KINDS[kind][0]().double()


def build(kind, seed=0, **settings):
    """Return the problem of ``kind`` with three clients of unequal sizes."""
    rng = np.random.default_rng(seed)
    _, loss, inputs, targets = KINDS[kind]
    return deep_problem(model(kind, seed), loss, inputs(rng), targets(rng), **{"parts": PARTS, **PENALTIES, **settings})


class OnHost:
    """A deep problem that takes and gives NumPy arrays, so that the conformance checks of `PROBLEMS` run on it."""

    def __init__(self, problem):
        self._problem = problem
        self.weights, self.initial = to_numpy(problem.weights), to_numpy(problem.initial)

    def __getattr__(self, name):
        found = getattr(self._problem, name)
        return (lambda *given: self._called(found, given)) if callable(found) else found

    def client_value(self, w):
        return self._called(self._problem.client_value, (w,))

    def client_grad(self, w, batch=None):
        return self._called(self._problem.client_grad, (w, batch))

    def _called(self, method, given):
        arguments = [
            like(x, self._problem.initial)
            if isinstance(x, np.ndarray) and x.dtype.kind == "f"
            else torch.as_tensor(x)
            if isinstance(x, np.ndarray)
            else x
            for x in given
        ]
        result = method(*arguments)
        return to_numpy(result) if isinstance(result, torch.Tensor) else result

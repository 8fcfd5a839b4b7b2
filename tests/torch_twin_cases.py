"""A small network in NumPy and its torch twin, and drivers of both, for several test files."""

import numpy as np
import torch

from pisa_lab.state import Observation
from problems.networks import network


def problem(*, hidden=7, features=5, classes=3, samples=40, clients=1, **settings):
    """Return the two-layer tanh network on random data, clients with equally many samples."""
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(samples, features)), rng.integers(0, classes, size=samples)
    y[:classes] = np.arange(classes)
    parts = np.split(np.arange(samples), clients)
    return network(X, y, parts, hidden=hidden, **settings)


class Twin(torch.nn.Module):
    """The same network, its matrices stored (in, out) as there, in float64."""

    def __init__(self, source):
        super().__init__()
        flat, start = torch.tensor(source.initial), 0
        for name, shape in source.blocks:
            end = start + int(np.prod(shape))
            self.register_parameter(name, torch.nn.Parameter(flat[start:end].reshape(shape).clone()))
            start = end
        self.X, self.Y = torch.tensor(source.features), torch.tensor(source.targets)

    def outputs(self, client=0):
        return torch.tanh(self.X[client] @ self.W1 + self.b1) @ self.W2 + self.b2

    def head(self, outputs, client=0):
        return torch.nn.functional.cross_entropy(outputs, self.Y[client])

    def loss(self, client=0):
        return self.head(self.outputs(client), client)

    def flat(self):
        return torch.cat([param.detach().flatten() for param in self.parameters()]).numpy()


def rounds(optimizer, model, number, **given):
    """Return the flat parameters after each of ``number`` steps; ``given`` are functions of nothing."""
    path = []
    for _ in range(number):
        optimizer.zero_grad()
        model.loss().backward()
        optimizer.step(**{name: value() for name, value in given.items()})
        path.append(model.flat())
    return np.stack(path)


def core_rounds(method, source, number):
    """Return the flat consensus of the core after each of ``number`` rounds."""

    def oracle(w):
        return Observation(source.client_grad(w), problem=source)

    state, path = method.init(source, source.initial), []
    for _ in range(number):
        state = method.step(state, oracle)
        path.append(state.consensus)
    return np.stack(path)

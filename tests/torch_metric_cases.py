"""The metric and the server's Newton–Schulz written out in NumPy, and torch's optimisers on the same gradients."""

import numpy as np
import torch
from torch import nn

SHAPES = {"W": (4, 3), "b": (5,)}
"""A matrix and what is none."""


class Reference:
    """Clients of a common momentum, and a server that divides by D or steps along what it orthogonalises."""

    def __init__(
        self, kind, *, lr, penalty, ridge=0.0, b=0.9, beta=0.999, eps=1e-8, scale="constant", tau=1.0, rest=0.1
    ):
        self.kind, self.lr, self.penalty, self.ridge, self.b, self.beta, self.eps = (
            kind,
            lr,
            penalty,
            ridge,
            b,
            beta,
            eps,
        )
        self.scale, self.tau, self.rest = scale, tau, rest
        self.rounds, self.pi, self.moment, self.largest = 0, None, 0.0, 0.0

    def step(self, w, gradients, weights, lr=None):
        """Return w after a round with one gradient a client."""
        lr = self.lr if lr is None else lr
        self.rounds += 1
        self.pi = np.zeros_like(gradients) if self.pi is None else self.pi
        new = self.b * self.pi - (1 - self.b) * gradients
        pull = np.tensordot(weights, 2 * new - self.pi, 1) - self.ridge * w
        self.pi = new
        if self.kind == "spectral" and w.ndim == 2:
            return w + lr / self.penalty * self._along(pull)
        lr = lr * self.rest if self.kind == "spectral" else lr
        return w + lr * pull / (self.penalty * self._diagonal(np.tensordot(weights, gradients, 1)) + lr * self.ridge)

    def _diagonal(self, gradient):
        if self.kind == "adagrad":
            self.moment = self.moment + gradient**2
            return np.sqrt(self.moment) + self.eps
        self.moment = self.beta * self.moment + (1 - self.beta) * gradient**2
        root = np.sqrt(self.moment / (1 - self.beta**self.rounds))
        self.largest = np.maximum(self.largest, root)
        return (self.largest if self.kind == "max" else root) + self.eps

    def _along(self, pull):
        x = pull.T if pull.shape[0] > pull.shape[1] else pull
        x = x / np.linalg.norm(x)
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        x = x.T if pull.shape[0] > pull.shape[1] else x
        nuclear = (pull * x).sum() / 1.2024
        if self.scale == "constant":
            return x * max(1.0, pull.shape[0] / pull.shape[1]) ** 0.5
        return x / 1.2024 * (nuclear if self.scale == "nuclear" else min(1.0, self.tau / nuclear) * nuclear)


def gradient(client, w):
    """Return the gradient of one client at ``w``: smooth, nonlinear, of unlike scales, unlike between clients."""
    scale = np.linspace(0.1, 3.0, w.size).reshape(w.shape)
    return scale * (w - np.cos(np.arange(w.size) + 2.0 * client).reshape(w.shape)) + 0.3 * np.sin(w + client)


def starts():
    """Return the parameters at the start."""
    rng = np.random.default_rng(7)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def reference_path(references, weights, rounds, rates=None):
    """Return the parameters after each round, ``references`` being one `Reference` for each of them."""
    w, path, clients = starts(), [], len(weights)
    for number in range(rounds):
        lr = None if rates is None else rates[number]
        w = {
            name: references[name].step(x, np.stack([gradient(i, x) for i in range(clients)]), weights, lr)
            for name, x in w.items()
        }
        path.append(w)
    return path


def torch_path(make, rounds, *, clients=1, after=lambda optimizer: None, dtype=torch.float64):
    """Return the same for an optimiser of torch, and it; ``after`` makes what is stepped after each round."""
    params = {name: nn.Parameter(torch.tensor(x, dtype=dtype)) for name, x in starts().items()}
    optimizer = make(list(params.values()))
    scheduler, path = after(optimizer), []

    def closure(client):
        def evaluate():
            for param in params.values():
                param.grad = torch.from_numpy(gradient(client, param.detach().double().numpy())).to(dtype)

        return evaluate

    closures = [closure(client) for client in range(clients)]
    for _ in range(rounds):
        optimizer.step(closures if clients > 1 else closures[0])
        if scheduler is not None:
            scheduler.step()
        path.append({name: param.detach().double().numpy().copy() for name, param in params.items()})
    return path, optimizer


def gap(path, expected):
    """Return the largest distance of two paths, against numbers of the size of one."""
    return max(np.abs(one[name] - other[name]).max() for one, other in zip(path, expected, strict=True) for name in one)

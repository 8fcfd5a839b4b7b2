"""What the tests of transforms share."""

import numpy as np

from problems import transforms
from problems.linear import least_squares, logistic
from problems.quadratics import random_quadratic

# Sums of a dozen products of numbers of order one, in another order: a few hundred roundings of 2.2e-16.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


UNEQUAL = (np.arange(0, 4), np.arange(4, 11), np.arange(11, 20))


def data(task):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20, 4))
    y = x @ rng.normal(size=4) + rng.normal(size=20)
    return x, np.sign(y) if task == "binary" else y


def make(name, ridge=0.3):
    if name == "quadratic":
        return random_quadratic(1, clients=3, rotation=0.4, weights=(0.5, 0.3, 0.2), ridge=ridge)
    if name == "least squares":
        return least_squares(*data("regression"), UNEQUAL, ridge=ridge, local_ridge=0.1)
    return logistic(*data("binary"), UNEQUAL, ridge=ridge)


FAMILIES = ("quadratic", "least squares", "logistic")


# name → (transform, definition of F_a in terms of the base's F_i, members)
CASES = {
    "permute": (lambda p: transforms.permute_clients(p, (2, 0, 1)), (2, 0, 1), 1.0, 0.0),
    "split": (lambda p: transforms.split_client(p, 1), (0, 1, 1, 2), 1.0, 0.0),
    "split twice": (lambda p: transforms.split_client(transforms.split_client(p, 1), 2), (0, 1, 1, 1, 2), 1.0, 0.0),
    "scale": (lambda p: transforms.scale(p, 2.5), (0, 1, 2), 2.5, 0.0),
    "shift": (lambda p: transforms.shift(p, np.linspace(0.5, 1, p.initial.size)), (0, 1, 2), 1.0, 1.0),
    "ridge": (lambda p: transforms.with_ridge(p, 0.7), (0, 1, 2), 1.0, 0.0),
    "weights": (lambda p: transforms.with_weights(p, (0.2, 0.2, 0.6)), (0, 1, 2), 1.0, 0.0),
    "all": (
        lambda p: transforms.shift(
            transforms.scale(transforms.split_client(transforms.permute_clients(p, (1, 2, 0)), 0), 0.5),
            np.linspace(0.5, 1, p.initial.size),
        ),
        (1, 1, 2, 0),
        0.5,
        1.0,
    ),
}


def derived(base):
    """Yield every transformed problem of ``base``."""
    yield from (transform(base) for transform, *_ in CASES.values())
    yield transforms.merge_clients(base)
    yield transforms.merge_clients(base, ((0, 2), (1,)))
    yield transforms.with_noise(base, 0.5, samples=8)

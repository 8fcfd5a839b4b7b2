"""Three roads, one trajectory: the NumPy network, its torch twin, and the torch optimisers on the module itself."""

import numpy as np
import pytest
import torch
from deep_problem_cases import PARTS
from torch import nn

from pisa_lab import nsisa, run, sisa
from pisa_lab._array import to_numpy
from pisa_lab.preconditioners import newton_schulz
from problems.deep.problem import load
from problems.deep.problem_parameters import flat
from problems.deep.twins import TwoLayer, twin
from problems.generators import synthetic
from problems.networks import network

ROUNDS = 60
# Sixty rounds of some hundred roundings of 1.1e-16 each; nothing here amplifies them (NSISA at eight times L).
SAME = 1e-10


def numpy_network(task="multiclass", activation="tanh", **settings):
    X, y, parts = synthetic(task, 0, clients=3, samples=[8, 12, 6], dimension=5)
    common = {"ridge": 0.05, "local_ridge": 0.02, "weights": (0.5, 0.2, 0.3), "hidden": 4}
    return network(X, y, parts, task=task, activation=activation, **{**common, **settings})


def apart(found, expected):
    """Return the largest difference of two runs' records and final states, relative to the largest entry."""
    pairs = [(found.history[name], expected.history[name]) for name in expected.history]
    states = ("consensus", "deviation", "multiplier")
    pairs += [(to_numpy(getattr(found.state, name)), getattr(expected.state, name)) for name in states]
    return max(np.max(np.abs(a - b)) / np.max(np.abs(b)) for a, b in pairs)


METHODS = {
    "sisa": lambda blocks: sisa(4.0, rho=0.5),
    "nsisa": lambda blocks: nsisa(20.0, rho=0.5, blocks=blocks),
}


ROWS = [(task, name, batches) for task in ("multiclass", "regression") for name in METHODS for batches in (None, 4)]


@pytest.mark.parametrize(
    ("task", "name", "batches"),
    [pytest.param(*row, marks=pytest.mark.slow if row[0] == "regression" and row[2] is None else ()) for row in ROWS],
)
def test_the_twin_walks_the_path_of_the_numpy_network(task, name, batches):
    source = numpy_network(task)
    copy = twin(source)
    assert copy.blocks == source.blocks
    assert copy.sizes == source.sizes
    method = METHODS[name](source.blocks)
    settings = {"steps": ROUNDS, "batches": batches, "seed": 3, "every": 20}
    expected, found = run(method, source, **settings), run(method, copy, **settings)
    assert apart(found, expected) < SAME
    assert np.max(np.abs(expected.state.consensus - source.initial)) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_a_relu_twin_and_one_client(name):
    source = numpy_network(activation="relu", weights=None)
    method = METHODS[name](source.blocks)
    # Away from the kinks, where the two libraries need not agree on the side; these rounds stay clear of them.
    settings = {"steps": ROUNDS, "batches": 3, "seed": 1, "every": 30}
    assert apart(run(method, twin(source), **settings), run(method, source, **settings)) < SAME
    X, y = synthetic("multiclass", 1, clients=1, samples=9)[:2]
    alone = network(X, y, hidden=3, ridge=0.1)
    method = METHODS[name](alone.blocks)
    assert apart(run(method, twin(alone), **settings), run(method, alone, **settings)) < SAME


def layers(source):
    """Return ``nn.Sequential`` of two ``nn.Linear`` that starts where ``source`` does, its matrices transposed."""
    (_, (inputs, hidden)), _, (_, (_, outputs)), _ = source.blocks
    module = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs)).double()
    load(module, turned(source, source.initial))
    return module


def turned(source, w):
    """Return the vectors ``w`` (…, P) of ``source`` with every matrix as ``nn.Linear`` stores it."""
    pieces, at = [], 0
    for _, shape in source.blocks:
        piece = w[..., at : at + int(np.prod(shape))].reshape(*w.shape[:-1], *shape)
        pieces.append((np.swapaxes(piece, -1, -2) if len(shape) == 2 else piece).reshape(*w.shape[:-1], -1))
        at += int(np.prod(shape))
    return np.concatenate(pieces, axis=-1)


def gap(found, expected):
    return np.max(np.abs(to_numpy(found) - expected)) / np.max(np.abs(expected))


@pytest.mark.parametrize("batches", [None, 4])
def test_sisa_does_not_see_how_a_layer_stores_its_matrix(batches):
    source = numpy_network()
    other = twin(source, model=layers(source))
    assert other.blocks[0] == ("0.weight", (4, 5))
    settings = {"steps": ROUNDS, "batches": batches, "every": ROUNDS}
    expected, found = (run(sisa(4.0, rho=0.5), problem, **settings) for problem in (source, other))
    assert gap(found.state.consensus, turned(source, expected.state.consensus)) < SAME
    assert gap(found.state.multiplier, turned(source, expected.state.multiplier)) < SAME


def square():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(20, 4)), np.concatenate([np.arange(4), rng.integers(4, size=16)])
    return network(X, y, PARTS, hidden=4, ridge=0.05)


def test_nsisa_sees_it_only_through_the_factor_of_matrices_that_are_not_square():
    settings = {"steps": ROUNDS, "every": ROUNDS}
    for source, same in ((square(), True), (numpy_network(), False)):
        other = twin(source, model=layers(source))
        expected = run(METHODS["nsisa"](source.blocks), source, **settings)
        found = run(METHODS["nsisa"](other.blocks), other, **settings)
        distance = gap(found.state.consensus, turned(source, expected.state.consensus))
        assert distance < SAME if same else distance > 1e-2
    x = np.random.default_rng(4).normal(size=(6, 4))
    assert gap(newton_schulz(x.T), newton_schulz(x).T) < 1e-14
    # What it multiplies: for (inputs, outputs) = (6, 4) nothing on nn.Linear, √(6/4) on the NumPy network.
    method = METHODS["nsisa"]
    for shape, factor in (((6, 4), np.sqrt(1.5)), ((4, 6), 1.0)):
        kind = method((("W", shape),)).preconditioner
        given = x if shape == x.shape else x.T
        assert gap(kind._orthogonal(given.reshape(1, -1), 1), factor * newton_schulz(given).reshape(1, -1)) < 1e-14


def test_the_module_of_the_twin_has_the_blocks_of_the_network():
    source = numpy_network(hidden=3)
    module = TwoLayer(source)
    assert tuple((name, tuple(held.shape)) for name, held in module.named_parameters()) == source.blocks
    assert np.array_equal(flat(module).numpy(), source.initial)
    w = source.initial + 0.3
    load(module, w)
    features = source.features[0]
    outputs = module(torch.as_tensor(features))
    assert gap(outputs.detach(), source.outputs(w, features)) < 1e-14

"""The torch optimisers on a module against the core on the module's problem: one trajectory, whoever computes it."""

import math

import numpy as np
import pytest
import torch
from deep_problem_cases import PARTS, build, model
from torch import nn
from torch.nn import functional

from pisa_lab import nsisa, run, sisa
from pisa_lab.sampling import Uniform, draw_batch
from pisa_lab.torch import NSISA, SISA
from problems.deep.problem import deep_problem
from problems.deep.problem_parameters import flat

ROUNDS = 50
# Fifty rounds of roundings, among them those of a convolution over other rows at once; measured 1e-15 to 1e-13.
SAME = 1e-10
ALPHA = (0.5, 0.2, 0.3)


def optimised(optimizer, module, problem, batches):
    """Return w after `ROUNDS` steps of ``optimizer`` on ``module``, its clients' gradients by ``backward``."""
    rule = None if batches is None else Uniform(batches)
    for number in range(ROUNDS):
        drawn = None if rule is None else draw_batch(rule, problem, 0, experiment=0, number=number)
        closures = []
        for client, part in enumerate(problem.parts):
            rows = part if drawn is None else part[drawn[client]]

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = problem.loss(module(problem.inputs[rows]), problem.targets[rows]).mean()
                loss.backward()
                return loss

            closures.append(closure)
        optimizer.step(closures if len(closures) > 1 else closures[0])
    return flat(module)


def gap(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


CLIENTS = {1: {"parts": None, "weights": None}, 3: {"parts": PARTS, "weights": ALPHA}}


@pytest.mark.parametrize("batches", [None, 3])
@pytest.mark.parametrize("clients", CLIENTS)
@pytest.mark.parametrize("kind", ["mlp", pytest.param("cnn", marks=pytest.mark.slow)])
def test_sisa_on_the_module_is_the_core_on_its_problem(kind, clients, batches):
    problem = build(kind, ridge=0.05, local_ridge=0.0, **CLIENTS[clients])
    method = sisa(4.0, rho=2.0, first="client")
    expected = run(method, problem, steps=ROUNDS, batches=batches, measures=("objective",)).state.consensus
    module = model(kind)
    several = {"clients": 3, "weights": ALPHA} if clients > 1 else {}
    optimizer = SISA.published(module.parameters(), lr=1.0, penalty=4.0, rho=2.0, weight_decay=0.05, **several)
    found = optimised(optimizer, module, problem, batches)
    assert gap(found, expected) < SAME
    assert gap(expected, problem.initial) > 0.05


def matrices():
    """Return a model whose parameters are matrices: both sides have the same rule for those, if not for the rest."""
    layers = (nn.Conv2d(1, 4, 3, bias=False), nn.Tanh(), nn.Flatten(), nn.Linear(64, 6, bias=False))
    return nn.Sequential(*layers, nn.Tanh(), nn.Linear(6, 4, bias=False)).double()


def as_matrices(blocks):
    """Return ``blocks`` with every kernel as the matrix (out, rest), as the torch optimiser takes it."""
    return tuple((name, (shape[0], math.prod(shape[1:]))) for name, shape in blocks)


@pytest.mark.parametrize("batches", [pytest.param(None, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("clients", CLIENTS)
def test_nsisa_on_the_module_is_the_core_on_its_problem(clients, batches):
    torch.manual_seed(0)
    module, rng = matrices(), np.random.default_rng(0)
    X, y = rng.normal(size=(20, 1, 6, 6)), rng.integers(4, size=20)
    problem = deep_problem(module, functional.cross_entropy, X, y, ridge=0.05, **CLIENTS[clients])
    method = nsisa(40.0, rho=1.0, blocks=as_matrices(problem.blocks), first="client")
    expected = run(method, problem, steps=ROUNDS, batches=batches, measures=("objective",)).state.consensus
    several = {"clients": 3, "weights": ALPHA} if clients > 1 else {}
    optimizer = NSISA.published(
        module.parameters(), lr=1.0, penalty=40.0, rho=1.0, weight_decay=0.05, orthogonal=True, **several
    )
    found = optimised(optimizer, module, problem, batches)
    assert gap(found, expected) < SAME
    assert gap(expected, problem.initial) > 0.05


def test_another_order_of_the_half_steps_is_another_path():
    problem, module = build("mlp", ridge=0.05, local_ridge=0.0, parts=None), model("mlp")
    optimizer = SISA.published(module.parameters(), lr=1.0, penalty=4.0, rho=2.0, weight_decay=0.05)
    found = optimised(optimizer, module, problem, None)
    served = run(sisa(4.0, rho=2.0), problem, steps=ROUNDS, measures=("objective",)).state.consensus
    assert gap(found, served) > 1e-4

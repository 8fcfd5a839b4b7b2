"""The torch classes against the core: the same trajectory in float64, to rounding."""

import math

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler
from torch_contract_cases import CENTRE, core_gradient, core_trajectory, torch_trajectory

from pisa_lab import PISA as CorePISA
from pisa_lab import sisa
from pisa_lab.preconditioners import Identity, Zero
from pisa_lab.torch import PISA, SISA

START = CENTRE + np.array([2.0, -1.0, 0.3, 4.0, 1.5])
ROUNDS = 60
# 60 rounds of a contraction: rounding stays below a few ulp of numbers of size 5.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("scheme", ["I", "II", "III"])
@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_sisa_equals_the_core(scheme, clip, ridge):
    method = sisa(4.0, rho=2.0, scheme=scheme, beta=0.9, clip=clip, first="client")
    expected = core_trajectory([method] * ROUNDS, START, ridge=ridge)
    found = torch_trajectory(
        lambda p: SISA.published(
            p, lr=1.0, penalty=4.0, rho=2.0, scheme=scheme, beta=0.9, clip=clip, weight_decay=ridge
        ),
        START,
        ROUNDS,
    )
    np.testing.assert_allclose(found, expected, **CLOSE)
    assert np.abs(found[-1] - START).max() > 0.1


@pytest.mark.parametrize("rho", [0.0, 1.5])
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_pisa_equals_the_core_with_and_without_the_warm_start(rho, warm, ridge):
    kind = Identity() if rho else Zero()
    method = CorePISA(penalty=6.0, rho=rho, preconditioner=kind, warm=warm, first="client")
    expected = core_trajectory([method] * ROUNDS, START, ridge=ridge)
    found = torch_trajectory(
        lambda p: PISA(p, lr=1.0, preconditioner="identity", penalty=6.0, rho=rho, warm=warm, weight_decay=ridge),
        START,
        ROUNDS,
    )
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_the_warm_start_of_sisa_equals_the_core_and_differs_from_the_cold_one():
    method = sisa(6.0, rho=1.0, warm=True, first="client")
    expected = core_trajectory([method] * ROUNDS, START, ridge=0.2)
    found = torch_trajectory(
        lambda p: SISA.published(p, lr=1.0, penalty=6.0, rho=1.0, warm=True, weight_decay=0.2), START, ROUNDS
    )
    np.testing.assert_allclose(found, expected, **CLOSE)
    cold = torch_trajectory(lambda p: SISA.published(p, lr=1.0, penalty=6.0, rho=1.0, weight_decay=0.2), START, 1)
    assert np.abs(found[0] - cold[0]).max() > 0.1


@pytest.mark.parametrize("lr", [0.1, 1.0, 7.0])
def test_lr_divides_the_penalty_and_rho(lr):
    method = sisa(20.0 / lr, rho=3.0 / lr, first="client")
    expected = core_trajectory([method] * ROUNDS, START, ridge=0.4)
    found = torch_trajectory(lambda p: SISA.published(p, lr=lr, penalty=20.0, rho=3.0, weight_decay=0.4), START, ROUNDS)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_a_scheduler_is_a_schedule_of_penalty_and_rho():
    rates = [0.5 * (1 + math.cos(math.pi * k / ROUNDS)) for k in range(ROUNDS)]
    methods = [sisa(5.0 / rate, rho=2.0 / rate, beta=0.99, first="client") for rate in rates]
    expected = core_trajectory(methods, START, ridge=0.3)
    found = torch_trajectory(
        lambda p: SISA.published(p, lr=1.0, penalty=5.0, rho=2.0, beta=0.99, weight_decay=0.3),
        START,
        ROUNDS,
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, ROUNDS),
    )
    np.testing.assert_allclose(found, expected, **CLOSE)
    constant = torch_trajectory(
        lambda p: SISA.published(p, lr=1.0, penalty=5.0, rho=2.0, beta=0.99, weight_decay=0.3), START, ROUNDS
    )
    assert np.abs(found[-1] - constant[-1]).max() > 1e-3


def test_several_parameters_are_each_their_own():
    """Two parameters in one call move as they do apart; the core knows them as one vector."""
    method = sisa(4.0, rho=2.0, first="client")
    expected = core_trajectory([method] * ROUNDS, START)

    parts = [torch.tensor(START[:2], requires_grad=True), torch.tensor(START[2:], requires_grad=True)]
    optimizer = SISA.published(parts, lr=1.0, penalty=4.0, rho=2.0)
    for _ in range(ROUNDS):
        gradient = torch.from_numpy(core_gradient(torch.cat([p.detach() for p in parts]).numpy()))
        parts[0].grad, parts[1].grad = gradient[:2].clone(), gradient[2:].clone()
        optimizer.step()
    np.testing.assert_allclose(torch.cat([p.detach() for p in parts]).numpy(), expected[-1], **CLOSE)

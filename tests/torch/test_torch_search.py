"""penalty="auto": the core's search on torch's parameters, its corners, what it refuses and what it saves."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from small import quadratics
from torch import nn

from pisa_lab import PISA as Core
from pisa_lab import run
from pisa_lab.backtracking import Backtracking
from pisa_lab.preconditioners import HeavyBall, Identity, SecondMoment, Zero
from pisa_lab.torch import NSISA, PISA, SISA, local_mean

KINDS = {
    "heavy-ball": (HeavyBall(0.9), 1.0, {}),
    "no momentum": (HeavyBall(0.0), 1.0, {"momentum": 0.0}),
    "zero": (Zero(), 0.0, {"preconditioner": "identity", "rho": 0.0}),
    "identity": (Identity(), 3.0, {"preconditioner": "identity", "rho": 3.0}),
    "second-moment": (SecondMoment("III", 0.9), 5.0, {"preconditioner": "second-moment", "rho": 5.0, "beta": 0.9}),
}


def on_torch(problem, **given):
    """Return two parameters, a matrix and a vector, the optimiser and the closures of the clients of ``problem``."""
    start = torch.tensor(problem.initial)
    params = [nn.Parameter(start[:4].reshape(2, 2).clone()), nn.Parameter(start[4:].clone())]
    several = {"clients": len(problem.weights), "weights": 7 * problem.weights} if len(problem.weights) > 1 else {}
    optimizer = PISA(params, penalty="auto", weight_decay=problem.ridge, **several, **given)
    A, b = torch.tensor(problem.matrices), torch.tensor(problem.vectors)

    def one(client):
        def evaluate():
            optimizer.zero_grad()
            at = torch.cat([param.reshape(-1) for param in params])
            value = at @ A[client] @ at / 2 - b[client] @ at
            value.backward()
            return value

        return evaluate

    closures = [one(client) for client in range(len(problem.weights))]
    return params, optimizer, closures if several else closures[0]


def flat(params):
    return torch.cat([param.detach().reshape(-1) for param in params]).numpy()


@pytest.mark.parametrize("clients", [1, 4])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_round_is_the_cores(kind, ridge, clients):
    preconditioner, rho, given = KINDS[kind]
    problem = quadratics(clients=clients, size=6, ridge=ridge)
    params, optimizer, closures = on_torch(problem, **given)
    method = Core(penalty="auto", rho=rho, preconditioner=preconditioner)
    for rounds in (1, 24):
        for _ in range(rounds):
            losses = optimizer.step(closures)
        assert isinstance(losses, list) is (clients > 1)
    state = run(method, problem, steps=25, measures=("objective",)).state
    np.testing.assert_allclose(flat(params), state.consensus, rtol=0, atol=1e-12)
    progress = optimizer.progress
    assert progress.penalty == pytest.approx(float(state.penalty[0]), rel=1e-12)
    assert (progress.trials, progress.restarts) == (int(state.search.trials), int(state.search.restarts))
    assert progress.trials >= 26
    kept = torch.cat([optimizer.state[p]["multiplier"].reshape(clients, -1) for p in params], 1)
    np.testing.assert_allclose(kept.numpy(), state.multiplier, rtol=0, atol=1e-11)
    with local_mean(optimizer):
        np.testing.assert_allclose(flat(params), state.local_mean, rtol=0, atol=1e-11)
    np.testing.assert_allclose(flat(params), state.consensus, rtol=0, atol=1e-12)


def single(function, start, dtype=torch.float64, **given):
    """Return a parameter, its optimiser and the closure of one function."""
    w = nn.Parameter(torch.tensor(start, dtype=dtype))
    optimizer = PISA([w], penalty=given.pop("penalty", "auto"), **given)

    def closure():
        optimizer.zero_grad()
        loss = function(w)
        loss.backward()
        return loss

    return w, optimizer, closure


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8, 1e12])
def test_values_that_lost_their_digits_neither_stall_nor_loop(offset):
    """The printed rule had σ = inf after 513 trials in one round, frozen at |G| = 1e-4."""
    w, optimizer, closure = single(lambda w: ((w - 1) ** 2 / 2 + offset).sum() - offset, [5.0])
    for _ in range(400):
        optimizer.step(closure)
    assert abs(w.item() - 1) < 1e-12
    assert optimizer.progress.penalty < 1e3
    assert optimizer.progress.trials < 1000


def test_a_noisy_evaluation_ends():
    """As on a GPU that adds in another order every time: the printed rule looped for ever."""
    source = torch.Generator().manual_seed(0)

    def noisy(w):
        return (torch.log1p(torch.exp(-w)) + 0.05 * w**2).sum() * (1 + 1e-12 * torch.randn((), generator=source))

    w, optimizer, closure = single(noisy, [4.0, -3.0])
    for _ in range(300):
        optimizer.step(closure)
    at = w.detach()
    assert float((0.1 * at - torch.sigmoid(-at)).abs().max()) < 1e-6
    assert optimizer.progress.trials < 1500


def test_single_precision_ends_at_its_own_rounding():
    torch.manual_seed(0)
    x, y = torch.randn(50, 4), torch.sign(torch.randn(50))
    w, optimizer, closure = single(lambda w: nn.functional.softplus(-y * (x @ w)).mean(), [3.0] * 4, torch.float32)
    for _ in range(300):
        optimizer.step(closure)
    w.grad = None
    nn.functional.softplus(-y * (x @ w)).mean().backward()
    assert float(w.grad.abs().max()) < 3e-6
    assert optimizer.progress.penalty < 1e3


@pytest.mark.parametrize(
    ("function", "start"), [(lambda w: (w**4).sum() / 4, [10.0, -3.0]), (lambda w: (w.exp() - 2 * w).sum(), [6.0])]
)
def test_without_a_lipschitz_constant_it_still_descends(function, start):
    _, optimizer, closure = single(function, start)
    losses = [float(optimizer.step(closure).detach()) for _ in range(200)]
    assert losses[-1] < min(0.0, losses[0]) + 0.62
    constant, other, same = single(function, start, penalty=1.0, lr=1.0)
    for _ in range(20):
        other.step(same)
    assert not torch.isfinite(constant).all() or function(constant).item() > losses[0]


def test_a_round_with_nothing_acceptable_uses_up_its_trials_and_says_so():
    source = torch.Generator().manual_seed(0)
    w, optimizer, closure = single(
        lambda w: (w**2).sum() * (1 + torch.rand((), generator=source)), [2.0], penalty=Backtracking(trials=3)
    )
    before, cost = [], [0]
    for _ in range(60):
        before.append(w.detach().clone())
        optimizer.step(closure)
        cost.append(optimizer.progress.trials)
        if optimizer.progress.status == "trials":
            break
    assert optimizer.progress.status == "trials"
    assert torch.equal(w, before[-1])
    # The first look comes on top of the first round's trials.
    assert max(b - a for a, b in itertools.pairwise(cost)) <= 4
    optimizer.step(closure)
    assert optimizer.progress.trials == cost[-1]
    # Whoever moves the parameters starts another search.
    with torch.no_grad():
        w.add_(1.0)
    optimizer.step(closure)
    assert optimizer.progress.trials > cost[-1]


def test_the_cost_is_about_two_evaluations_a_round_at_most():
    params, optimizer, closures = on_torch(quadratics(clients=4, size=6, ridge=0.1))
    for _ in range(300):
        optimizer.step(closures)
        if optimizer.progress.status != "searching":
            break
    rounds = float(optimizer.state[params[0]]["step"])
    assert optimizer.progress.trials <= 2.04 * rounds + 12


def test_a_run_resumed_from_its_state_goes_on_bit_for_bit():
    problem = quadratics(clients=4, size=6, ridge=0.1)
    params, optimizer, closures = on_torch(problem)
    for _ in range(7):
        optimizer.step(closures)
    saved = copy.deepcopy(optimizer.state_dict())
    assert pickle.loads(pickle.dumps(optimizer)).progress == optimizer.progress
    twins, other, same = on_torch(problem)
    with torch.no_grad():
        for twin, param in zip(twins, params, strict=True):
            twin.copy_(param)
    other.load_state_dict(saved)
    assert other.progress == optimizer.progress
    for _ in range(7):
        optimizer.step(closures)
        other.step(same)
    assert all(torch.equal(a, b) for a, b in zip(params, twins, strict=True))
    # Only the first look is taken once more.
    assert other.progress.trials == optimizer.progress.trials + 1
    with pytest.raises(ValueError, match=r"^state_dict: saved with penalty='auto', this optimiser has 1.0"):
        PISA(twins, clients=4).load_state_dict(saved)
    with pytest.raises(ValueError, match=r"^state_dict: saved with penalty=1.0, this optimiser has 'auto'"):
        other.load_state_dict(PISA(twins, clients=4).state_dict())


def test_parameters_moved_by_hand_are_looked_at_again():
    w, optimizer, closure = single(lambda w: (w**2).sum(), [3.0])
    for _ in range(3):
        optimizer.step(closure)
    with torch.no_grad():
        w.fill_(50.0)
    assert float(optimizer.step(closure).detach()) == 2500.0
    for _ in range(100):
        optimizer.step(closure)
    assert abs(w.item()) < 1e-12


def test_maximize_climbs():
    w, optimizer, closure = single(lambda w: -((w - 2) ** 2).sum(), [9.0], maximize=True)
    for _ in range(60):
        optimizer.step(closure)
    assert abs(w.item() - 2) < 1e-10


def test_a_closure_that_raises_leaves_the_parameters_where_they_were():
    calls = [0] * 5

    def breaking(w):
        calls.append(1)
        if len(calls) == 5:
            raise RuntimeError("out of luck")
        return (w**2).sum()

    w, optimizer, closure = single(breaking, [3.0])
    optimizer.step(closure)
    del calls[1:]
    calls += [1] * 3
    before = w.detach().clone()
    with pytest.raises(RuntimeError, match="out of luck"):
        optimizer.step(closure)
    assert torch.equal(w, before)
    assert not torch.equal(w, torch.full_like(w, 3.0))


def test_groups_may_be_several_and_a_frozen_parameter_stays():
    net, still = nn.Linear(3, 2).double(), nn.Parameter(torch.ones(2), requires_grad=False)
    optimizer = PISA([{"params": net.weight}, {"params": [net.bias, still]}], penalty="auto")
    x, y = torch.randn(9, 3, dtype=torch.float64), torch.randn(9, 2, dtype=torch.float64)

    def closure():
        optimizer.zero_grad()
        loss = (net(x) - y).square().mean()
        loss.backward()
        return loss.item()

    losses = [optimizer.step(closure) for _ in range(40)]
    assert losses[-1] < 0.8 * losses[0]
    assert isinstance(losses[0], float)
    assert torch.equal(still, torch.ones(2))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"lr": 0.1}, "^lr: 0.1; penalty='auto' finds"),
        ({"penalty": "best"}, "^penalty: 'best'"),
        ({"differentiable": True}, "^differentiable: True does not go with"),
        ({"foreach": True}, "^foreach: True does not go with"),
        ({"metric": "ema"}, "^metric: 'ema' does not go with"),
        ({"preconditioner": "kronecker"}, "^preconditioner: penalty='auto' goes with"),
        ({"process_group": "ranks"}, "^process_group: penalty='auto' compares sums"),
    ],
)
def test_what_does_not_go_with_a_search_is_refused_by_name(given, match):
    def attempt():
        _, optimizer, closure = single(lambda w: (w**2).sum(), [1.0], **given)
        optimizer.step(closure)

    with pytest.raises(ValueError, match=match):
        attempt()


def test_it_needs_a_closure_that_returns_a_loss():
    w, optimizer, closure = single(lambda w: (w**2).sum(), [1.0])
    w.grad = torch.ones_like(w)
    with pytest.raises(ValueError, match=r"^closure: penalty='auto' compares values of F: step\(closure\)"):
        optimizer.step()
    with pytest.raises(ValueError, match=r"^closure: "):
        optimizer.step(closure, curvature=lambda params, vectors: vectors)
    with pytest.raises(ValueError, match=r"^closure: returned None"):
        optimizer.step(lambda: None)
    assert torch.equal(w, torch.ones_like(w))
    assert optimizer.progress.trials == 0


def test_groups_that_differ_are_refused():
    params = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimizer = PISA([{"params": params[0]}, {"params": params[1], "weight_decay": 0.5}], penalty="auto")
    with pytest.raises(ValueError, match=r"^weight_decay: 0.5 and 0.0; penalty='auto' needs one for all groups"):
        optimizer.step(lambda: 0.0)


def test_progress_is_only_a_searchs():
    param = [nn.Parameter(torch.ones(2))]
    assert PISA(param).progress is SISA(param).progress is NSISA(param).progress is None
    rule = Backtracking(initial=2.0, factor=3.0)
    assert PISA(param, penalty=rule).progress.penalty == 2.0
    assert PISA(param, penalty=rule).param_groups[0]["search"]["factor"] == 3.0

"""Several clients in one process: the core's rounds, to rounding, on torch's parameters."""

import numpy as np
import pytest
import torch
from small import quadratics
from torch import nn
from torch_clients_cases import METHODS, SIZES, closure, distance, flat, model, virtual

from pisa_lab.method import PISA as Core
from pisa_lab.method import nsisa, sisa
from pisa_lab.metrics import Metric
from pisa_lab.preconditioners import HeavyBall, Nondecreasing, SecondMoment
from pisa_lab.state import Observation
from pisa_lab.torch import NSISA, PISA, SISA, local_mean
from pisa_lab.torch._preconditioners import ROWS

CLIENTS, RIDGE = 4, 0.3
PAIRS = {
    "pisa": (Core(penalty=2.0, rho=0.0, first="client"), PISA, {"preconditioner": "identity", "rho": 0.0}),
    "sisa": (sisa(2.0, rho=1.5, first="client"), SISA.published, {"rho": 1.5}),
    "clipped": (
        sisa(2.0, rho=1.5, scheme="I", clip=0.7, first="client"),
        SISA.published,
        {"rho": 1.5, "scheme": "I", "clip": 0.7},
    ),
    "warm": (sisa(2.0, rho=1.5, warm=True, first="client"), SISA.published, {"rho": 1.5, "warm": True}),
    "metric": (
        sisa(20.0, metric=Metric(SecondMoment("III", 0.9), floor=0.01), momentum=0.8),
        SISA,
        {"penalty": 20.0, "momentum": 0.8, "beta": 0.9, "eps": 0.01},
    ),
    "max": (
        sisa(20.0, metric=Metric(Nondecreasing(SecondMoment("III", 0.9)), floor=0.01), momentum=0.8),
        SISA,
        {"metric": "max", "penalty": 20.0, "momentum": 0.8, "beta": 0.9, "eps": 0.01},
    ),
    "adagrad": (sisa(2.0, metric=Metric(SecondMoment("I"))), SISA, {"metric": "adagrad"}),
    "momentum": (Core(penalty=2.0, preconditioner=HeavyBall(0.7), first="client"), PISA, {"momentum": 0.7}),
    **{
        scale: (
            nsisa(40.0, blocks=[("w", (2, 3))], where="server", momentum=0.8, scale=scale),
            NSISA,
            {"penalty": 40.0, "orthogonal": True, "momentum": 0.8, "scale": scale},
        )
        for scale in ("constant", "nuclear", "clipped")
    },
    "entries": (
        nsisa(40.0, blocks=[("w", (6,))], where="server", momentum=0.8, ratio=0.5),
        NSISA,
        {"penalty": 40.0, "orthogonal": False, "momentum": 0.8, "elementwise_lr": 0.5},
    ),
    "nsisa": (
        nsisa(2.0, rho=1.5, blocks=[("w", (2, 3))], first="client"), NSISA.published, {"rho": 1.5, "orthogonal": True}
    ),
}  # fmt: skip


def on_torch(problem, build, **given):
    """Return the parameter, shaped as a matrix, the optimiser and the closures of the clients of ``problem``."""
    w = nn.Parameter(torch.tensor(problem.initial).reshape(2, 3))
    settings = {"penalty": 2.0, "weight_decay": problem.ridge, "clients": CLIENTS, "weights": problem.weights * 7}
    optimizer = build([w], 1.0, **{**settings, **given})
    A, b = torch.tensor(problem.matrices), torch.tensor(problem.vectors)

    def one(client):
        def evaluate():
            optimizer.zero_grad()
            at = w.flatten()
            value = at @ A[client] @ at / 2 - b[client] @ at
            value.backward()
            return value.item()

        return evaluate

    return w, optimizer, [one(client) for client in range(CLIENTS)]


@pytest.mark.parametrize("name", PAIRS)
def test_virtual_clients_are_the_cores(name):
    method, build, given = PAIRS[name]
    problem = quadratics(clients=CLIENTS, size=6, ridge=RIDGE)
    w, optimizer, closures = on_torch(problem, build, **given)
    state = method.init(problem, problem.initial)
    for _ in range(60):
        values = problem.client_value(state.shared)
        state = method.step(state, lambda at: Observation(problem.client_grad(at)))
        np.testing.assert_allclose(optimizer.step(closures), values, rtol=0, atol=1e-12)
        np.testing.assert_allclose(w.detach().numpy().ravel(), state.consensus, rtol=0, atol=1e-12)
    rows = optimizer.state[w]["multiplier"].reshape(CLIENTS, -1).numpy()
    np.testing.assert_allclose(rows, state.multiplier, rtol=0, atol=1e-12)
    before = w.detach().clone()
    with local_mean(optimizer):
        inside = w.detach().numpy().ravel().copy()
    assert torch.equal(w, before)
    if name in ("constant", "nuclear", "clipped"):
        np.testing.assert_array_equal(inside, before.numpy().ravel())
    else:
        # Beside Newton–Schulz the core's w_i are those of D = I, torch's those of the step that was made.
        twin = sisa(80.0, metric="ema", momentum=0.8) if name == "entries" else method
        state = twin.init(problem, problem.initial) if name == "entries" else state
        for _ in range(60 if name == "entries" else 0):
            state = twin.step(state, lambda at: Observation(problem.client_grad(at)))
        np.testing.assert_allclose(inside, state.local_mean, rtol=0, atol=1e-12)
        assert np.abs(inside - before.numpy().ravel()).max() > 1e-9


def test_a_learning_rate_is_a_penalty_and_a_rho_divided_by_it():
    problem = quadratics(clients=CLIENTS, size=6, ridge=RIDGE)
    slow, first, closures = on_torch(problem, SISA.published, rho=1.5)
    first.param_groups[0]["lr"] = 0.25
    scaled, second, others = on_torch(problem, SISA.published, rho=6.0, penalty=8.0)
    for _ in range(20):
        first.step(closures)
        second.step(others)
    torch.testing.assert_close(slow, scaled, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_a_client_split_into_two_halves_changes_nothing(method):
    whole, halves = model(), model()
    first = METHODS[method](whole.parameters(), clients=2, weights=(1.0, 3.0))
    second = METHODS[method](halves.parameters(), clients=3, weights=(1.0, 1.5, 1.5))
    for _ in range(10):
        first.step([closure(whole, first, client) for client in (0, 1)])
        second.step([closure(halves, second, client) for client in (0, 1, 1)])
    assert distance(flat(halves), flat(whole)) < 1e-12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_equal_clients_are_one_client_for_every_preconditioner(row):
    from pisa_lab.torch import hessian_product

    nets = model(), model()
    settings = {"preconditioner": row.name, "weight_decay": 0.1} | ({"rho": 0.5} if "rho" in row.settings else {})
    if row.name == "orthogonal":
        settings["clip"] = 1e6
    alone = PISA(nets[0].parameters(), 0.1, **settings)
    several = PISA(nets[1].parameters(), 0.1, clients=3, weights=SIZES[:3], **settings)

    def curvature(net):
        return hessian_product(lambda: _half_square(net))

    for _ in range(3):
        alone.step(closure(nets[0], alone, 0, evaluate=_convex), curvature=curvature(nets[0]))
        several.step([closure(nets[1], several, 0, evaluate=_convex)] * 3, curvature=[curvature(nets[1])] * 3)
    assert distance(flat(nets[1]), flat(nets[0])) < 1e-12
    assert distance(flat(nets[0]), flat(model())) > 1e-3


def _half_square(net):
    return sum(param.square().sum() for param in net.parameters()) / 2


def _convex(net, client, dtype):
    return _half_square(net)


def test_m_clients_take_two_buffers_each_and_one_for_all():
    net, optimizer = virtual("sisa", 5, rounds=2)
    sizes = {param: param.numel() for param in net.parameters()}
    kept = [value for state in optimizer.state.values() for name, value in state.items() if name != "step"]
    buckets = optimizer._round.buckets
    assert sum(value.numel() for value in kept) == 2 * 5 * sum(sizes.values())
    # One flag a parameter stands behind the messages, and what comes back lies where they lay.
    assert sum(bucket.sums.numel() for bucket in buckets) == sum(sizes.values()) + len(sizes)
    assert all(bucket.wire is bucket.sums for bucket in buckets)
    assert all(set(state) == {"step", "multiplier", "moment"} for state in optimizer.state.values())


def test_a_missing_gradient_is_zero_where_another_client_has_one():
    found = []
    for missing in (True, False):
        net = model()
        optimizer = SISA.published(net.parameters(), 0.3, clients=2, weights=(1, 2), weight_decay=0.1)

        def one(net=net, optimizer=optimizer, missing=missing):
            closure(net, optimizer, 0)()
            net[2].bias.grad = None if missing else torch.zeros_like(net[2].bias)

        def other(net=net, optimizer=optimizer):
            closure(net, optimizer, 1)()

        for closures in ([one, other], [other, one], [one, other]):
            optimizer.step(closures)
        found.append([flat(net), *(optimizer.state[net[2].bias][name] for name in ("multiplier", "moment", "step"))])
    # The client without a gradient adds its message last: another order of the same sum.
    for with_none, with_zeros in zip(*found, strict=True):
        torch.testing.assert_close(with_none, with_zeros, rtol=0, atol=1e-15)


def test_a_gradient_that_no_client_has_leaves_the_parameter_alone():
    net = model()
    idle, frozen = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2), requires_grad=False)
    optimizer = SISA.published([*net.parameters(), idle, frozen], 0.3, clients=2, weight_decay=0.1)
    optimizer.step([closure(net, optimizer, client) for client in (0, 1)])
    assert torch.equal(idle, torch.ones(2))
    assert torch.equal(frozen, torch.ones(2))
    assert idle not in optimizer.state
    assert len(optimizer.state) == 4


def test_a_step_without_closures_only_makes_the_state_at_lr_zero():
    net = model()
    first = flat(net)
    optimizer = SISA.published(net.parameters(), lr=0.0, clients=3, weight_decay=0.1)
    for param in net.parameters():
        param.grad = torch.zeros_like(param)
    optimizer.step(closure=None)
    assert torch.equal(flat(net), first)
    assert optimizer.state[net[0].weight]["multiplier"].shape == (3, 5, 6)
    optimizer.param_groups[0]["lr"] = 0.1
    with pytest.raises(ValueError, match=r"^closure: None, step needs a list of 3"):
        optimizer.step()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clients": 0}, "clients: 0"),
        ({"clients": 2.0}, "clients: 2.0"),
        ({"clients": 2, "weights": (1.0,)}, "weights: "),
        ({"clients": 2, "weights": 0.5}, "weights: 0.5"),
        ({"clients": 2, "weights": (1.0, 0.0)}, "weights: 0.0"),
        ({"clients": 2, "weights": (1.0, float("inf"))}, "weights: inf"),
        ({"clients": 2, "weights": ((1.0, 2.0), (1.0, 2.0))}, "weights: "),
        ({"clients": 2, "message_dtype": torch.bfloat16}, "message_dtype: torch.bfloat16 needs a process_group"),
        ({"clients": 2, "message_dtype": torch.int32, "process_group": 1}, "message_dtype: torch.int32"),
    ],
)
def test_bad_clients_are_named(given, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        SISA.published(model().parameters(), **given)


def test_bad_closures_are_named():
    net = model()
    optimizer = SISA.published(net.parameters(), 0.1, clients=2)
    one = closure(net, optimizer, 0)
    for given in ([one], [one] * 3, one):
        with pytest.raises(ValueError, match=r"^closure: [13] given, step needs one for each of 2"):
            optimizer.step(given)
    with pytest.raises(ValueError, match=r"cannot be called"):
        optimizer.step([one, None])
    with pytest.raises(ValueError, match=r"^curvature: "):
        optimizer.step([one, one], curvature=[one])
    optimizer = SISA.published(net.parameters(), 0.1, clients=2, differentiable=True)
    with pytest.raises(ValueError, match=r"^differentiable: "):
        optimizer.step([one, one])


def test_groups_differ_and_may_be_added_between_rounds():
    net, twin = model(), model()
    optimizer = SISA.published(net[0].parameters(), 0.3, clients=2, weight_decay=0.1)
    optimizer.step([closure(net, optimizer, client) for client in (0, 1)])
    optimizer.add_param_group({"params": net[2].parameters(), "lr": 0.1, "penalty": 3.0})
    optimizer.step([closure(net, optimizer, client) for client in (0, 1)])
    # Each part's own optimiser sees the same gradients when both parts are moved after both clients were asked.
    parts = [SISA.published(twin[0].parameters(), 0.3, clients=2, weight_decay=0.1)]
    parts[0].step([closure(twin, parts[0], client) for client in (0, 1)])
    both = torch.optim.SGD(twin.parameters(), 0.0)
    gradients = [_gradients(twin, both, client) for client in (0, 1)]
    parts.append(SISA.published(twin[2].parameters(), 0.1, penalty=3.0, clients=2, weight_decay=0.1))
    for part in parts:
        part.step([lambda given=given: _give(twin, given) for given in gradients])
    torch.testing.assert_close(flat(net), flat(twin), rtol=0, atol=1e-15)


def _gradients(net, optimizer, client):
    closure(net, optimizer, client)()
    return [param.grad.clone() for param in net.parameters()]


def _give(net, gradients):
    for param, gradient in zip(net.parameters(), gradients, strict=True):
        param.grad = gradient.clone()

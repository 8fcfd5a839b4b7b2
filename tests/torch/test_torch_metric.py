"""The metric of SISA and the server's Newton–Schulz of NSISA against their equations in NumPy."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch_contract_cases import seeded
from torch_metric_cases import SHAPES, Reference, gap, reference_path, starts, torch_path

from pisa_lab.torch import NSISA, PISA, SISA

ROUNDS = 60
ENGINES = [{}, {"foreach": True}, {"foreach": False}]
WEIGHTS = {1: np.ones(1), 3: np.array([0.3, 0.2, 0.5])}


def clients_of(number):
    """Return the settings of ``number`` clients in one process."""
    return {} if number == 1 else {"clients": number, "weights": 7 * WEIGHTS[number]}


@pytest.mark.parametrize("engine", ENGINES, ids=str)
@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("clients", WEIGHTS)
@pytest.mark.parametrize("kind", ["ema", "max", "adagrad"])
def test_metric_sisa_is_its_equations(kind, clients, ridge, engine):
    decay = {} if kind == "adagrad" else {"beta": 0.9}
    numbers = {"lr": 0.05, "penalty": 1.7, "eps": 1e-3, **decay}
    made = {name: Reference(kind, ridge=ridge, b=0.8, **numbers) for name in SHAPES}
    expected = reference_path(made, WEIGHTS[clients], ROUNDS)
    own = {"metric": kind, "momentum": 0.8, "weight_decay": ridge, **numbers, **engine, **clients_of(clients)}
    path, optimizer = torch_path(lambda p: SISA(p, **own), ROUNDS, clients=clients)
    assert gap(path, expected) < 1e-12
    assert gap(path[-1:], [starts()]) > 0.3
    kept = {"step", "multiplier", "moment"} | ({"largest"} if kind == "max" else set())
    assert all(set(state) == kept | ({"aggregate"} if clients > 1 else set()) for state in optimizer.state.values())


@pytest.mark.parametrize("engine", ENGINES, ids=str)
@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("clients", WEIGHTS)
@pytest.mark.parametrize(("scale", "tau"), [("constant", 1.0), ("nuclear", 1.0), ("clipped", 0.4)])
def test_server_nsisa_is_its_equations(scale, tau, clients, ridge, engine):
    numbers = {"lr": 0.05, "penalty": 1.7, "beta": 0.9, "scale": scale, "tau": tau}
    made = {name: Reference("spectral", ridge=ridge, b=0.8, rest=0.6, **numbers) for name in SHAPES}
    # Newton–Schulz amplifies a rounding up to 485-fold, and a constant step does not contract: fewer rounds.
    expected = reference_path(made, WEIGHTS[clients], 20)
    own = {"momentum": 0.8, "weight_decay": ridge, "elementwise_lr": 0.6, **numbers, **engine, **clients_of(clients)}
    path, optimizer = torch_path(lambda p: NSISA(p, **own), 20, clients=clients)
    assert gap(path, expected) < 1e-10
    assert gap(path[-1:], [starts()]) > 0.2
    matrix, vector = optimizer.state.values()
    server = {"aggregate"} if clients > 1 else set()
    assert set(matrix) == {"step", "multiplier"} | server
    assert set(vector) == {"step", "multiplier", "moment"} | server


def test_the_scales_differ():
    ends = [
        torch_path(lambda p, s=s: NSISA(p, lr=0.05, scale=s, tau=0.4), 3)[0][-1]["W"]
        for s in ("constant", "nuclear", "clipped")
    ]
    assert min(np.abs(a - b).max() for a, b in ((ends[0], ends[1]), (ends[0], ends[2]), (ends[1], ends[2]))) > 1e-3


@pytest.mark.parametrize("make", [SISA, NSISA])
@pytest.mark.parametrize("clients", WEIGHTS)
def test_the_warm_start_is_that_of_every_client(make, clients):
    """π_i = −g_i, so that u = 0 in the first round, and the server knows their sum from the messages alone."""
    kind = "ema" if make is SISA else "spectral"
    made = {name: Reference(kind, lr=0.02, penalty=1.0, b=0.9, rest=0.2) for name in SHAPES}
    from torch_metric_cases import gradient

    for name, x in starts().items():
        made[name].pi = -np.stack([gradient(i, x) for i in range(clients)])
    expected = reference_path(made, WEIGHTS[clients], 20)
    path, _ = torch_path(lambda p: make(p, lr=0.02, warm=True, **clients_of(clients)), 20, clients=clients)
    assert gap(path, expected) < 1e-10


@pytest.mark.parametrize("clients", WEIGHTS)
def test_a_scheduler_is_a_schedule_of_the_rate_and_of_the_momentum(clients):
    """A momentum that a scheduler cycles is read anew in every round, by the clients and by the server alike."""
    rates = [0.05 * (1 + math.cos(math.pi * k / 30)) / 2 for k in range(30)]
    expected = reference_path(
        {name: Reference("ema", lr=0.05, penalty=1.0, ridge=0.1) for name in SHAPES}, WEIGHTS[clients], 30, rates
    )
    make = lambda p: SISA(p, lr=0.05, weight_decay=0.1, **clients_of(clients))  # noqa: E731
    path, _ = torch_path(make, 30, clients=clients, after=lambda o: lr_scheduler.CosineAnnealingLR(o, 30))
    assert gap(path, expected) < 1e-12
    optimizer = SISA([nn.Parameter(torch.zeros(2))], lr=0.05)
    cycle = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    seen = [optimizer.param_groups[0]["momentum"]]
    for _ in range(8):
        optimizer.step()
        cycle.step()
        seen.append(optimizer.param_groups[0]["momentum"])
    assert max(seen) == pytest.approx(0.95)
    assert min(seen) < 0.87


def test_a_momentum_that_changes_between_rounds_stays_known_to_the_server():
    def run(number, cycled):
        made = lambda p: SISA(p, lr=0.05, momentum=0.9, beta=0.9, **clients_of(number))  # noqa: E731

        class Cycle:
            def __init__(self, optimizer):
                self.group, self.count = optimizer.param_groups[0], 0

            def step(self):
                self.count += 1
                self.group["momentum"] = 0.9 - 0.05 * (self.count % 7) * cycled

        path, optimizer = torch_path(made, 25, clients=number, after=Cycle)
        return path, optimizer

    path, optimizer = run(3, True)
    for param, state in optimizer.state.items():
        assert param.shape == state["aggregate"].shape
        mean = np.tensordot(WEIGHTS[3], state["multiplier"].numpy(), 1)
        np.testing.assert_allclose(state["aggregate"].numpy(), mean, rtol=0, atol=1e-14)
    assert gap(path, run(3, False)[0]) > 1e-3


@pytest.mark.parametrize("make", [SISA, NSISA])
def test_several_clients_have_one_moment_and_one_sum(make):
    for clients in (2, 6):
        net = nn.Linear(3, 2)
        optimizer = make(net.parameters(), clients=clients)

        def evaluate(net=net):
            for param in net.parameters():
                param.grad = torch.ones_like(param)

        optimizer.step([evaluate] * clients)
        state = optimizer.state[net.bias]
        assert state["multiplier"].shape == (clients, 2)
        assert state["moment"].shape == state["aggregate"].shape == (2,)


@pytest.mark.parametrize("make", [SISA, NSISA])
def test_equal_clients_are_one_client_and_a_split_client_is_the_whole(make):
    alone, _ = torch_path(lambda p: make(p, lr=0.02), 20)
    params = [nn.Parameter(torch.tensor(x)) for x in starts().values()]
    optimizer = make(params, lr=0.02, clients=5, weights=(1, 2, 3, 4, 5))
    from torch_metric_cases import gradient

    def evaluate():
        for param in params:
            param.grad = torch.from_numpy(gradient(0, param.detach().numpy()))

    for _ in range(20):
        optimizer.step([evaluate] * 5)
    for param, name in zip(params, SHAPES, strict=True):
        np.testing.assert_allclose(param.detach().numpy(), alone[-1][name], rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("make", [SISA, NSISA], ids=["sisa", "nsisa"])
def test_the_engines_agree_in_other_types(make, dtype):
    paths = [torch_path(lambda p, e=e: make(p, lr=0.02, weight_decay=0.1, **e), 5, dtype=dtype)[0] for e in ENGINES]
    slack = 1e-5 if dtype == torch.float32 else 2**-5
    assert gap(paths[0], paths[1]) <= slack
    assert gap(paths[0], paths[2]) <= slack


def test_large_tensors_are_stepped_in_pieces_and_strided_ones_whole():
    for param in (
        seeded(90_000),
        seeded(300, 301).t(),
        seeded(8, 6)[:, ::2],
        seeded(4, 3, 5, 6).to(memory_format=torch.channels_last),
    ):
        ends = []
        for engine in ENGINES:
            one = param.clone(memory_format=torch.preserve_format).requires_grad_()
            optimizer = SISA([one], lr=0.1, weight_decay=0.1, metric="max", beta=0.9, **engine)
            for number in range(3):
                one.grad = seeded(*param.shape, seed=number)
                optimizer.step()
            ends.append(one.detach())
        torch.testing.assert_close(ends[1], ends[0], rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(ends[2], ends[0], rtol=1e-13, atol=1e-13)


def test_what_is_no_matrix_in_nsisa_is_metric_sisa_at_its_own_rate():
    both, twin = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
    matrix = nn.Parameter(torch.ones(3, 4))
    optimizer = NSISA([matrix, both], 0.125, elementwise_lr=0.5, momentum=0.8)
    alone = SISA([twin], 0.0625, momentum=0.8)
    for number in range(5):
        matrix.grad = torch.randn(3, 4)
        both.grad = twin.grad = torch.full((4,), float(number - 2))
        optimizer.step()
        alone.step()
    assert torch.equal(both, twin)
    assert not torch.equal(both, torch.ones(4))


def test_a_compiled_pass_is_not_made_of_a_metric_silently(monkeypatch):
    with pytest.raises(ValueError, match=r"^compiled: True does not go with metric='ema'"):
        SISA([seeded(2).requires_grad_()], compiled=True)
    from pisa_lab.torch import _engines

    monkeypatch.setattr(_engines, "COMPILED_FROM", 1)
    monkeypatch.setattr(_engines, "compiles", lambda device: pytest.fail("a metric was about to be compiled"))
    torch_path(SISA, 2)
    torch_path(lambda p: NSISA(p, clients=2), 2, clients=2)
    with pytest.raises(pytest.fail.Exception, match="about to be compiled"):
        torch_path(SISA.published, 1)


def test_a_metric_needs_a_scalar_momentum():
    with pytest.raises(ValueError, match=r"^metric: 'ema' needs clients with a scalar momentum"):
        PISA([seeded(2).requires_grad_()], preconditioner="second-moment", metric="ema")


def test_scalar_momentum_alone_is_the_heavy_ball_with_a_look_ahead():
    """PISA's default: w⁺ = w + lr(2π⁺ − π)/σ, π⁺ = bπ − (1 − b)g."""
    path, optimizer = torch_path(lambda p: PISA(p, lr=0.2, momentum=0.7, penalty=2.0), 20)
    from torch_metric_cases import gradient

    w, pi = starts(), dict.fromkeys(SHAPES, 0.0)
    for one in path:
        for name in SHAPES:
            new = 0.7 * pi[name] - 0.3 * gradient(0, w[name])
            w[name], pi[name] = w[name] + 0.1 * (2 * new - pi[name]), new
            np.testing.assert_allclose(one[name], w[name], rtol=0, atol=1e-13)
    assert optimizer.defaults["preconditioner"] == "heavy-ball"
    assert all(set(state) == {"step", "multiplier"} for state in optimizer.state.values())


def stepped_twice(make, clients=1):
    return torch_path(make, 2, clients=clients)[1]


@pytest.mark.parametrize("clients", WEIGHTS)
@pytest.mark.parametrize("make", [SISA, NSISA, lambda p, **k: SISA(p, metric="max", **k)], ids=["sisa", "nsisa", "max"])
def test_a_run_resumed_from_its_state_goes_on_bit_for_bit(make, clients):
    """The server's state too: v, its maximum and Σα_iπ_i."""
    from torch_metric_cases import gradient

    def rounds(params, optimizer, number):
        def closure(client):
            def evaluate():
                for param in params:
                    param.grad = torch.from_numpy(gradient(client, param.detach().numpy()))

            return evaluate

        for _ in range(number):
            optimizer.step([closure(c) for c in range(clients)] if clients > 1 else closure(0))

    params = [nn.Parameter(torch.tensor(x)) for x in starts().values()]
    optimizer = make(params, lr=0.02, **clients_of(clients))
    rounds(params, optimizer, 4)
    twins = [nn.Parameter(param.detach().clone()) for param in params]
    other = make(twins, lr=0.5, **clients_of(clients))
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    rounds(params, optimizer, 4)
    rounds(twins, other, 4)
    assert all(torch.equal(one, two) for one, two in zip(params, twins, strict=True))


OLD = {
    **{"lr": 0.5, "penalty": 1.0, "rho": 1000.0, "beta": 0.999, "scheme": "III", "clip": None, "weight_decay": 0.0},
    **{"warm": False, "orthogonal": None, "maximize": False, "foreach": None, "compiled": None},
    **{"capturable": False, "differentiable": False},
}
"""A group as it was saved before there was a metric."""


def old_state(preconditioner, params, **more):
    """Return a state dict as the optimisers saved it before there was a metric."""
    states = {}
    for number, x in enumerate(params):
        kept = {"identity": (), "second-moment": ("moment",), "orthogonal": ("momentum" if x.ndim == 2 else "moment",)}
        states[number] = {
            "step": torch.tensor(3.0),
            **{k: torch.ones_like(x) for k in ("multiplier", *kept[preconditioner])},
        }
    group = {**OLD, "preconditioner": preconditioner, **more, "params": list(range(len(params)))}
    return {"state": states, "param_groups": [group]}


MOMENTA = {"momentum": 0.95, "nesterov": True, "ns_steps": 5, "matrix_beta": 0.0, "ns_dtype": None,
           "elementwise_lr": 30.0, "elementwise_rho": 1000.0}  # fmt: skip


@pytest.mark.parametrize(
    ("preconditioner", "more", "new", "published"),
    [
        ("second-moment", {}, SISA, SISA.published),
        ("orthogonal", MOMENTA, NSISA, NSISA.published),
        ("identity", {}, PISA, lambda p: PISA(p, preconditioner="identity")),
    ],
)
def test_old_checkpoints_are_refused_by_the_repaired_and_read_by_the_published(preconditioner, more, new, published):
    params = [nn.Parameter(torch.tensor(x)) for x in starts().values()]
    saved = old_state(preconditioner, params, **more)
    with pytest.raises(ValueError, match=rf"^state_dict: saved with preconditioner='{preconditioner}', .* reads it"):
        new(params).load_state_dict(copy.deepcopy(saved))
    optimizer = published(params)
    optimizer.load_state_dict(copy.deepcopy(saved))
    group = optimizer.param_groups[0]
    assert group["lr"] == 0.5
    assert set(group) - {"params", "param_names"} == set(optimizer.defaults)
    assert all(torch.equal(optimizer.state[p]["multiplier"], torch.ones_like(p)) for p in params)


@pytest.mark.parametrize(
    ("saver", "loader", "match"),
    [
        (SISA, SISA.published, "preconditioner='heavy-ball', this optimiser has 'second-moment'"),
        (SISA, PISA, "metric='ema', this optimiser has None"),
        (SISA, lambda p: SISA(p, metric="max"), "metric='ema', this optimiser has 'max'"),
        (NSISA, SISA, "metric='spectral', this optimiser has 'ema'"),
        (NSISA.published, NSISA, "preconditioner='orthogonal', this optimiser has 'heavy-ball'; NSISA.published"),
    ],
)
def test_states_of_other_methods_are_refused(saver, loader, match):
    saved = stepped_twice(saver).state_dict()
    with pytest.raises(ValueError, match=rf"^state_dict: saved with {match}"):
        loader([nn.Parameter(torch.tensor(x)) for x in starts().values()]).load_state_dict(saved)


@pytest.mark.parametrize(
    ("make", "clients", "name"),
    [(SISA, 1, "moment"), (lambda p, **k: SISA(p, metric="max", **k), 1, "largest"), (SISA, 3, "aggregate")],
)
def test_a_state_without_what_the_server_keeps_is_refused(make, clients, name):
    params = [nn.Parameter(torch.tensor(x)) for x in starts().values()]
    saved = copy.deepcopy(stepped_twice(lambda p: make(p, **clients_of(clients)), clients).state_dict())
    del saved["state"][0][name]
    with pytest.raises(ValueError, match=rf"^state_dict: .*no '{name}'"):
        make(params, **clients_of(clients)).load_state_dict(saved)


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [True, False])
def test_nsisa_as_published_has_the_cores_meaning_at_one_setting(nesterov, average):
    """Matrices and vectors alike: what is no matrix takes the momentum itself, as in the core."""
    from torch_twin_cases import Twin, core_rounds, problem, rounds

    from pisa_lab.method import PISA as CorePISA
    from pisa_lab.preconditioners import OrthogonalMomentum

    source = problem(ridge=0.02)
    kind = OrthogonalMomentum(blocks=source.blocks, nesterov=nesterov, beta=average)
    method = CorePISA(penalty=8.0, rho=12.0, preconditioner=kind, first="client")
    twin = Twin(source)
    optimizer = NSISA.published(
        twin.named_parameters(), 0.25, penalty=2.0, rho=3.0, nesterov=nesterov, matrix_beta=average, weight_decay=0.02,
        elementwise="momentum", elementwise_lr=1.0, elementwise_rho=None,
    )  # fmt: skip
    found = rounds(optimizer, twin, 20)
    np.testing.assert_allclose(found, core_rounds(method, source, 20), rtol=0, atol=1e-10)
    assert np.linalg.norm(found[-1] - found[0]) > 0.1
    assert "velocity" in optimizer.state[twin.b1]

"""Hyper-parameters: what is refused and where, and what lr = 0, a tensor lr and maximize do."""

import copy

import pytest
import torch
from torch_contract_cases import OPTIMIZERS, batches, equal, known, network, seeded, stepped, train, weights_of

from pisa_lab.torch import NSISA, PISA, SISA

every = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())

WRONG = [
    ("lr", -0.5),
    ("lr", float("nan")),
    ("lr", float("inf")),
    ("lr", "fast"),
    ("metric", "newton"),
    ("eps", 0.0),
    ("momentum", -0.1),
    ("scale", "cubic"),
    ("tau", 0.0),
    ("ns_dtype", torch.int32),
    ("elementwise", "adam"),
    ("elementwise_lr", -1.0),
    ("lr", True),
    ("lr", torch.tensor([0.1, 0.2])),
    ("lr", torch.tensor(-1.0)),
    ("penalty", 0.0),
    ("penalty", -1.0),
    ("rho", -0.1),
    ("beta", 1.0),
    ("beta", -0.1),
    ("scheme", "IV"),
    ("clip", 0.0),
    ("weight_decay", -1e-3),
    ("warm", "yes"),
    ("momentum", 1.0),
    ("nesterov", 2),
    ("ns_steps", 0),
    ("ns_steps", 2.5),
    ("orthogonal", "all"),
    ("maximize", 1),
    ("foreach", "no"),
    ("compiled", 2),
    ("capturable", None),
    ("differentiable", "yes"),
    ("preconditioner", "newton"),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name}={value}" for name, value in WRONG])
def test_wrong_numbers_are_refused_everywhere_by_name(name, value):
    param, other = seeded(2, 2).requires_grad_(), seeded(3).requires_grad_()
    cls = next(kind for kind in (PISA, SISA, NSISA, SISA.published, NSISA.published) if name in kind([param]).defaults)
    with pytest.raises(ValueError, match=f"^{name}: "):
        cls([param], **{name: value})
    with pytest.raises(ValueError, match=f"^{name}: "):
        cls([{"params": [param]}, {"params": [other], name: value}])
    optimizer = cls([param])
    with pytest.raises(ValueError, match=f"^{name}: "):
        optimizer.add_param_group({"params": [other], name: value})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("clients", [0, -1, 1.5, True])
def test_wrong_numbers_of_clients_are_refused(clients):
    with pytest.raises(ValueError, match=r"^clients: "):
        SISA.published([seeded(2).requires_grad_()], clients=clients)


@pytest.mark.parametrize("name", ["foreach", "compiled"])
def test_ways_that_record_no_gradient_exclude_differentiable(name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        SISA.published([seeded(2).requires_grad_()], differentiable=True, **{name: True})


def test_unknown_arguments_are_refused_by_name():
    params = [seeded(2).requires_grad_()]
    for cls, name in (
        (PISA, "eps"),
        (SISA, "rho"),
        (SISA, "tau"),
        (NSISA, "elementwise"),
        (SISA.published, "momentum"),
        (NSISA.published, "scale"),
    ):
        with pytest.raises(TypeError, match=f"argument '{name}'"):
            cls(params, **{name: 0.5})
        if name != "tau":
            with pytest.raises(TypeError, match=f"argument '{name}'"):
                cls([{"params": params, name: 0.5}])


@every
@pytest.mark.parametrize("keys", [{}, {"weight_decay": 0.3}, {"warm": True}, {"clip": 0.2}])
def test_lr_0_leaves_the_weights_exactly_where_they_are(make, keys):
    model = network()
    optimizer = make(model.parameters(), **{"lr": 0.1, **known(make, keys)})
    train(model, optimizer, 3, batches())
    before, multipliers = weights_of(model), [s["multiplier"].clone() for s in optimizer.state.values()]
    optimizer.param_groups[0]["lr"] = 0.0
    train(model, optimizer, 3, batches(3))
    assert equal(weights_of(model), before)
    assert not equal([s["multiplier"] for s in optimizer.state.values()], multipliers)


@every
def test_zero_gradients_from_the_start_leave_everything(make):
    param = seeded(5, 2).requires_grad_()
    before, optimizer = param.detach().clone(), make([param], weight_decay=0.0)
    stepped(optimizer, [param], [torch.zeros_like(param)])
    assert torch.equal(param, before)
    assert not optimizer.state[param]["multiplier"].any()


@every
@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_tensor_lr_is_the_number_it_holds(make, shape):
    model, twin = network(), network()
    lr = torch.full(shape, 0.1, dtype=torch.float64)
    optimizer, other = make(model.parameters(), lr=lr), make(twin.parameters(), lr=0.1)
    train(model, optimizer, 3, batches())
    train(twin, other, 3, batches())
    assert equal(weights_of(model), weights_of(twin))
    assert optimizer.param_groups[0]["lr"] is lr
    lr.fill_(0.05)
    other.param_groups[0]["lr"] = 0.05
    train(model, optimizer, 3, batches(3))
    train(twin, other, 3, batches(3))
    assert equal(weights_of(model), weights_of(twin))


@every
def test_maximize_is_the_step_on_the_negative_gradient(make):
    up, down = seeded(4, 3).requires_grad_(), seeded(4, 3).requires_grad_()
    climbing, falling = make([up], lr=0.1, maximize=True), make([down], lr=0.1)
    for k in range(4):
        gradient = seeded(4, 3, seed=k)
        stepped(climbing, [up], [gradient])
        stepped(falling, [down], [-gradient])
        assert torch.equal(up, down)
        assert torch.equal(up.grad, gradient)


def test_weight_decay_alone_shrinks_by_the_documented_share():
    """λ lr/(σ + lr·λ), and not AdamW's lr·λ."""
    param = seeded(6).requires_grad_()
    before = param.detach().clone()
    stepped(SISA.published([param], lr=0.5, penalty=4.0, weight_decay=0.8), [param], [torch.zeros_like(param)])
    torch.testing.assert_close(param.detach(), before * (1 - 0.5 * 0.8 / (4.0 + 0.5 * 0.8)), rtol=1e-15, atol=1e-15)


def test_the_warm_start_moves_by_the_gradient_over_the_penalty_and_starts_from_its_negative():
    param, gradient = seeded(5).requires_grad_(), seeded(5, seed=2)
    before = param.detach().clone()
    optimizer = SISA.published([param], lr=0.5, penalty=4.0, warm=True)
    stepped(optimizer, [param], [gradient])
    torch.testing.assert_close(param.detach(), before - 0.5 * gradient / 4.0, rtol=1e-15, atol=1e-15)
    assert torch.equal(optimizer.state[param]["multiplier"], -gradient)
    assert not optimizer.state[param]["moment"].any()
    # Only the first gradient is a start.
    stepped(optimizer, [param], [torch.zeros_like(gradient)])
    assert not torch.equal(optimizer.state[param]["multiplier"], -gradient)


def test_matrices_that_are_orthogonalised_start_cold():
    """From π = −g the multiplier of a large gradient would push for as many steps as it takes o to undo it."""
    params, twins = ([seeded(4, 3).requires_grad_(), seeded(3, seed=1).requires_grad_()] for _ in range(2))
    gradients = [50 * seeded(4, 3, seed=2), seeded(3, seed=3)]
    warm, cold = NSISA.published(params, lr=0.1, warm=True), NSISA.published(twins, lr=0.1)
    stepped(warm, params, gradients)
    stepped(cold, twins, gradients)
    assert torch.equal(params[0], twins[0])
    assert torch.equal(warm.state[params[1]]["multiplier"], -gradients[1])


def test_the_caller_keeps_the_groups_it_passed_as_torch_fills_them():
    param = seeded(2).requires_grad_()
    group = {"params": [param], "lr": 0.2, "mine": "kept"}
    optimizer = SISA.published([group])
    assert optimizer.param_groups[0] is group
    assert group["penalty"] == optimizer.defaults["penalty"]
    assert copy.deepcopy(optimizer).param_groups[0]["mine"] == "kept"

"""What users of torch.optim expect of a step, its groups and its parameters."""

import inspect

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch_contract_cases import OPTIMIZERS, batches, equal, known, loss_of, network, seeded, stepped, train, weights_of

from pisa_lab.torch import NSISA, PISA, SISA
from pisa_lab.torch._metric import ROWS as METRICS
from pisa_lab.torch._preconditioners import ROWS

every = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


@every
def test_training_lowers_the_loss_with_the_defaults_alone(make):
    model = network()
    losses = train(model, make(model.parameters()), 200, batches())
    assert sum(losses[-20:]) < 0.9 * sum(losses[:20])


@every
def test_step_with_a_closure_is_the_step_without_and_returns_its_loss(make):
    plain, closed = network(), network()
    source, optimizer = batches(), make(closed.parameters(), lr=0.1)
    expected = train(plain, make(plain.parameters(), lr=0.1), 5, batches())

    def closure():
        assert torch.is_grad_enabled()
        optimizer.zero_grad()
        loss = loss_of(closed, next(source))
        loss.backward()
        return loss

    with torch.no_grad():
        assert [optimizer.step(closure).item() for _ in range(5)] == expected
    assert equal(weights_of(plain), weights_of(closed))
    assert optimizer.step() is None
    assert optimizer.step(closure=None) is None


@every
def test_parameters_without_a_gradient_are_left_out_and_join_later(make):
    model = network()
    optimizer, source = make(model.parameters(), lr=0.1), batches()
    model[2].requires_grad_(False)
    before = weights_of(model)
    train(model, optimizer, 3, source)
    assert equal(weights_of(model)[2:], before[2:])
    assert all(p not in optimizer.state for p in model[2].parameters())
    model[2].requires_grad_(True)
    train(model, optimizer, 2, source)
    assert not equal(weights_of(model)[2:], before[2:])
    assert [optimizer.state[p]["step"].item() for p in model.parameters()] == [5, 5, 2, 2]


@every
def test_no_gradient_at_all_changes_nothing_and_makes_no_state(make):
    param = seeded(2, 3).requires_grad_()
    optimizer, before = make([param]), param.detach().clone()
    optimizer.step()
    assert torch.equal(param, before)
    assert len(optimizer.state) == 0


@every
def test_sparse_gradients_are_refused_before_anything_moves(make):
    dense, table = seeded(3, 2).requires_grad_(), nn.Embedding(5, 2, sparse=True)
    optimizer = make([{"params": [dense]}, {"params": table.parameters()}])
    before = dense.detach().clone()
    dense.grad = torch.ones_like(dense)
    table(torch.tensor([1, 3])).sum().backward()
    with pytest.raises(RuntimeError, match=f"^{type(optimizer).__name__} does not support sparse gradients"):
        optimizer.step()
    assert torch.equal(dense, before)
    assert optimizer.state[dense]["step"] == 0


@every
def test_groups_with_their_own_keys_are_optimisers_of_their_own(make):
    both, first, second = network(), network(), network()
    own = known(make, {"lr": 0.02, "penalty": 2.0, "rho": 0.5, "weight_decay": 0.1, "clip": 0.3, "eps": 0.01})
    groups = [{"params": both[0].parameters()}, {"params": both[2].parameters(), **own}]
    joint = make(groups, lr=0.1)
    one, other = make(first[0].parameters(), lr=0.1), make(second[2].parameters(), **own)
    source, beside, beyond = batches(), batches(), batches()
    for _ in range(4):
        # The partners see the joint run's weights for what they do not own.
        first[2].load_state_dict(both[2].state_dict())
        second[0].load_state_dict(both[0].state_dict())
        train(first, one, 1, beside)
        train(second, other, 1, beyond)
        train(both, joint, 1, source)
        assert equal(weights_of(both)[:2], weights_of(first)[:2])
        assert equal(weights_of(both)[2:], weights_of(second)[2:])


def test_a_group_may_have_its_own_preconditioner():
    model, params = network(), list(network().parameters())
    apart = {"params": params[2:], "preconditioner": "identity", "rho": 0.0}
    optimizer = SISA.published([{"params": params[:2]}, apart], lr=0.1)
    stepped(optimizer, params, weights_of(model))
    assert set(optimizer.state[params[0]]) == {"step", "multiplier", "moment"}
    assert set(optimizer.state[params[2]]) == {"step", "multiplier"}
    # ρ = 0 and π = 0: a first step of twice the gradient's length.
    torch.testing.assert_close(params[2].detach(), weights_of(model)[2] * (1 - 2 * 0.1))
    # What nothing reads, a scheduler must not find.
    assert not {"beta", "scheme", "clip"} & set(optimizer.param_groups[1])
    assert {"beta", "scheme", "clip"} < set(optimizer.param_groups[0])


@every
def test_a_group_added_in_training_is_one_that_had_no_gradient_so_far(make):
    model, twin = network(), network()
    optimizer = make([model[0].weight, model[0].bias], lr=0.1)
    train(model, optimizer, 3, batches())
    optimizer.add_param_group({"params": model[2].parameters(), "lr": 0.05})
    assert len(optimizer.param_groups) == 2
    assert optimizer.param_groups[1]["penalty"] == optimizer.defaults["penalty"]
    expected = make([{"params": twin[0].parameters()}, {"params": twin[2].parameters(), "lr": 0.05}], lr=0.1)
    twin[2].requires_grad_(False)
    train(twin, expected, 3, batches())
    twin[2].requires_grad_(True)
    train(model, optimizer, 3, batches(2))
    train(twin, expected, 3, batches(2))
    assert equal(weights_of(model), weights_of(twin))


@every
def test_tied_parameters_move_once_and_duplicates_are_told(make):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    optimizer = make(model.parameters())
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    assert len(optimizer.state) == 3
    assert optimizer.state[model[0].weight]["step"] == 1
    param = seeded(2).requires_grad_()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        make([param, param])
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        make([{"params": [param]}, {"params": [param]}])


@every
def test_hooks_run_around_a_step_in_torchs_order(make):
    param, seen = seeded(2, 2).requires_grad_(), []
    optimizer = make([param])
    handles = [
        register_optimizer_step_pre_hook(lambda *_: seen.append("all before")),
        optimizer.register_step_pre_hook(lambda *_: seen.append("before")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(o.state[param]["step"].item())),
        register_optimizer_step_post_hook(lambda *_: seen.append("all after")),
    ]
    param.grad = torch.ones_like(param)
    optimizer.step()
    assert seen == ["all before", "before", 1, "all after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


@every
def test_zero_grad_and_repr_are_torchs(make):
    param = seeded(2, 2).requires_grad_()
    optimizer = make([param], lr=0.125)
    param.grad = torch.ones_like(param)
    optimizer.zero_grad(set_to_none=False)
    assert torch.equal(param.grad, torch.zeros_like(param))
    optimizer.zero_grad()
    assert param.grad is None
    shown = repr(optimizer)
    assert shown.startswith(type(optimizer).__name__)
    assert "lr: 0.125" in shown
    assert "penalty:" in shown


@every
def test_named_parameters_keep_their_names(make):
    model = network()
    optimizer = make(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == [name for name, _ in model.named_parameters()]
    twin = network()
    train(model, optimizer, 3, batches())
    train(twin, make(twin.parameters(), lr=0.1), 3, batches())
    assert equal(weights_of(model), weights_of(twin))


@every
def test_there_is_no_switch_between_training_and_evaluation(make):
    optimizer = make([seeded(2).requires_grad_()])
    assert not hasattr(optimizer, "train")
    assert not hasattr(optimizer, "eval")


@every
def test_wrong_parameters_are_refused_as_by_torch(make):
    with pytest.raises(ValueError, match="empty parameter list"):
        make([])
    with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts"):
        make(torch.ones(2))
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        make([3.0])
    with pytest.raises(ValueError, match="non-leaf"):
        make([torch.ones(2, requires_grad=True) * 2])


@pytest.mark.parametrize(
    ("cls", "buffers"), [(PISA, 1), (SISA, 2), (NSISA, 1), (SISA.published, 2), (NSISA.published, 2)]
)
def test_memory_is_one_or_two_buffers_a_parameter(cls, buffers):
    model = network()
    for module in model if cls is NSISA else ():
        # Of matrices the server keeps nothing.
        module.bias = None
    optimizer = cls(model.parameters())
    train(model, optimizer, 2, batches())
    kept = [x for state in optimizer.state.values() for name, x in state.items() if name != "step"]
    assert sum(x.numel() for x in kept) == buffers * sum(p.numel() for p in model.parameters())
    assert all(state["step"].numel() == 1 for state in optimizer.state.values())


@pytest.mark.parametrize("cls", [PISA, SISA, NSISA])
def test_signatures_are_explicit_and_every_argument_is_documented(cls):
    signature = inspect.signature(cls)
    assert list(signature.parameters)[:2] == ["params", "lr"]
    documented = inspect.getdoc(cls).split("Args:")[1].split("Raises:")[0]
    for name, argument in signature.parameters.items():
        assert argument.kind != argument.VAR_POSITIONAL
        assert f"\n    {name.strip('*')}:" in documented or f"\n    **{name}:" in documented


def test_pisas_help_names_every_preconditioner_and_its_keys():
    shown = inspect.getdoc(PISA)
    for metric in METRICS:
        assert f'"{metric.name}"' in shown
        assert all(key in shown for key in metric.settings), metric.name
    for row in ROWS:
        assert f'"{row.name}"' in shown
        assert all(key in shown for key in row.settings), row.name
        optimizer = PISA([seeded(2, 2).requires_grad_()], preconditioner=row.name, **row.settings)
        found = optimizer.param_groups[0]
        assert all(found[key] == (None if value == "auto" else value) for key, value in row.settings.items())


@pytest.mark.parametrize(("cls", "tuned"), [(SISA, {"lr": None, "metric": "ema"}), (NSISA, {"lr": 0.02})])
def test_the_thin_names_have_pisas_defaults_but_for_those_found_by_experiment(cls, tuned):
    full = inspect.signature(PISA).parameters
    for name, argument in inspect.signature(cls).parameters.items():
        assert argument.kind != argument.VAR_KEYWORD
        if name in full:
            assert argument.default == tuned.get(name, full[name].default), name

"""State: saved, loaded, copied, pickled, from older files, from other optimisers."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict
from torch_contract_cases import OPTIMIZERS, batches, equal, network, seeded, stepped, train, weights_of

from pisa_lab.torch import NSISA, PISA, SISA

every = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def through_a_file(document):
    """Return what a file of ``document`` holds, read as untrusted files should be."""
    stream = io.BytesIO()
    torch.save(document, stream)
    stream.seek(0)
    return torch.load(stream, weights_only=True)


def same_state(first, second):
    """Return whether two state dictionaries agree bit for bit."""
    assert first["param_groups"] == second["param_groups"]
    assert first["state"].keys() == second["state"].keys()
    for number, state in first["state"].items():
        assert state.keys() == second["state"][number].keys()
        assert equal(list(state.values()), list(second["state"][number].values()))
    return True


@every
@pytest.mark.parametrize("way", [copy.deepcopy, through_a_file])
def test_a_saved_run_continues_bit_for_bit(make, way):
    model, source = network(), batches()
    optimizer = make(model.parameters(), lr=0.1)
    train(model, optimizer, 5, source)
    saved = way({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    kept = copy.deepcopy(saved["optimizer"])
    resumed = network(seed=9)
    other = make(resumed.parameters(), lr=0.7)
    resumed.load_state_dict(saved["model"])
    other.load_state_dict(saved["optimizer"])
    assert same_state(kept, saved["optimizer"])
    assert same_state(optimizer.state_dict(), other.state_dict())
    train(model, optimizer, 5, batches(3))
    train(resumed, other, 5, batches(3))
    assert equal(weights_of(model), weights_of(resumed))
    assert same_state(optimizer.state_dict(), other.state_dict())
    assert all(state["step"] == 10 for state in other.state.values())


@every
def test_saved_before_the_first_step_it_loads_too(make):
    model, twin = network(), network()
    optimizer, other = make(model.parameters(), lr=0.1), make(twin.parameters(), lr=0.3)
    other.load_state_dict(through_a_file(optimizer.state_dict()))
    train(model, optimizer, 3, batches())
    train(twin, other, 3, batches())
    assert equal(weights_of(model), weights_of(twin))


@every
@pytest.mark.parametrize("way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["copy", "pickle"])
def test_a_copied_optimizer_goes_on_as_the_first(make, way):
    model = network()
    optimizer = make(model.named_parameters(), lr=0.1)
    train(model, optimizer, 4, batches())
    twin, other = way((model, optimizer))
    assert type(other) is type(optimizer)
    assert repr(other) == repr(optimizer)
    public = {name for name in vars(optimizer) if not name.startswith("_")}
    assert {name for name in vars(other) if not name.startswith("_")} == public
    before = weights_of(model)
    train(twin, other, 4, batches(3))
    assert equal(weights_of(model), before)
    train(model, optimizer, 4, batches(3))
    assert equal(weights_of(model), weights_of(twin))


@every
def test_hooks_see_and_may_change_what_is_saved_and_loaded(make):
    model = network()
    optimizer, seen = make(model.parameters(), lr=0.1), []
    train(model, optimizer, 2, batches())
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "note": "mine"})
    saved = optimizer.state_dict()
    assert saved.pop("note") == "mine"

    def slower(o, loaded):
        loaded = copy.deepcopy(loaded)
        loaded["param_groups"][0]["lr"] = 0.003
        return loaded

    optimizer.register_load_state_dict_pre_hook(slower)
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert seen == ["save", 0.003]
    assert saved["param_groups"][0]["lr"] == 0.1


@every
def test_a_state_from_before_a_key_existed_loads_with_its_default(make):
    model = network()
    optimizer = make(model.parameters(), lr=0.1)
    train(model, optimizer, 3, batches())
    saved = copy.deepcopy(optimizer.state_dict())
    for name in ("foreach", "compiled", "maximize", "capturable", "differentiable", "warm", "clip", "eps"):
        saved["param_groups"][0].pop(name, None)
    optimizer.load_state_dict(saved)
    assert all(optimizer.param_groups[0][name] == value for name, value in optimizer.defaults.items() if name != "lr")
    train(model, optimizer, 1, batches())


@every
def test_a_count_saved_as_a_number_becomes_a_tensor(make):
    model, twin = network(), network()
    optimizer, other = make(model.parameters(), lr=0.1), make(twin.parameters(), lr=0.1)
    train(model, optimizer, 3, batches())
    train(twin, other, 3, batches())
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        state["step"] = int(state["step"])
    optimizer.load_state_dict(saved)
    train(model, optimizer, 3, batches(3))
    train(twin, other, 3, batches(3))
    assert same_state(optimizer.state_dict(), other.state_dict())


def test_another_optimizers_state_is_refused_and_nothing_changed():
    model, other = network(), network()
    foreign, optimizer = torch.optim.AdamW(other.parameters()), SISA.published(model.parameters(), lr=0.1)
    train(other, foreign, 1, batches())
    train(model, optimizer, 1, batches())
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"^state_dict: .*'betas'.*no 'preconditioner'"):
        optimizer.load_state_dict(foreign.state_dict())
    assert same_state(optimizer.state_dict(), before)


@pytest.mark.parametrize(("name", "value"), [("lr", -1.0), ("penalty", 0.0), ("scheme", "IV")])
def test_a_state_with_a_wrong_number_is_refused_and_nothing_changed(name, value):
    model = network()
    optimizer = SISA.published(model.parameters(), lr=0.1)
    train(model, optimizer, 1, batches())
    before = copy.deepcopy(optimizer.state_dict())
    saved = copy.deepcopy(before)
    saved["param_groups"][0][name] = value
    with pytest.raises(ValueError, match=f"^{name}: "):
        optimizer.load_state_dict(saved)
    assert same_state(optimizer.state_dict(), before)


@pytest.mark.parametrize("saver", [NSISA, PISA, torch.optim.AdamW])
@pytest.mark.parametrize("stepped", [False, True])
def test_the_state_of_another_class_is_refused_and_nothing_changed(saver, stepped):
    model, other = network(), network()
    optimizer, foreign = SISA.published(model.parameters(), lr=0.1), saver(other.parameters())
    if stepped:
        train(other, foreign, 1, batches())
    train(model, optimizer, 1, batches())
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"^state_dict: .*preconditioner"):
        optimizer.load_state_dict(foreign.state_dict())
    assert same_state(optimizer.state_dict(), before)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("moment", lambda state: state.pop("moment"), "no 'moment'"),
        ("moment", lambda state: state.update(moment=torch.zeros(7)), "moment has shape"),
        ("step", lambda state: state.update(step=-1.0), "step is -1"),
        ("step", lambda state: state.update(step=float("nan")), "step is nan"),
        ("multiplier", lambda state: state["multiplier"].fill_(float("nan")), "multiplier is not finite"),
    ],
)
def test_a_damaged_state_is_refused_by_name(name, change, reason):
    model = network()
    optimizer = SISA.published(model.parameters(), lr=0.1)
    train(model, optimizer, 1, batches())
    saved = copy.deepcopy(optimizer.state_dict())
    assert name in saved["state"][0]
    change(saved["state"][0])
    with pytest.raises(ValueError, match=rf"^state_dict: .*{reason}"):
        optimizer.load_state_dict(saved)


def test_a_state_of_another_model_is_refused_by_torch():
    optimizer = SISA.published(network().parameters())
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        optimizer.load_state_dict(SISA.published([seeded(2).requires_grad_()]).state_dict())


def test_state_takes_the_type_of_the_parameters_it_is_loaded_for():
    single, double = network(), network(dtype=torch.float64)
    optimizer, other = SISA.published(single.parameters()), SISA.published(double.parameters())
    train(single, optimizer, 2, batches())
    other.load_state_dict(optimizer.state_dict())
    for state in other.state.values():
        assert {state["multiplier"].dtype, state["moment"].dtype} == {torch.float64}
        assert state["step"].dtype == torch.float32
    train(double, other, 1, batches(dtype=torch.float64))


def test_the_count_follows_the_default_type_as_torchs_own_do():
    param = seeded(2).requires_grad_()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = PISA([param])
        stepped(optimizer, [param], [torch.ones_like(param)])
    finally:
        torch.set_default_dtype(torch.float32)
    assert optimizer.state[param]["step"].dtype == torch.float64


def test_numbers_of_numpy_become_pythons_so_that_files_load():
    optimizer = SISA.published(
        [seeded(2).requires_grad_()], lr=np.float64(0.1), penalty=np.float32(2.0), clip=np.float64(1.0)
    )
    loaded = through_a_file(optimizer.state_dict())
    assert loaded["param_groups"][0]["penalty"] == 2.0


def test_distributed_checkpoints_first_step_with_lr_0_leaves_the_model():
    """torch.distributed.checkpoint fills the state by step() on zero gradients with lr = 0, then loads into it."""
    model, twin = network(), network()
    optimizer, other = SISA.published(model.parameters(), lr=0.1), SISA.published(twin.parameters(), lr=0.1)
    train(model, optimizer, 3, batches())
    saved = copy.deepcopy(get_optimizer_state_dict(model, optimizer))
    twin.load_state_dict(model.state_dict())
    set_optimizer_state_dict(twin, other, saved)
    assert equal(weights_of(model), weights_of(twin))
    train(model, optimizer, 3, batches(3))
    train(twin, other, 3, batches(3))
    assert equal(weights_of(model), weights_of(twin))

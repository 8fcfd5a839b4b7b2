"""The fast engines make the step of the core's own lines, to rounding, whatever the tensors are like."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_contract_cases import known
from torch_engine_cases import (
    ENGINES,
    FORMS,
    TOLERANCES,
    assert_halves_are_the_core,
    assert_same,
    assert_step_is_the_core,
    copied,
    rule,
    work,
)

from pisa_lab.torch import NSISA, PISA, SISA
from pisa_lab.torch import _engines as engines
from pisa_lab.torch._engines import engine_for
from pisa_lab.torch._foreach import FOREACH
from pisa_lab.torch._functional import SINGLE
from pisa_lab.torch._in_place import IN_PLACE
from pisa_lab.torch._work import DIAGONAL, MOMENT, Work

SETTINGS = [{}, {"ridge": 0.2}, {"clip": 0.8}, {"clip": 0.8, "ridge": 0.2}]
SCHEMES = [{"scheme": scheme, **keys} for scheme in ("I", "II", "III") for keys in SETTINGS]
CASES = [(form, keys) for form in FORMS for keys in (SCHEMES if form == MOMENT else SETTINGS)]
# A second each; what the types share is shown by two of them.
HALVES_IN = [
    torch.float64,
    torch.bfloat16,
    *(pytest.param(dtype, marks=pytest.mark.slow) for dtype in (torch.float32, torch.float16)),
]
WAYS = {"in-place": {"compiled": False}, "foreach": {"foreach": True}, "single": {"foreach": False}}


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("name", ENGINES)
def test_a_step_is_the_cores(name, dtype):
    for form, keys in CASES:
        assert_step_is_the_core(ENGINES[name], form, dtype, keys)


@pytest.mark.parametrize("dtype", HALVES_IN, ids=str)
@pytest.mark.parametrize("name", ENGINES)
def test_the_halves_and_the_round_are_the_cores(name, dtype):
    for form, keys in CASES:
        assert_halves_are_the_core(ENGINES[name], form, dtype, keys)


@pytest.mark.parametrize("name", ENGINES)
def test_every_parameter_has_its_own_count(name):
    for scheme in ("II", "III"):
        assert_step_is_the_core(ENGINES[name], MOMENT, torch.float64, {"scheme": scheme}, steps=(1, 5, 1000))


@pytest.mark.parametrize("name", ENGINES)
def test_types_may_be_mixed_in_one_group(name):
    parts = [work(DIAGONAL, dtype)[0] for dtype in (torch.float64, torch.float32, torch.bfloat16)]
    mixed = Work(DIAGONAL, *([x for part in parts for x in part[place]] for place in range(1, 6)))
    expected = copied([mixed])
    ENGINES[name].step(mixed, rule(ridge=0.1))
    SINGLE.step(expected[0], rule(ridge=0.1))
    assert_same([mixed], expected, TOLERANCES[torch.bfloat16])


@settings(max_examples=25, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10**6),
    shapes=st.lists(st.lists(st.integers(0, 6), max_size=4).map(tuple), min_size=1, max_size=5),
    lr=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    penalty=st.floats(1e-3, 1e3),
    rho=st.sampled_from([0.0, 1e-2, 1.0, 1e3]),
    ridge=st.sampled_from([0.0, 1e-4, 1.0]),
    beta=st.sampled_from([0.0, 0.5, 0.999]),
    scheme=st.sampled_from(["I", "II", "III"]),
    clip=st.sampled_from([None, 1e-2, 1.0]),
    strided=st.booleans(),
)
def test_random_rules_and_shapes(form, seed, shapes, strided, **numbers):
    works = work(form, torch.float64, seed=seed, shapes=shapes, strided=strided)
    expected = copied(works)
    SINGLE.step(expected[0], rule(**numbers))
    # Increments are up to lr/σ times numbers of size one; each engine rounds them in another order.
    size = 10 * max(1.0, numbers["lr"] / numbers["penalty"])
    for engine in ENGINES.values():
        own = copied(works)
        engine.step(own[0], rule(**numbers))
        assert_same(own, expected, {"rtol": 1e-12, "atol": 1e-12 * size})
        if numbers["lr"] == 0.0:
            assert all(map(torch.equal, own[0].params, works[0].params))


@pytest.mark.parametrize("name", ENGINES)
def test_what_is_not_finite_stays_so_and_alone(name):
    works = work(MOMENT, torch.float32, shapes=[(5,), (70_000,)], strided=False)
    for direction, value in zip(works[0].directions, (math.nan, math.inf), strict=True):
        direction[2] = value
    expected = copied(works)
    ENGINES[name].step(works[0], rule(clip=1.0))
    SINGLE.step(expected[0], rule(clip=1.0))
    for own, other in zip(works[0].params, expected[0].params, strict=True):
        torch.testing.assert_close(own, other, **TOLERANCES[torch.float32], equal_nan=True)
        assert int((~own.isfinite()).sum()) == 1


@pytest.mark.parametrize("engine", [IN_PLACE, FOREACH, SINGLE], ids=["in-place", "foreach", "single"])
def test_gradients_and_messages_are_left_alone(engine):
    works = work(MOMENT, torch.bfloat16, clients=2)
    messages = [torch.randn_like(param) for param in works[0].params]
    before = copied([works[0].directions, works[1].directions, messages])
    engine.round(works, [0.5, 0.5], rule(ridge=0.1), 2.0)
    engine.server(works[0].params, messages, rule(ridge=0.1), 2.0)
    for own, other in zip([works[0].directions, works[1].directions, messages], before, strict=True):
        assert all(map(torch.equal, own, other))


def trained(cls, way, rounds=6, stop=None, **keys):
    """Return parameters and state after some rounds, through a saved state at round ``stop``."""
    torch.manual_seed(3)
    params = [torch.nn.Parameter(torch.randn(shape)) for shape in [(8, 6), (6,), (3, 4, 2, 2), (), (50_000,)]]
    optimizer = cls(params, lr=0.1, **WAYS[way], **keys)
    for number in range(rounds):
        if number == stop:
            saved = optimizer.state_dict()
            optimizer = cls(params, lr=7.0)
            optimizer.load_state_dict(saved)
        for param in params:
            param.grad = torch.randn(param.shape)
        optimizer.step()
    return [p.detach() for p in params] + [x for p in params for x in optimizer.state[p].values()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", [PISA, SISA, NSISA, SISA.published, NSISA.published])
def test_the_same_run_gives_the_same_bits_stopped_or_not(cls, way):
    keys = {"maximize": True, "weight_decay": 0.1, **known(cls, {"clip": 2.0})}
    first = trained(cls, way, **keys)
    assert all(map(torch.equal, first, trained(cls, way, **keys)))
    assert all(map(torch.equal, first, trained(cls, way, stop=3, **keys)))


@pytest.mark.parametrize("cls", [PISA, SISA, NSISA, SISA.published, NSISA.published])
def test_the_engines_train_alike(cls):
    expected = trained(cls, "single", maximize=True, weight_decay=0.1)
    for way in ("in-place", "foreach"):
        # Six rounds of Newton–Schulz and of cancelling π + g carry float32's 6e-8 up.
        torch.testing.assert_close(trained(cls, way, maximize=True, weight_decay=0.1), expected, rtol=1e-4, atol=1e-4)


def test_in_half_precision_the_moment_stops_short():
    """What SISA's docstring says: β = 0.999 moves a bfloat16 number only by steps of at least half its last place."""
    kept = {}
    for dtype in (torch.float32, torch.bfloat16):
        one = Work(MOMENT, *([torch.zeros(1, dtype=dtype)] for _ in range(4)), [torch.zeros(1)])._replace(
            directions=[torch.ones(1, dtype=dtype)]
        )
        for _ in range(5000):
            one.multipliers[0].zero_()
            IN_PLACE.step(one, rule(beta=0.999, scheme="II"))
        kept[dtype] = float(one.extras[0])
    assert kept[torch.float32] > 0.99
    assert kept[torch.bfloat16] == 0.25


def group(**keys):
    return SISA.published([torch.nn.Parameter(torch.zeros(1))], **keys).param_groups[0]


def test_the_keys_choose_the_engine(monkeypatch):
    small, large = [torch.zeros(3)], [torch.empty(engines.COMPILED_FROM, device="meta")]
    assert engine_for(group(), small) is IN_PLACE
    assert engine_for(group(compiled=False), small) is IN_PLACE
    assert engine_for(group(foreach=True), small) is FOREACH
    assert engine_for(group(foreach=False), small) is SINGLE
    assert engine_for(group(differentiable=True), small) is SINGLE
    assert engine_for(group(), large) is FOREACH
    monkeypatch.setattr(engines, "compiles", lambda device: False)
    assert engine_for(group(), [torch.empty(engines.COMPILED_FROM)]) is IN_PLACE
    with pytest.warns(UserWarning, match="compiled=True"):
        assert engine_for(group(compiled=True), small) is IN_PLACE


def test_without_a_compiler_nothing_is_tried(monkeypatch):
    engines.compiles.cache_clear()
    monkeypatch.setattr(engines.shutil, "which", lambda name: None)
    assert not engines.compiles("cpu")
    engines.compiles.cache_clear()


@pytest.mark.parametrize("name", [*ENGINES, "compiled"])
def test_a_gradient_may_be_of_another_type(name):
    from pisa_lab.torch._compiled import COMPILED

    works = work(MOMENT, torch.float32)
    works[0].directions[:] = [direction.bfloat16() for direction in works[0].directions]
    expected = copied(works)
    # No graph is made for such a pair: the compiled engine hands it on.
    (COMPILED if name == "compiled" else ENGINES[name]).step(works[0], rule())
    SINGLE.step(expected[0], rule())
    assert_same(works, expected, TOLERANCES[torch.float32])

"""The compiled engine: the core's step to rounding, few graphs, and never another one because a number changed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_engine_cases import (
    FORMS,
    TOLERANCES,
    assert_halves_are_the_core,
    assert_same,
    assert_step_is_the_core,
    copied,
    rule,
    work,
)

from pisa_lab.torch import SISA
from pisa_lab.torch import _compiled as compiled
from pisa_lab.torch import _engines as engines
from pisa_lab.torch._compiled import COMPILED, bundles
from pisa_lab.torch._engines import engine_for
from pisa_lab.torch._functional import SINGLE
from pisa_lab.torch._work import MOMENT

pytestmark = pytest.mark.skipif(not engines.compiles("cpu"), reason="torch.compile does not work here")
# Two seconds for a graph.
slow = pytest.mark.slow
CASES = [
    ("moment", torch.float32, {"clip": 0.8, "ridge": 0.2}),
    *(pytest.param(form, torch.float64, {"ridge": 0.2}, marks=slow) for form in FORMS),
    *(pytest.param("moment", torch.float64, {"scheme": scheme, "clip": 0.8}, marks=slow) for scheme in ("I", "II")),
    *(pytest.param("moment", dtype, {"scheme": "II"}, marks=slow) for dtype in TOLERANCES),
    pytest.param("magnitude", torch.bfloat16, {"clip": 0.8}, marks=slow),
]


@pytest.fixture
def graphs(monkeypatch):
    """The number of graphs that Inductor has made since."""
    made = []
    # The trial that tells whether compiling works is no graph of theirs.
    engines.compiles("cpu")
    inductor = torch._inductor.compile
    monkeypatch.setattr(torch._inductor, "compile", lambda *words, **keys: made.append(1) or inductor(*words, **keys))
    return made


@pytest.mark.parametrize(("form", "dtype", "keys"), CASES)
def test_a_compiled_step_is_the_cores(form, dtype, keys):
    assert_step_is_the_core(COMPILED, form, dtype, keys, steps=(1, 5))


@pytest.mark.parametrize(("form", "dtype", "keys"), [pytest.param(*case, marks=slow) for case in [
    ("moment", torch.float32, {"clip": 0.8, "ridge": 0.2}),
    ("moment", torch.float64, {}),
    ("magnitude", torch.float64, {"ridge": 0.2}),
    ("solution", torch.float64, {}),
    ("identity", torch.bfloat16, {}),
]])  # fmt: skip
def test_compiled_halves_and_round_are_the_cores(form, dtype, keys):
    assert_halves_are_the_core(COMPILED, form, dtype, keys)


def test_no_number_makes_another_graph(graphs):
    shapes = [(3, 5), (5,), (3, 5), (5,)]
    changes = [{"lr": 0.5}, {"lr": 0.0}, {"lr": torch.tensor(0.2)}, {"penalty": 3.0}, {"rho": 0.0}, {"beta": 0.0}]
    for number, change in enumerate([{}, *changes, {"ridge": 0.7}]):
        works = work(MOMENT, torch.float32, shapes=shapes, strided=False, seed=number, steps=(number + 1,))
        expected = copied(works)
        numbers = rule(**{"ridge": 0.1, **change})
        COMPILED.step(works[0], numbers)
        SINGLE.step(expected[0], numbers)
        assert_same(works, expected, TOLERANCES[torch.float32])
    # Two layers of one shape: one graph, called twice.
    assert len(graphs) <= 1


def test_a_schedule_of_lr_and_a_resumed_run_compile_nothing_and_give_the_same_bits(graphs):
    def run(stop):
        torch.manual_seed(0)
        param = torch.nn.Parameter(torch.randn(11, 3))
        optimizer = SISA.published([param], lr=0.1, compiled=True)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        for number in range(6):
            if number == stop:
                saved = optimizer.state_dict()
                optimizer = SISA.published([param], lr=3.0)
                optimizer.load_state_dict(saved)
                assert engine_for(optimizer.param_groups[0], [param]) is COMPILED
                schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9, last_epoch=number - 1)
                optimizer.param_groups[0]["lr"] = saved["param_groups"][0]["lr"]
            param.grad = torch.randn(11, 3)
            optimizer.step()
            schedule.step()
        return [param.detach(), *optimizer.state[param].values()]

    first = run(None)
    once = len(graphs)
    assert all(map(torch.equal, first, run(None)))
    assert all(map(torch.equal, first, run(3)))
    assert len(graphs) == once <= 1


def test_a_large_list_is_compiled_unasked(monkeypatch):
    param = torch.nn.Parameter(torch.zeros(1))
    group = SISA.published([param]).param_groups[0]
    monkeypatch.setattr(engines, "COMPILED_FROM", 10)
    # Where gradients are missing the list changes from step to step, and each would need graphs.
    assert engine_for(group, [torch.zeros(10)]) is not COMPILED
    param.grad = torch.zeros(1)
    assert engine_for(group, [torch.zeros(5), torch.zeros(5)]) is COMPILED
    assert engine_for(group, [torch.zeros(9)]) is not COMPILED
    assert engine_for({**group, "compiled": False}, [torch.zeros(10)]) is not COMPILED
    assert engine_for({**group, "foreach": False}, [torch.zeros(10)]) is SINGLE


SIZES = st.lists(st.integers(0, 4), max_size=3).map(torch.Size)


@given(st.lists(SIZES, max_size=30).map(tuple))
def test_bundles_are_a_partition(shapes):
    found = bundles(shapes)
    assert sorted(place for bundle in found for place in bundle) == list(range(len(shapes)))
    assert all(found)


def test_equal_layers_share_a_graph():
    layer = [torch.Size(shape) for shape in [(9, 3), (9,), (3, 3), (3,), (3,)]]
    shapes = (torch.Size((50, 3)), *layer * 12, torch.Size((3,)))
    found = bundles(shapes)
    kinds = {tuple(sorted(shapes[place] for place in bundle)) for bundle in found}
    assert len(found) == 13
    # One for the layers, and one for the embedding and the last norm.
    assert kinds == {tuple(sorted(layer)), ((3,), (50, 3))}


def test_many_shapes_stay_one_graph():
    shapes = tuple(torch.Size((number,)) for number in range(1, 20))
    assert bundles(shapes) == (tuple(range(19)),)


def test_a_large_model_of_equal_layers_is_one_small_graph(graphs):
    shapes = [(2, 7), (7,), (3,)] * 100
    works = work(MOMENT, torch.float32, shapes=shapes, strided=False)
    expected = copied(works)
    COMPILED.step(works[0], rule())
    SINGLE.step(expected[0], rule())
    assert_same(works, expected, TOLERANCES[torch.float32])
    assert len(graphs) <= 1
    assert compiled._pass.cache_info().currsize >= 1

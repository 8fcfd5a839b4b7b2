"""torch.compile on `step`: the same numbers, one graph for the whole group, none more as training goes on."""

import pytest
import torch
from torch._dynamo.utils import counters
from torch.optim import lr_scheduler
from torch_contract_cases import batches, loss_of, network, train, weights_of

from pisa_lab.torch import NSISA, PISA, SISA

# torch's scheduler looks for its mark on a step, which a compiled one does not carry; AdamW's neither.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning"),
    # torch's compiler imports what torch itself calls deprecated.
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _fresh():
    """Forget what other tests compiled."""
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def compiled_run(cls, lr, *, rounds=7, backend="eager", decay=1.0, **keys):
    """Return the weights after ``rounds`` compiled steps and the number of graphs after each."""
    model = network()
    optimizer = cls(model.parameters(), lr=lr, **keys)
    scheduler = lr_scheduler.ExponentialLR(optimizer, decay)
    step, source, graphs = torch.compile(optimizer.step, backend=backend), batches(), []
    for _ in range(rounds):
        optimizer.zero_grad()
        loss_of(model, next(source)).backward()
        step()
        scheduler.step()
        graphs.append(counters["stats"]["unique_graphs"])
    return weights_of(model), graphs


def plain_run(cls, lr, *, rounds=7, decay=1.0, **keys):
    """Return the weights after ``rounds`` steps."""
    model, source = network(), batches()
    optimizer = cls(model.parameters(), lr=lr, **keys)
    scheduler = lr_scheduler.ExponentialLR(optimizer, decay)
    for _ in range(rounds):
        train(model, optimizer, 1, source)
        scheduler.step()
    return weights_of(model)


# A second or two each.
slow = pytest.mark.slow
CASES = [
    pytest.param(PISA, {}, marks=slow),
    (SISA, {}),
    (SISA.published, {}),
    pytest.param(SISA.published, {"scheme": "I", "clip": 0.5, "weight_decay": 0.1}, marks=slow),
    pytest.param(SISA.published, {"scheme": "II", "warm": True, "maximize": True}, marks=slow),
    pytest.param(NSISA.published, {}, marks=slow),
    pytest.param(SISA, {"metric": "max", "warm": True, "maximize": True}, marks=slow),
    pytest.param(NSISA, {"scale": "clipped"}, marks=slow),
]


@pytest.mark.parametrize(("cls", "keys"), CASES)
def test_a_compiled_step_is_the_step_in_one_graph_for_good(cls, keys):
    found, graphs = compiled_run(cls, 0.05, **keys)
    for one, other in zip(found, plain_run(cls, 0.05, **keys), strict=True):
        # float32; the compiled path may order its operations otherwise.
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert graphs == [1] * 7


@pytest.mark.parametrize(("cls", "keys"), CASES)
def test_a_tensor_lr_may_change_without_another_graph(cls, keys):
    found, graphs = compiled_run(cls, torch.tensor(0.05), decay=0.7, **keys)
    for one, other in zip(found, plain_run(cls, 0.05, decay=0.7, **keys), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert graphs == [1] * 7


@slow
@pytest.mark.parametrize("cls", [PISA, SISA, NSISA, SISA.published, NSISA.published])
def test_a_number_as_lr_costs_one_more_graph_at_its_first_change_as_adamw_does(cls):
    _, expected = compiled_run(torch.optim.AdamW, 0.05, decay=0.7)
    torch._dynamo.reset()
    counters.clear()
    found, graphs = compiled_run(cls, 0.05, decay=0.7)
    assert graphs == expected
    assert graphs[-1] == graphs[1] <= 2
    for one, other in zip(found, plain_run(cls, 0.05, decay=0.7), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@slow
@pytest.mark.parametrize("cls", [PISA, SISA, NSISA, SISA.published, NSISA.published])
def test_inductors_code_is_the_step(cls):
    found, graphs = compiled_run(cls, torch.tensor(0.05), backend="inductor", decay=0.9)
    for one, other in zip(found, plain_run(cls, 0.05, decay=0.9), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert graphs == [1] * 7


@slow
@pytest.mark.filterwarnings("ignore:.*grad attribute of a Tensor that is not a leaf.*:UserWarning")
def test_a_whole_training_step_may_be_compiled():
    """Forward, backward and step in one compiled function; torch breaks the graph at the backward pass itself."""
    model, source = network(), batches()
    optimizer = SISA.published(model.parameters(), lr=0.05)

    @torch.compile(backend="eager")
    def advance(batch):
        loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    for _ in range(5):
        advance(next(source))
    for one, other in zip(weights_of(model), plain_run(SISA.published, 0.05, rounds=5), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)

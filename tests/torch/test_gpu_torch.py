"""The torch optimisers on a GPU do what they do on a processor; the same bodies run on the processor everywhere."""

import itertools

import pytest
import torch
from torch_engine_cases import TOLERANCES, assert_same, copied, rule, work

from pisa_lab.torch import NSISA, PISA, SISA
from pisa_lab.torch import _engines as engines
from pisa_lab.torch._foreach import FOREACH
from pisa_lab.torch._functional import SINGLE
from pisa_lab.torch._in_place import IN_PLACE

ENGINES = {"in-place": IN_PLACE, "foreach": FOREACH, "single": SINGLE}
WAYS = {
    "left to itself": {},
    "in-place": {"compiled": False},
    "foreach": {"foreach": True},
    "single": {"foreach": False},
}
DTYPES = (torch.float64, torch.float32, torch.bfloat16)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """A device that is here."""
    return present(request.param)


@pytest.fixture
def gpu():
    """The GPU; what uses it is marked."""
    return present("cuda")


def present(name):
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return name


def moved(works, device):
    """Return ``works`` on ``device``, laid out the same; the counts of steps stay."""
    found = copied(works)

    def there(tensors):
        return [tensor.to(device) for tensor in tensors]

    params = there(found[0].params)
    return [
        one._replace(
            params=params,
            directions=there(one.directions),
            multipliers=there(one.multipliers),
            extras=there(one.extras),
        )
        for one in found
    ]


def check_engine(engine, dtype, device):
    """Check a step and a round on ``device`` against the core's lines on the processor."""
    for form in ("moment", "magnitude", "identity", "diagonal", "solution"):
        for clients in (1, 2):
            here = work(form, dtype, clients=clients)
            there = moved(here, device)
            numbers, weights = rule(ridge=0.1, clip=0.8), [0.3, 0.7]
            if clients == 1:
                SINGLE.step(here[0], numbers)
                engine.step(there[0], numbers)
            else:
                SINGLE.round(here, weights, numbers, 2.0)
                engine.round(there, weights, numbers, 2.0)
            assert_same(moved(there, "cpu"), here, TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_there_is_the_core_here(name, dtype, device):
    check_engine(ENGINES[name], dtype, device)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_compiled_engine_there_is_the_core_here(dtype, gpu):
    if not engines.compiles(gpu):
        pytest.skip("torch.compile does not work here")
    from pisa_lab.torch._compiled import COMPILED

    check_engine(COMPILED, dtype, gpu)


def network(device, dtype=torch.float32):
    """Return a small network with a convolution, matrices, biases and a norm, the same on every device."""
    torch.manual_seed(1)
    layers = [torch.nn.Conv2d(1, 4, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.LayerNorm(144)]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(144, 12), torch.nn.Tanh(), torch.nn.Linear(12, 3))
    return model.to(device, dtype)


def batch(number, device, dtype=torch.float32):
    """Return inputs and labels, the same on every device."""
    generator = torch.Generator().manual_seed(number)
    inputs = torch.randn(16, 1, 8, 8, generator=generator).to(device, dtype)
    return inputs, torch.randint(0, 3, (16,), generator=generator).to(device)


def loss_of(model, given):
    return torch.nn.functional.cross_entropy(model(given[0]).float(), given[1])


def trained(model, optimizer, device, rounds=6):
    """Return the parameters, on the processor, after some rounds."""
    for number in range(rounds):
        optimizer.zero_grad()
        loss_of(model, batch(number, device, next(model.parameters()).dtype)).backward()
        optimizer.step()
    return [param.detach().cpu() for param in model.parameters()]


KINDS = [PISA, SISA, NSISA, SISA.published, NSISA.published]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", KINDS)
def test_training_there_is_training_here(cls, way, device):
    # In float64 everywhere: in bfloat16, the default on a GPU, Newton-Schulz is another map.
    keys = {"ns_dtype": torch.float64} if cls in (NSISA, NSISA.published) else {}
    found = []
    for where, how in (("cpu", WAYS["single"]), (device, WAYS[way])):
        model = network(where, torch.float64)
        found.append(trained(model, cls(model.parameters(), lr=0.05, weight_decay=0.01, **keys, **how), where))
    # Convolutions and products sum in another order there: 1e-16, carried up by six rounds.
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


def test_several_clients_there_are_several_clients_here(device):
    found = []
    for where, kind in itertools.product(("cpu", device), (SISA, SISA.published)):
        model = network(where, torch.float64)
        optimizer = kind(model.parameters(), lr=0.05, clients=3, weights=[0.5, 0.2, 0.3])

        def closure(client, model=model, optimizer=optimizer, where=where):
            optimizer.zero_grad()
            loss = loss_of(model, batch(client, where, torch.float64))
            loss.backward()
            return loss

        for _ in range(4):
            optimizer.step([lambda client=client, closure=closure: closure(client) for client in range(3)])
        found.append([param.detach().cpu() for param in model.parameters()])
    torch.testing.assert_close(found[2:], found[:2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cls", KINDS[1:])
def test_a_scaler_skips_a_step_that_overflowed(cls, device):
    model = network(device)
    optimizer = cls(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler(device, init_scale=2.0**10)
    for number in range(4):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, batch(number, device))).backward()
        before = [param.detach().clone() for param in model.parameters()]
        if number == 2:
            model[0].weight.grad[0] = torch.inf
        scaler.step(optimizer)
        scaler.update()
        same = [torch.equal(param, old) for param, old in zip(model.parameters(), before, strict=True)]
        assert all(same) if number == 2 else not any(same)
    assert all(bool(param.isfinite().all()) for param in model.parameters())


def test_nsisa_trains_in_bfloat16(device):
    model = network(device, torch.bfloat16)
    optimizer = NSISA.published(model.parameters(), lr=0.02)
    given = batch(0, device, torch.bfloat16)
    first = loss_of(model, given).item()
    for _ in range(20):
        optimizer.zero_grad()
        loss_of(model, given).backward()
        optimizer.step()
    assert loss_of(model, given).item() < 0.5 * first
    assert {x.dtype for p in model.parameters() for n, x in optimizer.state[p].items() if n != "step"} == {
        torch.bfloat16
    }


@pytest.mark.gpu
@pytest.mark.parametrize("way", ["foreach", "single", "compiled"])
@pytest.mark.parametrize("cls", KINDS)
def test_a_captured_step_is_the_step(cls, way, gpu):
    """Six rounds by one CUDA graph of the step, with a learning rate that changes, against six plain ones."""
    if way == "compiled" and cls in (SISA, NSISA):
        pytest.skip("a metric is not compiled")
    how = {"compiled": {"compiled": True}, **WAYS}[way]
    paths = []
    for captured in (False, True):
        model = network(gpu)
        lr = torch.tensor(0.05, device=gpu)
        optimizer = cls(model.parameters(), lr=lr, capturable=captured, **how)
        for param in model.parameters():
            param.grad = torch.zeros_like(param)
        graph = None
        for number in range(9):
            torch.manual_seed(number)
            for param in model.parameters():
                param.grad.copy_(torch.randn(param.shape))
            lr.fill_(0.05 / (1 + number))
            if captured and number == 3:
                torch.cuda.synchronize()
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    optimizer.step()
                graph.replay()
            elif graph is not None:
                graph.replay()
            else:
                optimizer.step()
        torch.cuda.synchronize()
        paths.append([param.detach().cpu() for param in model.parameters()])
        assert int(optimizer.state[next(model.parameters())]["step"]) == 9
    # NSISA's products in bfloat16 may be summed in another order under a graph.
    tolerance = 1e-2 if cls in (NSISA, NSISA.published) else 1e-5
    torch.testing.assert_close(paths[1], paths[0], rtol=tolerance, atol=tolerance)


@pytest.mark.gpu
def test_one_pass_needs_no_memory_beside_the_state(gpu):
    if not engines.compiles(gpu):
        pytest.skip("torch.compile does not work here")
    param = torch.nn.Parameter(torch.randn(1 << 22, device=gpu))
    param.grad = torch.randn_like(param)
    optimizer = SISA.published([param], lr=0.1, compiled=True)
    optimizer.step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    optimizer.step()
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() - before < param.nbytes / 8

"""In training loops: schedulers, gradient scaling, averaging, gradients through a step, graphs of CUDA."""

import math

import pytest
import torch
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import SWALR, AveragedModel
from torch_contract_cases import OPTIMIZERS, batches, equal, known, loss_of, network, seeded, stepped, train, weights_of

from pisa_lab.torch import NSISA, PISA, SISA

every = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())

SCHEDULERS = {
    "lambda": lambda o: schedulers.LambdaLR(o, lambda k: 1 / (1 + k)),
    "multiplicative": lambda o: schedulers.MultiplicativeLR(o, lambda k: 0.9),
    "step": lambda o: schedulers.StepLR(o, 2),
    "steps": lambda o: schedulers.MultiStepLR(o, [1, 4]),
    "constant": lambda o: schedulers.ConstantLR(o, 0.5, 3),
    "linear": lambda o: schedulers.LinearLR(o, 0.1, total_iters=4),
    "exponential": lambda o: schedulers.ExponentialLR(o, 0.8),
    "polynomial": lambda o: schedulers.PolynomialLR(o, 5, 2.0),
    "cosine": lambda o: schedulers.CosineAnnealingLR(o, 5),
    "restarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3),
    "one cycle": lambda o: schedulers.OneCycleLR(o, 0.2, total_steps=9, cycle_momentum="momentum" in o.defaults),
    "cycles": lambda o: schedulers.CyclicLR(o, 0.01, 0.2, 3, cycle_momentum="momentum" in o.defaults),
    "chained": lambda o: schedulers.ChainedScheduler([schedulers.StepLR(o, 2), schedulers.ExponentialLR(o, 0.9)]),
    "sequence": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.1, total_iters=3), schedulers.CosineAnnealingLR(o, 5)], [3]
    ),
    "plateau": lambda o: schedulers.ReduceLROnPlateau(o, patience=1, threshold=0.5),
    "averaging": lambda o: SWALR(o, 0.02, 4),
}


@pytest.mark.filterwarnings("ignore:.*(epoch parameter|lr_scheduler.step).*:UserWarning")
@pytest.mark.parametrize("cls", [SISA, NSISA, SISA.published, NSISA.published])
@pytest.mark.parametrize("schedule", SCHEDULERS.values(), ids=SCHEDULERS.keys())
def test_every_scheduler_of_torch_sets_the_rate_of_the_next_step(cls, schedule):
    model, twin = network(), network()
    optimizer, other = cls(model.parameters(), lr=0.1), cls(twin.parameters(), lr=0.1)
    scheduler, source, beside, rates = schedule(optimizer), batches(), batches(), []
    for _ in range(8):
        for name in {"lr", "momentum"} & set(optimizer.param_groups[0]):
            other.param_groups[0][name] = optimizer.param_groups[0][name]
        rates.append(optimizer.param_groups[0]["lr"])
        loss = train(model, optimizer, 1, source)[0]
        train(twin, other, 1, beside)
        scheduler.step(*([loss] if isinstance(scheduler, schedulers.ReduceLROnPlateau) else []))
    assert equal(weights_of(model), weights_of(twin))
    assert len(set(rates)) > 1
    fixed = network()
    train(fixed, cls(fixed.parameters(), lr=0.1), 8, batches())
    assert not equal(weights_of(model), weights_of(fixed))


@pytest.mark.parametrize("cls", [SISA, NSISA, SISA.published, NSISA.published])
def test_a_scheduler_fills_a_tensor_lr_in_place(cls):
    model, twin = network(), network()
    lr = torch.tensor(0.1, dtype=torch.float64)
    optimizer, other = cls(model.parameters(), lr=lr), cls(twin.parameters(), lr=0.1)
    first, second = (schedulers.ExponentialLR(o, 0.5) for o in (optimizer, other))
    for source, beside in [(batches(), batches())] * 4:
        train(model, optimizer, 1, source)
        train(twin, other, 1, beside)
        first.step()
        second.step()
    assert lr.item() == pytest.approx(0.1 / 16)
    assert optimizer.param_groups[0]["lr"] is lr
    assert equal(weights_of(model), weights_of(twin))


@every
def test_gradient_scaling_by_a_power_of_two_changes_nothing_and_skips_overflow(make):
    model, twin = network(), network()
    optimizer, other = make(model.parameters(), lr=0.1), make(twin.parameters(), lr=0.1)
    scaler, source = torch.amp.GradScaler("cpu", init_scale=1024.0), batches()
    for _ in range(4):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, next(source))).backward()
        scaler.step(optimizer)
        scaler.update()
    train(twin, other, 4, batches())
    assert equal(weights_of(model), weights_of(twin))
    before = weights_of(model)
    optimizer.zero_grad()
    scaler.scale(loss_of(model, next(source)) * math.inf).backward()
    scaler.step(optimizer)
    scaler.update()
    assert equal(weights_of(model), before)
    assert all(state["step"] == 4 for state in optimizer.state.values())
    assert scaler.get_scale() == 512.0


def test_weight_averaging_follows_the_weights():
    model = network()
    averaged, optimizer, source, seen = AveragedModel(model), SISA.published(model.parameters(), lr=0.1), batches(), []
    for _ in range(3):
        train(model, optimizer, 1, source)
        averaged.update_parameters(model)
        seen.append(weights_of(model))
    for found, steps in zip(averaged.module.parameters(), zip(*seen, strict=True), strict=True):
        torch.testing.assert_close(found.detach(), torch.stack(steps).mean(0))


def one_step(make, kept, *inputs):
    """Return w and the state after a step from given w, g, lr and state, as a function that can be differentiated."""
    start, gradient, lr, *state = inputs
    param = start.clone()
    param.grad = gradient
    optimizer = make([param], lr=lr, differentiable=True)
    stored = {"step": torch.tensor(3.0), **{name: x.clone() for name, x in zip(kept, state, strict=True)}}
    optimizer.state[param].update(stored)
    optimizer.step()
    return param, *(optimizer.state[param][name] for name in kept)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("clip", [None, 1.4])
@pytest.mark.parametrize(
    ("cls", "kept"),
    [
        (PISA, ("multiplier",)),
        (SISA, ("multiplier", "moment")),
        (NSISA, ("multiplier",)),
        (SISA.published, ("multiplier", "moment")),
        (NSISA.published, ("multiplier", "momentum")),
    ],
)
def test_gradients_flow_through_a_step(cls, kept, clip, maximize):
    """As torch's own test: gradcheck from w, g, lr and the state to w and the new state."""
    inputs = [1 + seeded(3, 4, seed=k).abs() for k in range(2 + len(kept))]
    inputs.insert(2, torch.tensor(0.1, dtype=torch.float64))

    keys = known(cls, {"clip": clip})
    if clip is not None and not keys:
        pytest.skip("there is nothing to clip")

    def function(*tensors):
        return one_step(lambda p, **k: cls(p, weight_decay=0.2, maximize=maximize, **keys, **k), kept, *tensors)

    assert torch.autograd.gradcheck(function, [x.requires_grad_() for x in inputs])


def test_a_learning_rate_is_learnt_through_three_steps():
    """The derivative of the loss after three steps by lr, against central differences."""

    def after(lr):
        x = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True).clone()
        optimizer = SISA.published([x], lr=lr, differentiable=True, weight_decay=0.1)
        for _ in range(3):
            # A step changes x in place; the loss keeps a copy for its own derivative.
            (x.grad,) = torch.autograd.grad((x.clone() ** 4).sum(), x, create_graph=True)
            optimizer.step()
        return (x**2).sum()

    lr, apart = torch.tensor(0.05, dtype=torch.float64), 1e-5
    expected = (after(lr + apart) - after(lr - apart)) / (2 * apart)
    (found,) = torch.autograd.grad(after(lr.requires_grad_()), lr)
    # Central differences: error apart² times a third derivative of order 1e3.
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@every
def test_without_differentiable_no_graph_is_kept(make):
    param = seeded(3, 2).requires_grad_()
    optimizer = make([param], lr=0.1)
    stepped(optimizer, [param], [seeded(3, 2, seed=1).requires_grad_()])
    assert param.is_leaf
    assert not any(x.requires_grad for x in optimizer.state[param].values())
    assert torch.is_grad_enabled()


@every
def test_capturable_needs_a_device_with_graphs(make):
    param = seeded(3, 2).requires_grad_()
    optimizer = make([param], capturable=True)
    param.grad = torch.ones_like(param)
    with pytest.raises(ValueError, match=r"^capturable: "):
        optimizer.step()
    assert torch.equal(param, seeded(3, 2))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("cls", [PISA, SISA, NSISA, SISA.published, NSISA.published])
def test_a_step_captured_in_a_cuda_graph_is_the_step(cls):
    params = [seeded(64, 32, dtype=torch.float32).cuda().requires_grad_() for _ in range(2)]
    plain, captured = (cls([p], lr=torch.tensor(0.1).cuda(), capturable=True) for p in params)
    gradient = seeded(64, 32, seed=1, dtype=torch.float32).cuda()
    for param, optimizer in zip(params, (plain, captured), strict=True):
        param.grad = gradient.clone()
        for _ in range(3):
            optimizer.step()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured.step()
    for _ in range(4):
        graph.replay()
        plain.step()
    torch.testing.assert_close(params[1], params[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [schedulers.OneCycleLR, schedulers.CyclicLR])
def test_a_scheduler_that_cycles_a_momentum_finds_none_in_sisa(make):
    given = {"max_lr": 0.1, **({"total_steps": 5} if make is schedulers.OneCycleLR else {"base_lr": 0.01})}
    make(NSISA.published(network().parameters()), **given)
    with pytest.raises(ValueError, match="momentum"):
        make(SISA.published(network().parameters()), **given)

"""Every kind of tensor that torch.optim takes: types, shapes, layouts, complex numbers, mixtures."""

import copy

import pytest
import torch
from torch_contract_cases import OPTIMIZERS, seeded, stepped

from pisa_lab.torch import NSISA, PISA, SISA

every = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
elementwise = pytest.mark.parametrize("make", [m for n, m in OPTIMIZERS.items() if "nsisa" not in n])

# Two layouts of one tensor may be summed and fused in another order: a few ulp, through Newton–Schulz 485 times that.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}


def moved(make, param, gradients):
    """Return ``param`` after a step on each of ``gradients``, and its optimiser."""
    param = param.detach().requires_grad_()
    optimizer = make([param], lr=0.1)
    for gradient in gradients:
        param.grad = gradient
        optimizer.step()
    return param, optimizer


@every
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_narrow_types_step_as_float64_does_but_for_rounding(make, dtype):
    start, gradients = seeded(5, 4).to(dtype), [seeded(5, 4, seed=k).to(dtype) for k in range(1, 4)]
    found, optimizer = moved(make, start.clone(), [g.clone() for g in gradients])
    expected, _ = moved(make, start.double(), [g.double() for g in gradients])
    assert found.dtype == dtype
    assert {x.dtype for name, x in optimizer.state[found].items() if name != "step"} == {dtype}
    # Three steps of 0.1 on numbers of size 3: a few roundings of each; what Newton–Schulz adds stays below that.
    assert (found.double() - expected).abs().max() < 8 * torch.finfo(dtype).eps
    assert not torch.equal(found, start)


@every
def test_types_may_mix_in_a_group(make):
    types = [torch.float32, torch.float64, torch.bfloat16, torch.float32]
    together = [seeded(4, 3, seed=k).to(dtype).requires_grad_() for k, dtype in enumerate(types)]
    apart = [p.detach().clone().requires_grad_() for p in together]
    optimizer, alone = make(together, lr=0.1), [make([p], lr=0.1) for p in apart]
    for k in range(3):
        gradients = [seeded(4, 3, seed=10 + k).to(dtype) for dtype in types]
        stepped(optimizer, together, gradients)
        for one, param, gradient in zip(alone, apart, gradients, strict=True):
            stepped(one, [param], [gradient])
    for param, other in zip(together, apart, strict=True):
        tolerance = 4 * torch.finfo(param.dtype).eps
        torch.testing.assert_close(param, other, rtol=tolerance, atol=tolerance)


@every
def test_a_number_is_a_vector_of_one(make):
    values = [torch.tensor([x], dtype=torch.float64) for x in (0.7, 0.3, -0.2)]
    number, _ = moved(make, values[0][0].clone(), [g[0].clone() for g in values[1:]])
    vector, _ = moved(make, values[0].clone(), values[1:])
    assert number.shape == ()
    torch.testing.assert_close(number, vector[0], rtol=1e-15, atol=0)


@every
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_nothing_is_stepped_without_harm_to_its_neighbours(make, shape):
    empty, full, alone = (
        torch.zeros(shape, requires_grad=True),
        seeded(3, 2).requires_grad_(),
        seeded(3, 2).requires_grad_(),
    )
    gradient = seeded(3, 2, seed=1)
    both, one = make([empty, full], lr=0.1), make([alone], lr=0.1)
    for _ in range(2):
        stepped(both, [empty, full], [torch.zeros(shape), gradient])
        stepped(one, [alone], [gradient])
    assert empty.shape == shape
    torch.testing.assert_close(full, alone, **CLOSE)


LAYOUTS = {
    "transposed": lambda x: x.mT.contiguous().mT,
    "strided": lambda x: torch.stack([x, x], dim=-1)[..., 0],
    "part of a larger": lambda x: torch.nn.functional.pad(x, (1, 2, 3, 0))[..., 3:, 1:-2],
}


@every
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4)])
def test_layouts_do_not_matter(make, layout, shape):
    start, gradients = seeded(*shape), [seeded(*shape, seed=k) for k in (1, 2, 3)]
    plain, _ = moved(make, start.clone(), [g.clone() for g in gradients])
    found, _ = moved(make, layout(start), [g.clone() for g in gradients])
    torch.testing.assert_close(found, plain, **CLOSE)
    found, _ = moved(make, start.clone(), [layout(g) for g in gradients])
    torch.testing.assert_close(found, plain, **CLOSE)


@every
def test_an_expanded_gradient_is_read_and_not_written(make):
    start, row = seeded(4, 3), seeded(3, seed=1)
    plain, _ = moved(make, start.clone(), [row.expand(4, 3).contiguous()])
    found, _ = moved(make, start.clone(), [row.expand(4, 3)])
    torch.testing.assert_close(found, plain, **CLOSE)
    assert torch.equal(row, seeded(3, seed=1))


@every
def test_channels_last_stays_and_does_not_matter(make):
    start, gradients = seeded(3, 2, 4, 4), [seeded(3, 2, 4, 4, seed=k) for k in (1, 2)]
    last = torch.channels_last
    plain, _ = moved(make, start.clone(), [g.clone() for g in gradients])
    found, optimizer = moved(make, start.clone(memory_format=last), [g.clone(memory_format=last) for g in gradients])
    torch.testing.assert_close(found, plain, **CLOSE)
    assert found.is_contiguous(memory_format=last)
    assert optimizer.state[found]["multiplier"].is_contiguous(memory_format=last)


@every
def test_gradients_are_left_as_they_were(make):
    param, gradient = seeded(4, 3).requires_grad_(), seeded(4, 3, seed=1)
    optimizer = make([param], lr=0.1)
    for _ in range(2):
        stepped(optimizer, [param], [gradient])
        assert torch.equal(param.grad, gradient)


@elementwise
@pytest.mark.parametrize("maximize", [False, True])
def test_complex_parameters_are_their_real_views(make, maximize):
    start, gradients = seeded(4, 3, 2), [seeded(4, 3, 2, seed=k) for k in (1, 2, 3)]
    number = torch.view_as_complex(start.clone()).requires_grad_()
    pair, real = start.clone().requires_grad_(), seeded(3, seed=7).requires_grad_()
    optimizer = make([number, real], lr=0.1, maximize=maximize)
    other = make([pair], lr=0.1, maximize=maximize)
    for gradient in gradients:
        stepped(optimizer, [number, real], [torch.view_as_complex(gradient), seeded(3, seed=8)])
        stepped(other, [pair], [gradient])
        assert torch.equal(torch.view_as_real(number.detach()), pair.detach())
    assert torch.equal(optimizer.state[number]["multiplier"], other.state[pair]["multiplier"])


def test_nsisa_serves_complex_matrices_entry_by_entry_unless_asked_to_orthogonalise():
    start, gradient = seeded(4, 3, 2), seeded(4, 3, 2, seed=1)
    number, twin = (torch.view_as_complex(start.clone()).requires_grad_() for _ in range(2))
    optimizer = NSISA.published([number], lr=0.1, elementwise_lr=1.0, elementwise_rho=3.0)
    stepped(optimizer, [number], [torch.view_as_complex(gradient)])
    stepped(SISA.published([twin], lr=0.1, rho=3.0), [twin], [torch.view_as_complex(gradient)])
    assert torch.equal(number, twin)
    optimizer = NSISA.published([number], lr=0.1, orthogonal=True)
    with pytest.raises(ValueError, match=r"^orthogonal: "):
        optimizer.step()


@every
def test_a_complex_run_is_saved_and_goes_on(make):
    first = torch.view_as_complex(seeded(4, 2)).requires_grad_()
    optimizer = make([first], lr=0.1)
    stepped(optimizer, [first], [torch.view_as_complex(seeded(4, 2, seed=1))])
    second = first.detach().clone().requires_grad_()
    other = make([second], lr=0.1)
    other.load_state_dict(
        {**optimizer.state_dict(), "state": {0: {k: v.clone() for k, v in optimizer.state[first].items()}}}
    )
    for optim, param in ((optimizer, first), (other, second)):
        stepped(optim, [param], [torch.view_as_complex(seeded(4, 2, seed=2))])
    assert torch.equal(first, second)


@pytest.mark.parametrize("cls", [PISA, SISA, NSISA, SISA.published, NSISA.published])
def test_plain_tensors_serve_as_parameters(cls):
    """No nn.Parameter and no graph: whoever sets .grad may step."""
    param = seeded(3, 2)
    before = param.clone()
    stepped(cls([param], lr=0.1), [param], [seeded(3, 2, seed=1)])
    assert not param.requires_grad
    assert not torch.equal(param, before)


@every
def test_memory_may_move_between_steps(make):
    """Moving a model replaces .data, loading replaces the state, and every backward pass its gradients."""
    params, others = ([seeded(4, 3, seed=k).requires_grad_() for k in (1, 2)] for _ in range(2))
    optimizer, still = make(params, lr=0.1), make(others, lr=0.1)
    for k in range(4):
        gradients = [seeded(4, 3, seed=10 + k), seeded(4, 3, seed=20 + k)]
        stepped(optimizer, params, gradients)
        stepped(still, others, gradients)
        for param in params:
            param.data = param.data.clone()
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert all(torch.equal(a, b) for a, b in zip(params, others, strict=True))


@every
def test_parameters_may_be_parts_of_one_buffer(make):
    buffer, apart = seeded(30), [seeded(30)[:12].reshape(4, 3).clone(), seeded(30)[12:].reshape(3, 6).clone()]
    parts = [buffer[:12].view(4, 3).requires_grad_(), buffer[12:].view(3, 6).requires_grad_()]
    gradients = [seeded(4, 3, seed=1), seeded(3, 6, seed=2)]
    apart = [x.requires_grad_() for x in apart]
    optimizer, other = make(parts, lr=0.1), make(apart, lr=0.1)
    for _ in range(3):
        stepped(optimizer, parts, gradients)
        stepped(other, apart, gradients)
    torch.testing.assert_close(buffer, torch.cat([x.detach().flatten() for x in apart]), **CLOSE)


@every
@pytest.mark.skipif(not hasattr(torch.Tensor, "grad_dtype"), reason="this torch has gradients of one type only")
def test_a_wide_gradient_of_a_narrow_parameter_is_taken_as_it_is(make):
    start, gradients = seeded(5, 4).bfloat16(), [seeded(5, 4, seed=k).float() for k in (1, 2)]
    param = start.clone().requires_grad_()
    param.grad_dtype = None
    optimizer = make([param], lr=0.1)
    for gradient in gradients:
        stepped(optimizer, [param], [gradient])
    expected, _ = moved(make, start.double(), [g.double() for g in gradients])
    assert param.dtype == torch.bfloat16
    assert (param.detach().double() - expected).abs().max() < 8 * torch.finfo(torch.bfloat16).eps

"""Work for the engines of the torch backend: random states over awkward shapes, and what must come out."""

import copy

import torch

from pisa_lab.torch._foreach import FOREACH
from pisa_lab.torch._functional import SINGLE
from pisa_lab.torch._in_place import IN_PLACE
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import DIAGONAL, IDENTITY, MAGNITUDE, MOMENT, SOLUTION, Work

FORMS = (MOMENT, MAGNITUDE, IDENTITY, DIAGONAL, SOLUTION)
ENGINES = {"in-place": IN_PLACE, "foreach": FOREACH}
SHAPES = [(), (0,), (1,), (7,), (5, 3), (4, 3, 3, 3), (2, 0, 3), (40_000,)]
TOLERANCES = {
    # A step is a dozen operations on numbers of size one; the engines order them otherwise.
    torch.float64: {"rtol": 1e-13, "atol": 1e-13},
    torch.float32: {"rtol": 5e-6, "atol": 5e-6},
    # Computed in float32 and rounded once: results that differ in float32 may round to neighbours, 2⁻⁷ apart.
    torch.bfloat16: {"rtol": 2**-7, "atol": 1e-5},
    torch.float16: {"rtol": 2**-10, "atol": 1e-5},
}


def rule(**changes):
    """Return a rule with every number in play."""
    numbers = {"lr": 0.3, "penalty": 2.0, "rho": 0.7, "ridge": 0.0, "beta": 0.9, "scheme": "III", "clip": None}
    return Rule(**{**numbers, **changes})


def layouts(dtype, device="cpu"):
    """Return tensors that are not contiguous: transposed, channels-last, with holes, expanded from a narrow slice."""
    return [
        torch.randn(4, 6, dtype=dtype, device=device).t(),
        torch.randn(2, 3, 4, 5, dtype=dtype, device=device).to(memory_format=torch.channels_last),
        torch.randn(6, 8, dtype=dtype, device=device)[:, ::2],
        torch.randn(10, dtype=dtype, device=device)[3:],
    ]


def work(form, dtype, *, seed=0, device="cpu", shapes=SHAPES, strided=True, steps=(3,), clients=1):
    """Return the works of ``clients`` clients on the same parameters, in random states."""
    torch.manual_seed(seed)
    params = [torch.randn(shape, dtype=dtype, device=device) for shape in shapes]
    params += layouts(dtype, device) if strided else []

    def like(param):
        # As an optimiser makes its state: dense, in the order of the parameter's axes.
        return torch.randn_like(param, memory_format=torch.preserve_format)

    def one():
        # Contiguous whatever the parameter's layout: as a gradient seldom is, and may be.
        directions = [torch.randn(param.shape, dtype=dtype, device=device) for param in params]
        extras = [like(param) if form == SOLUTION else like(param).abs() for param in params]
        counts = [torch.tensor(float(steps[place % len(steps)])) for place in range(len(params))]
        kept = extras if form in (MOMENT, DIAGONAL, SOLUTION) else []
        return Work(form, params, directions, [like(param) for param in params], kept, counts)

    return [one() for _ in range(clients)]


def copied(works):
    """Return ``works`` with memory of their own, laid out the same, still sharing their parameters."""
    return copy.deepcopy(works)


def tensors(works):
    """Return everything that a pass may change, by name."""
    found = {f"param {place}": param for place, param in enumerate(works[0].params)}
    for client, one in enumerate(works):
        found |= {f"multiplier {client} {place}": x for place, x in enumerate(one.multipliers)}
        found |= {f"extra {client} {place}": x for place, x in enumerate(one.extras)}
    return found


def assert_same(works, others, tolerance):
    """Check that two sets of works have come to the same."""
    expected = tensors(others)
    for name, tensor in tensors(works).items():
        torch.testing.assert_close(tensor, expected[name], **tolerance, msg=lambda text, name=name: f"{name}: {text}")


def assert_step_is_the_core(engine, form, dtype, settings, **given):
    """Check one step of ``engine`` against the core's lines, from a random state."""
    works = work(form, dtype, **given)
    expected = copied(works)
    before = works[0].multipliers[3].clone()
    engine.step(works[0], rule(**settings))
    SINGLE.step(expected[0], rule(**settings))
    assert_same(works, expected, TOLERANCES[dtype])
    assert not torch.equal(works[0].multipliers[3], before)


def assert_halves_are_the_core(engine, form, dtype, settings, **given):
    """Check the clients' half, the server's half and both at once, for three clients of unequal weight."""
    weights, total = [0.5, 0.2, 0.3], 1.7
    works = work(form, dtype, clients=3, **given)
    expected, together = copied(works), copied(works)
    messages = [torch.randn_like(param) for param in works[0].params]
    others = [message.clone() for message in messages]
    engine.client(works, rule(**settings), weights, messages)
    SINGLE.client(expected, rule(**settings), weights, others)
    tolerance = TOLERANCES[dtype]
    if dtype in (torch.bfloat16, torch.float16):
        # The core's lines round the message after every client, and a sum of the size of one may cancel.
        tolerance = {"rtol": 3 * tolerance["rtol"], "atol": 3 * tolerance["rtol"]}
    torch.testing.assert_close(messages, others, **tolerance)
    engine.server(works[0].params, messages, rule(**settings), total)
    SINGLE.server(expected[0].params, others, rule(**settings), total)
    assert_same(works, expected, tolerance)
    whole = copied(together)
    engine.round(together, weights, rule(**settings), total)
    SINGLE.round(whole, weights, rule(**settings), total)
    assert_same(together, whole, tolerance)

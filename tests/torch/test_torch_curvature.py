"""Second-order preconditioners for torch: equal to the core's, products, probes, several clients."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch_twin_cases import Twin, core_rounds, problem, rounds

from pisa_lab.method import PISA as CorePISA
from pisa_lab.preconditioners import GaussNewton, HessianDiagonal, KroneckerFactored
from pisa_lab.torch import PISA, gauss_newton_product, hessian_product
from pisa_lab.torch._hutchinson import _signs, diagonal
from pisa_lab.torch._work import Entry

LR = 0.5
"""σ and ρ of the core are those of torch divided by it."""


def hessian_of(twin):
    return lambda: hessian_product(twin.loss)


def gauss_newton_of(twin):
    return lambda: gauss_newton_product(twin.outputs, twin.head)


def along(source, seed=0):
    """Return a direction, flat and as a list of tensors for the twin."""
    flat = np.random.default_rng(seed).normal(size=source.initial.shape)
    ends = np.cumsum([int(np.prod(shape)) for _, shape in source.blocks])[:-1]
    pieces = zip(np.split(flat, ends), source.blocks, strict=True)
    return flat, [torch.tensor(piece.reshape(shape)) for piece, (_, shape) in pieces]


@pytest.mark.parametrize(("build", "method"), [(hessian_of, "hvp"), (gauss_newton_of, "gauss_newton")])
def test_products_are_the_networks_own(build, method):
    """Twice with the same object, which then reuses its graph, and for a part of the parameters: a diagonal block."""
    source = problem()
    twin, (flat, pieces) = Twin(source), along(source)
    product, params = build(twin)(), list(twin.parameters())
    expected = getattr(source, method)(source.initial[None], flat[None])[0]
    for factor in (1.0, -2.0):
        found = torch.cat([one.flatten() for one in product(params, [factor * piece for piece in pieces])])
        np.testing.assert_allclose(found.numpy(), factor * expected, rtol=0, atol=1e-13)
    inner = np.zeros_like(flat)
    inner[: source.blocks[0][1][0] * source.hidden] = flat[: source.blocks[0][1][0] * source.hidden]
    block = getattr(source, method)(source.initial[None], inner[None])[0][: pieces[0].numel()]
    np.testing.assert_allclose(product(params[:1], pieces[:1])[0].flatten().numpy(), block, rtol=0, atol=1e-13)


def test_products_of_what_does_not_depend_are_zero():
    """A loss that is linear in one parameter and has nothing of another."""
    first, second = (nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))
    for product in (
        hessian_product(lambda: 3.0 * first.sum()),
        gauss_newton_product(lambda: 2.0 * first, lambda outputs: outputs.sum()),
    ):
        for found in product([first, second], [torch.ones(2, dtype=torch.float64)] * 2):
            assert torch.equal(found, torch.zeros(2, dtype=torch.float64))


def test_a_product_serves_one_point_only():
    twin = Twin(problem())
    product = hessian_product(twin.loss)
    vectors = [torch.ones_like(param) for param in twin.parameters()]
    product(list(twin.parameters()), vectors)
    with torch.no_grad():
        twin.W2.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product(list(twin.parameters()), vectors)


def test_exact_diagonal_follows_the_core():
    """With the unit vectors for probes and no average the row is HessianDiagonal; clip, λ and two groups as well."""
    source = problem(ridge=0.03, hidden=4, features=3)
    for clip in (None, 0.02):
        method = CorePISA(penalty=1 / LR, rho=4 / LR, preconditioner=HessianDiagonal(clip), first="client")
        twin = Twin(source)
        groups = [{"params": [twin.W1, twin.b1]}, {"params": [twin.W2, twin.b2]}]
        settings = {"preconditioner": "hessian-diagonal", "probes": None, "beta": 0.0, "weight_decay": 0.03}
        optimizer = PISA(groups, LR, penalty=1.0, rho=4.0, clip=clip, **settings)
        found = rounds(optimizer, twin, 10, curvature=hessian_of(twin))
        expected = core_rounds(method, source, 10)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)
    assert set(optimizer.state[twin.W1]) == {"step", "multiplier", "curvature"}


def closure_of(optimizer, twin, client):
    def closure():
        optimizer.zero_grad()
        twin.loss(client).backward()

    return closure


@pytest.mark.parametrize("name", ["hessian-diagonal", "gauss-newton", "kronecker"])
def test_several_clients_have_a_curvature_each(name):
    """Two clients in one process and in the core, each with its own data, state and curvature."""
    source = problem(clients=2, ridge=0.03, hidden=4, features=3)
    core = {"hessian-diagonal": HessianDiagonal(), "gauss-newton": GaussNewton()}.get(name)
    core = core or KroneckerFactored(blocks=source.blocks, beta=0.5)
    settings = {
        "hessian-diagonal": {"probes": None, "beta": 0.0},
        "gauss-newton": {"solver_steps": 200, "solver_tolerance": 1e-13},
        "kronecker": {"beta": 0.5},
    }[name]
    twin = Twin(source)
    optimizer = PISA(twin.parameters(), LR, preconditioner=name, rho=3.0, weight_decay=0.03, clients=2, **settings)
    for _ in range(5):
        products = [
            gauss_newton_product(lambda i=i: twin.outputs(i), lambda outputs, i=i: twin.head(outputs, i))
            if name == "gauss-newton"
            else hessian_product(lambda i=i: twin.loss(i))
            for i in range(2)
        ]
        optimizer.step([closure_of(optimizer, twin, i) for i in range(2)], curvature=products)
    method = CorePISA(penalty=1 / LR, rho=3 / LR, preconditioner=core, first="client")
    np.testing.assert_allclose(twin.flat(), core_rounds(method, source, 5)[-1], rtol=0, atol=1e-10)
    if name != "kronecker":
        with pytest.raises(ValueError, match=r"^curvature: "):
            optimizer.step([closure_of(optimizer, twin, i) for i in range(2)], curvature=products[:1])
        with pytest.raises(ValueError, match=f"^curvature: '{name}' needs one"):
            optimizer.step([closure_of(optimizer, twin, i) for i in range(2)])


def test_gauss_newton_follows_the_core():
    """One group, solved to rounding; κ(σI + ρG) is below 100 here, so that 1e-13 of residual is 1e-11 of solution."""
    source = problem()
    method = CorePISA(penalty=1 / LR, rho=2 / LR, preconditioner=GaussNewton(), first="client")
    twin = Twin(source)
    settings = {"preconditioner": "gauss-newton", "solver_steps": 200, "solver_tolerance": 1e-13}
    optimizer = PISA(twin.parameters(), LR, penalty=1.0, rho=2.0, **settings)
    found = rounds(optimizer, twin, 8, curvature=gauss_newton_of(twin))
    np.testing.assert_allclose(found, core_rounds(method, source, 8), rtol=0, atol=1e-10)


@pytest.mark.parametrize("power", [0.25, 0.5])
@pytest.mark.parametrize("clip", [None, 0.05])
def test_kronecker_follows_the_core(power, clip):
    source = problem()
    factored = KroneckerFactored(blocks=source.blocks, power=power, clip=clip)
    method = CorePISA(penalty=1 / LR, rho=2 / LR, preconditioner=factored, first="client")
    twin = Twin(source)
    settings = {"preconditioner": "kronecker", "power": power, "beta": 0.95, "clip": clip}
    optimizer = PISA(twin.parameters(), LR, penalty=1.0, rho=2.0, **settings)
    # The threshold of `_power` cuts what is rounding: above it a fourth root multiplies roundings by up to 1e3.
    np.testing.assert_allclose(rounds(optimizer, twin, 8), core_rounds(method, source, 8), rtol=0, atol=1e-10)


def test_kronecker_refreshes_bases_and_goes_on_averaging():
    """A kernel counts as (out, rest), a matrix with a side above ``largest`` as the rest."""
    kernel, large = nn.Parameter(torch.randn(4, 3, 2, 2)), nn.Parameter(torch.randn(9, 20))
    optimizer = PISA([kernel, large], preconditioner="kronecker", refresh=3, largest=12)
    bases, averages = [], []
    for _ in range(4):
        kernel.grad, large.grad = torch.randn_like(kernel), torch.randn_like(large)
        optimizer.step()
        bases.append(optimizer.state[kernel]["right_vectors"].clone())
        averages.append(optimizer.state[kernel]["right"].clone())
    assert [torch.equal(bases[0], other) for other in bases] == [True, True, True, False]
    assert averages[0].shape == (12, 12)
    assert not torch.equal(averages[0], averages[1])
    assert set(optimizer.state[large]) == {"step", "multiplier", "moment"}


def test_random_signs_have_the_diagonal_for_mean():
    """Var(z∘Hz)_i = Σ_{j≠i} H_ij²: the mean of N probes lies within 5 standard errors, and not by being exact."""
    twin = Twin(problem(hidden=3, features=2))
    entries = [Entry(param, param, {"step": torch.tensor(1.0)}) for param in twin.parameters()]
    group, number = {"maximize": False, "preconditioner": "hessian-diagonal"}, 1000
    product, params = hessian_product(twin.loss), list(twin.parameters())
    size = sum(param.numel() for param in params)
    columns = []
    for unit in torch.eye(size, dtype=torch.float64):
        vectors = [v.reshape(p.shape) for v, p in zip(unit.split([p.numel() for p in params]), params, strict=True)]
        columns.append(torch.cat([one.flatten() for one in product(params, vectors)]))
    hessian = torch.stack(columns)
    error = (hessian.square().sum(1) - hessian.diagonal().square()).sqrt() / number**0.5
    found = torch.cat([one.flatten() for one in diagonal(product, entries, _signs(entries, number, 7), group)])
    away = (found - hessian.diagonal()).abs() / error
    assert away.max() < 5
    assert away.max() > 0.1


def train(optimizer, twin, steps, refresh):
    for _ in range(steps):
        optimizer.zero_grad()
        twin.loss().backward()
        looking = int(optimizer.state[twin.W1].get("step", 0)) % refresh == 0
        optimizer.step(curvature=hessian_product(twin.loss) if looking else None)


@pytest.mark.parametrize("refresh", [1, 3])
def test_probes_go_on_after_loading_as_if_never_stopped(refresh):
    """Five steps, saved and loaded, two more: bit for bit the seven of an unbroken run; another seed is another run."""
    source, flats = problem(), []
    settings = {"preconditioner": "hessian-diagonal", "beta": 0.9, "probes": 2, "refresh": refresh, "rho": 5.0}
    for seed, cut in ((4, 7), (4, 5), (5, 7)):
        twin = Twin(source)
        optimizer = PISA(twin.parameters(), LR, seed=seed, **settings)
        train(optimizer, twin, cut, refresh)
        if cut < 7:
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = PISA(twin.parameters(), preconditioner="hessian-diagonal")
            optimizer.load_state_dict(saved)
            torch.randn(3)
            train(optimizer, twin, 7 - cut, refresh)
        flats.append(twin.flat())
    assert np.array_equal(flats[0], flats[1])
    assert not np.array_equal(flats[0], flats[2])

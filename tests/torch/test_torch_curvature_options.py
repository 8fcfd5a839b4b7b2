"""Second-order preconditioners for torch: what is asked of a user, settings and their domains, the solver."""

import numpy as np
import pytest
import torch
from torch import nn
from torch_twin_cases import Twin, problem

from pisa_lab.torch import PISA, hessian_product
from pisa_lab.torch._conjugate import conjugate_gradients


@pytest.mark.parametrize("name", ["hessian-diagonal", "gauss-newton"])
def test_missing_curvature_is_said_and_nothing_moves(name):
    twin = Twin(problem())
    optimizer = PISA(twin.parameters(), preconditioner=name)
    before = twin.flat()
    for _ in range(2):
        with pytest.raises(ValueError, match=f"curvature: '{name}' needs one"):
            optimizer.step(lambda: twin.loss().backward())
    assert np.array_equal(twin.flat(), before)
    assert float(optimizer.state[twin.W1]["step"]) == 0


def test_a_curvature_of_the_wrong_shape_is_said():
    twin = Twin(problem())
    optimizer = PISA(twin.parameters(), preconditioner="gauss-newton")
    twin.loss().backward()
    with pytest.raises(ValueError, match="curvature: its products are shaped"):
        optimizer.step(curvature=lambda params, vectors: [vector[:1] for vector in vectors])


@pytest.mark.parametrize("name", ["hessian-diagonal", "gauss-newton", "kronecker"])
def test_complex_parameters_are_refused(name):
    param = nn.Parameter(torch.ones(3, dtype=torch.complex64))
    param.grad = torch.ones_like(param)
    with pytest.raises(ValueError, match="params: one is complex"):
        PISA([param], preconditioner=name).step(curvature=lambda params, vectors: vectors)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("hessian-diagonal", "probes", 0),
        ("hessian-diagonal", "refresh", 0),
        ("hessian-diagonal", "seed", -1),
        ("gauss-newton", "solver_steps", 0),
        ("gauss-newton", "solver_tolerance", 1.0),
        ("gauss-newton", "maximize", True),
        ("kronecker", "power", 0.6),
        ("kronecker", "largest", 0),
        ("orthogonal", "matrix_beta", 1.0),
        ("orthogonal", "elementwise_lr", -1.0),
        ("orthogonal", "ns_dtype", torch.int8),
    ],
)
def test_settings_outside_their_domain_are_named(name, key, value):
    with pytest.raises(ValueError, match=rf"^{key}: "):
        PISA([nn.Parameter(torch.ones(2))], preconditioner=name, **{key: value})


def test_a_setting_of_another_preconditioner_is_no_argument():
    with pytest.raises(TypeError, match="'probes'"):
        PISA([nn.Parameter(torch.ones(2))], preconditioner="kronecker", probes=2)
    with pytest.raises(TypeError, match="'clip'"):
        PISA([nn.Parameter(torch.ones(2))], preconditioner="gauss-newton", clip=1.0)


def test_maximizing_takes_the_curvature_of_the_negative():
    """On −½wᵀAw climbing is descending on ½wᵀAw; the positive part is then that of A."""
    paths = []
    for sign, maximize in ((1.0, False), (-1.0, True)):
        param, values = nn.Parameter(torch.ones(3, dtype=torch.float64)), torch.tensor([0.5, 1.0, 2.0]).double()

        def loss(param=param, values=values, sign=sign):
            return sign * (values * param * param).sum() / 2

        optimizer = PISA([param], 0.3, preconditioner="hessian-diagonal", maximize=maximize, probes=None)
        for _ in range(5):
            param.grad = torch.autograd.grad(loss(), param)[0]
            optimizer.step(curvature=hessian_product(loss))
        paths.append(param.detach())
    assert torch.equal(paths[0], paths[1])
    assert paths[0].norm() < 1.7


def test_conjugate_gradients_stop_where_told():
    """Exact after as many steps as there are distinct eigenvalues; truncated, not astray, where A is not positive."""
    values = torch.tensor([1.0, 3.0, 3.0, 9.0], dtype=torch.float64)
    right, calls = [torch.ones(4, dtype=torch.float64)], []

    def product(vectors):
        calls.append(1)
        return [values * vectors[0]]

    settings = {"steps": 50, "tolerance": 1e-12, "floor": 1.0}
    torch.testing.assert_close(conjugate_gradients(product, right, **settings)[0], 1 / values, rtol=0, atol=1e-12)
    assert len(calls) == 3
    loose = conjugate_gradients(product, right, **{**settings, "tolerance": 0.5})[0]
    assert 1e-3 < (values * loose - 1).norm() <= 0.5 * 2.0
    flat = conjugate_gradients(lambda vectors: [-vectors[0]], right, **{**settings, "floor": 2.0})[0]
    assert torch.equal(flat, right[0] / 2)
    zero = conjugate_gradients(product, [torch.zeros(4, dtype=torch.float64)], **settings)[0]
    assert not zero.any()


def test_kronecker_goes_on_after_loading_between_two_refreshes():
    source, flats = problem(), []
    for cut in (6, 2):
        twin = Twin(source)
        optimizer = PISA(twin.parameters(), 0.1, preconditioner="kronecker", refresh=4, beta=0.9)
        for number in range(6):
            if number == cut:
                saved = optimizer.state_dict()
                optimizer = PISA(twin.parameters(), preconditioner="kronecker")
                optimizer.load_state_dict(saved)
            optimizer.zero_grad()
            twin.loss().backward()
            optimizer.step()
        flats.append(twin.flat())
    assert np.array_equal(*flats)

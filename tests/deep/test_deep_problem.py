"""Torch models as problems: the conformance of `PROBLEMS`, plain autograd as a second opinion, many points at once."""

import types

import numpy as np
import pytest
import test_problems as conformance
import torch
from deep_problem_cases import KINDS, PARTS, OnHost, build, model
from problem_cases import CLIENTS, closeness, indices, points

from pisa_lab.problem import Problem
from problems.deep.problem import load

NONCONVEX = types.SimpleNamespace(convex=False, global_lipschitz=False)
CHECKS = {
    "everything asked for": lambda problem: conformance.test_it_is_a_problem_with_everything_that_checks_ask_for(
        NONCONVEX, problem
    ),
    "gradient": conformance.test_the_gradient_is_the_central_difference_of_the_value,
    "total gradient": conformance.test_weighted_client_gradients_and_ridge_are_the_gradient_of_the_objective,
    "hvp": conformance.test_the_hessian_product_is_the_difference_of_gradients,
    "hessian is symmetric": conformance.test_the_hessian_is_symmetric,
    "batch hvp": conformance.test_batch_hessian_products_average_to_the_full_one,
    "constants on balls": conformance.test_constants_on_balls_grow_with_the_ball,
    "single samples": conformance.test_single_sample_gradients_average_to_the_full_gradient,
    "sample gradients": conformance.test_sample_gradients_average_to_the_batch_gradient,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("kind", ["mlp", "cnn", "gpt"])
def test_a_torch_model_conforms_as_the_families_do(kind, check):
    check(OnHost(build(kind)))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def torch_points(problem, seed, *lead):
    return torch.as_tensor(points(problem, seed, *lead))


def plain(kind, problem, w, rows, weights=(1.0,)):
    """Return value and gradient by ``backward`` on the module itself, without vmap or functional calls."""
    module = model(kind)
    load(module, w)
    value = problem.loss(module(problem.inputs[rows]), problem.targets[rows]).mean()
    gradients = torch.autograd.grad(value, list(module.parameters()))
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    return float(value.detach() + 0.01 * (w @ w)), flat + 0.02 * w


def test_values_and_gradients_are_those_of_the_module(kind):
    problem = build(kind)
    w = torch_points(problem, 1, CLIENTS)
    batch = torch.as_tensor(indices(problem, 2))
    value, full, part = problem.client_value(w), problem.client_grad(w), problem.client_grad(w, batch)
    for client, rows in enumerate(PARTS):
        expected = plain(kind, problem, w[client], rows)
        assert float(value[client]) == pytest.approx(expected[0], rel=1e-13)
        # The same sums in another order: attention by its plain formula, a convolution over all clients' rows.
        assert closeness(full[client], expected[1]) < 1e-13
        assert closeness(part[client], plain(kind, problem, w[client], rows[batch[client]])[1]) < 1e-13


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in ("mlp", "cnn") else pytest.mark.slow) for kind in KINDS]
)
def test_many_points_at_once_are_the_points_one_by_one(kind, shared):
    problem = build(kind)
    size = problem.initial.numel()
    w, v = (torch_points(problem, seed, 2, 2, 1 if shared else CLIENTS) for seed in (3, 4))
    batches = torch.as_tensor(indices(problem, 5, 2, 2))
    for name, number in (("client_grad", 1), ("hvp", 2), ("gauss_newton", 2)):
        method = getattr(problem, name)
        for batch in (None, batches, batches[:1, :1], batches[0, 0]):
            together = method(*(w, v)[:number], batch)
            assert together.shape == (2, 2, CLIENTS, size)
            for place in np.ndindex(2, 2):
                own = None if batch is None else batch.expand(2, 2, *batch.shape[-2:])[place]
                assert closeness(together[place], method(*(w[place], v[place])[:number], own)) < 1e-12
    each = problem.sample_grad(w, batches)
    assert each.shape == (2, 2, CLIENTS, 4, size)
    assert closeness(each.mean(dim=-2), problem.client_grad(w, batches)) < 1e-13
    assert closeness(problem.client_value(w)[1, 0], problem.client_value(w[1, 0])) < 1e-13


def test_only_recurrent_layers_go_point_by_point(kind):
    assert build(kind).pace.together is (kind != "gru")


@pytest.mark.parametrize("chunk", [1, 4])
def test_pieces_add_up(chunk):
    whole, pieces = build("cnn"), build("cnn", chunk=chunk)
    w, v = torch_points(whole, 6, 2, CLIENTS), torch_points(whole, 7, 2, CLIENTS)
    assert closeness(pieces.client_grad(w), whole.client_grad(w)) < 1e-13
    assert closeness(pieces.hvp(w, v), whole.hvp(w, v)) < 1e-12
    assert closeness(pieces.outputs(w, whole.inputs), whole.outputs(w, whole.inputs)) < 1e-13


def test_gauss_newton_is_symmetric_not_negative_and_the_hessian_of_a_linear_model(kind):
    problem = build(kind)
    w, u, v = (torch_points(problem, seed, CLIENTS) for seed in (8, 9, 10))
    left, right = (torch.sum(a * problem.gauss_newton(w, b), dim=-1) for a, b in ((u, v), (v, u)))
    assert closeness(left, right) < 1e-12
    assert torch.all(torch.sum(v * problem.gauss_newton(w, v), dim=-1) > 0)
    # In the last bias the outputs are linear, so that there the two products agree; elsewhere they do not.
    at = torch.zeros_like(w)
    at[:, -1] = 1.0
    if problem.blocks[-1][0].endswith("bias"):
        assert closeness(problem.gauss_newton(w, at)[:, -1], problem.hvp(w, at)[:, -1]) < 1e-12
    assert closeness(problem.gauss_newton(w, v), problem.hvp(w, v)) > 1e-3


def test_the_same_seed_gives_the_same_problem_and_another_one_another():
    first, again, other = (build("cnn", seed) for seed in (0, 0, 1))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.initial, again.initial)
    assert not torch.equal(first.initial, other.initial)
    w = torch_points(first, 11, 1)
    assert torch.equal(first.client_grad(w), again.client_grad(w))


def test_single_precision_stays_single():
    problem, exact = build("cnn", dtype=torch.float32), build("cnn")
    assert isinstance(problem, Problem)
    w = torch_points(exact, 12, CLIENTS)
    batch = torch.as_tensor(indices(exact, 13))
    for call in (
        lambda p, w: p.client_value(w),
        lambda p, w: p.client_grad(w, batch),
        lambda p, w: p.sample_grad(w, batch),
        lambda p, w: p.hvp(w, w),
        lambda p, w: p.gauss_newton(w, w, batch),
    ):
        found = call(problem, w.float())
        assert found.dtype == torch.float32
        # 7 digits, and some hundred additions of numbers of size one.
        assert closeness(found, call(exact, w)) < 1e-4
    assert problem.weights.dtype == problem.inputs.dtype == problem.initial.dtype == torch.float32


def test_predictions_and_their_accuracy():
    problem = build("gpt")
    w = torch_points(problem, 14, 3)
    outputs = problem.outputs(w, problem.inputs)
    assert outputs.shape == (3, 20, 5, 9)
    assert torch.equal(problem.predict(w, problem.inputs), outputs.argmax(dim=-1))
    found = problem.accuracy(w, problem.inputs, problem.predict(w[1], problem.inputs))
    assert float(found[1]) == 1.0
    assert float(found[0]) < 1.0
    assert problem.task == "multiclass"
    rest = build("regression")
    assert rest.task == "regression"
    assert rest.predict(rest.initial, rest.inputs).shape == (20, 3)
    with pytest.raises(ValueError, match=r"^accuracy: a regression has none"):
        rest.accuracy(rest.initial, rest.inputs, rest.targets)

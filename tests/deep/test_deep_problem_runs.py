"""Deep problems in the laboratory: runs, residuals, costs, every method and preconditioner, transforms."""

import numpy as np
import pytest
import torch
from counting import Counted
from deep_problem_cases import build
from problem_cases import closeness

from pisa_lab import PISA, nsisa, residuals, run, sisa
from pisa_lab._array import to_numpy
from pisa_lab.lagrangian import augmented_lagrangian
from pisa_lab.methods import METHODS, Settings
from pisa_lab.preconditioners import PRECONDITIONERS
from pisa_lab.problem import heterogeneity, objective, total_gradient
from pisa_lab.sampling import Reshuffled
from problems import transforms

MEASURES = ("objective", "stationarity", "local", "consensus", "aggregate", "lagrangian")


@pytest.mark.parametrize("name", ["sisa", "nsisa"])
@pytest.mark.parametrize("kind", ["mlp", "cnn", "gpt"])
def test_a_run_learns_and_its_ledger_counts(kind, name):
    problem = build(kind)
    method = {"sisa": sisa(4.0), "nsisa": nsisa(20.0, blocks=problem.blocks)}[name]
    result = run(method, problem, steps=20, batches=3, measures=MEASURES, every=10)
    assert result.status == "FINISHED"
    assert result.last("objective") < result.history["objective"][0] - 0.04
    assert all(np.all(np.isfinite(result.history[measure])) for measure in MEASURES)
    assert result.ledger["gradients"][-1] == 20 * 3
    assert result.ledger["samples"][-1] == 20 * 3 * 3
    assert result.ledger["bytes_up"][-1] == 20 * 3 * 8 * problem.initial.numel()
    assert result.rows()[-1]["aggregate"] == pytest.approx(float(result.last("aggregate")))


def test_the_residuals_are_what_they_say():
    problem = build("cnn")
    state = run(sisa(4.0), problem, steps=5).state
    gradients = problem.client_grad(state.consensus + state.deviation)
    alpha, duals = to_numpy(problem.weights), to_numpy(state.multiplier)
    local = np.sqrt(sum(a * np.sum(row**2) for a, row in zip(alpha, to_numpy(gradients) + duals, strict=True)))
    assert float(residuals.local_residual(problem, state)) == pytest.approx(local, rel=1e-12)
    gap = problem.ridge * to_numpy(state.consensus) - alpha @ duals
    assert float(residuals.aggregate_residual(problem, state)) == pytest.approx(np.linalg.norm(gap), rel=1e-12)
    assert float(augmented_lagrangian(problem, state)) < float(objective(problem, problem.initial))
    assert float(heterogeneity(problem, state.consensus)) > 0


def test_full_gradients_drive_all_three_residuals_down():
    result = run(sisa(2.0, rho=0.5), build("mlp", ridge=0.3), steps=150, measures=MEASURES, every=(1, 150))
    for name in ("stationarity", "local", "consensus", "aggregate"):
        assert result.last(name) < 0.05 * result.history[name][1], name


def test_replicates_are_runs_of_their_own():
    problem, method = build("gpt"), sisa(4.0)
    together = run(method, problem, steps=4, batches=3, seeds=2, seed=5)
    for place, seed in enumerate((5, 6)):
        alone = run(method, problem, steps=4, batches=3, seed=seed)
        assert closeness(together.state.consensus[place], alone.state.consensus) < 1e-13
        assert together.ledger["samples"][-1][place] == alone.ledger["samples"][-1]
    assert closeness(together.state.consensus[0], together.state.consensus[1]) > 1e-3


def test_a_run_resumes_bit_for_bit_and_a_rule_draws_its_batches():
    problem, method, rule = build("cnn"), sisa(4.0), Reshuffled(2)
    whole = run(method, problem, steps=6, batches=rule)
    half = run(method, problem, steps=3, batches=rule)
    rest = run(method, problem, steps=3, batches=rule, state=half.state, spent=half.ledger)
    assert torch.equal(rest.state.consensus, whole.state.consensus)
    assert torch.equal(rest.state.multiplier, whole.state.multiplier)
    assert rest.ledger["samples"][-1] == whole.ledger["samples"][-1]


def test_a_counter_counts():
    problem = Counted(build("mlp"))
    w = problem.initial[None]
    problem.client_grad(w)
    problem.client_grad(w, torch.zeros(3, 2, dtype=torch.int64))
    problem.client_value(w)
    problem.hvp(w, w)
    assert problem.counts == {"gradients": 6, "values": 3, "hvps": 3, "samples": 20 + 6}


@pytest.mark.parametrize("batches", [pytest.param(None, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("row", PRECONDITIONERS, ids=lambda row: row.name)
def test_every_preconditioner_takes_a_deep_problem(row, batches):
    problem = build("mlp")
    method = PISA(penalty=8.0, rho=0.5, preconditioner=row.build(problem))
    result = run(method, problem, steps=3, batches=batches, seeds=2)
    assert result.status == "FINISHED"
    # Rounds are small steps downhill, or for NSISA of a length that does not depend on the gradient's.
    assert np.all(result.last("objective") < result.history["objective"][0] + 0.05)
    assert (result.ledger["hvps"][-1] > 0).all() == (row.needs in ("hvp", "gauss_newton"))


@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
def test_every_method_takes_a_deep_problem_or_says_what_it_misses(row):
    problem = build("mlp")
    method = row.build(problem, Settings(penalty=100.0))
    if row.name == "exact-admm":
        with pytest.raises(ValueError, match=r"^problem: exact ADMM needs a global Lipschitz constant"):
            run(method, problem, steps=1)
        return
    result = run(method, problem, steps=3)
    assert result.status == "FINISHED"
    assert result.last("objective") < result.history["objective"][0]


def test_transforms_take_a_deep_problem():
    problem = build("cnn")
    w, method, at = problem.initial, PISA(penalty=4.0), {"steps": 5, "every": 5}
    expected = run(method, problem, **at).state.consensus
    for view in (
        transforms.permute_clients(problem, (2, 0, 1)),
        transforms.split_client(problem, 1),
        transforms.merge_clients(problem),
    ):
        assert closeness(run(method, view, **at).state.consensus, expected) < 1e-12
    moved = transforms.shift(problem, np.full(len(w), 0.5))
    assert closeness(moved.client_grad(w[None] + 0.5), problem.client_grad(w[None])) < 1e-12
    assert torch.equal(moved.predict(w + 0.5, problem.inputs), problem.predict(w, problem.inputs))
    assert closeness(transforms.scale(problem, 2.0).hvp(w[None], w[None]), 2 * problem.hvp(w[None], w[None])) < 1e-12
    with_ridge = transforms.with_ridge(problem, 0.7)
    assert closeness(total_gradient(with_ridge, w) - total_gradient(problem, w), (0.7 - problem.ridge) * w) < 1e-12
    assert transforms.with_weights(problem, (0.2, 0.2, 0.6)).blocks == problem.blocks
    noisy = transforms.with_noise(problem, 0.1, samples=8)
    rows = torch.arange(8).expand(3, 8)
    assert closeness(noisy.client_grad(w[None], rows), problem.client_grad(w[None])) < 1e-12
    split = transforms.split_client(problem, 1)
    batch = torch.tensor([[0, 1], [3, 4], [5, 8], [0, 2]])
    assert closeness(split.client_grad(w[None], batch)[1], problem.client_grad(w[None], batch[[0, 1, 3]])[1]) < 1e-13

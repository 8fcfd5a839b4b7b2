"""The monitor changes nothing, names each planted violation, is silent on good runs, and its figures are right."""

import math

import numpy as np
import pytest
from monitor_cases import known, separable, watched
from small import quadratics

from pisa_lab import PISA, Status, augmented_lagrangian, run, sisa
from pisa_lab._array import to_numpy
from pisa_lab.lagrangian import lyapunov
from pisa_lab.monitor import MEANINGS, Hypothesis, Monitor
from pisa_lab.preconditioners import Hessian, KroneckerFactored, SecondMoment
from problems.table import by_name
from problems.transforms import on_backend
from proofs_check.theory import lyapunov_monitor


def test_summable_steps_are_a_note_and_no_violation():
    _, monitor = watched(PISA(penalty=4.0, penalty_ratio=0.9), quadratics(), steps=40, seeds=2)
    assert monitor.violations() == []
    assert [(note.hypothesis, note.seed) for note in monitor.notes()] == [
        (Hypothesis.SUMMABLE_STEPS, s) for s in (0, 1)
    ]
    assert "Σ1/σ finite" in monitor.notes()[0].statement
    assert watched(PISA(penalty=4.0, penalty_ratio=1.0), quadratics(), steps=40)[1].notes() == []


def test_figures_of_the_descent_are_those_of_the_library():
    problem = known()
    method, states = sisa(8.0, rho=0.5, clip=0.4), []
    monitor = Monitor(problem, method, every=1, certified=0.25)

    def both(before, after):
        states.append((before, after))
        return monitor(before, after)

    run(method, problem, steps=6, callback=both)
    for row, (before, after) in zip(monitor.rows, states, strict=True):
        values = [lyapunov(problem, s, 0.5 * s.preconditioner.form.entries * s.deviation) for s in (before, after)]
        assert row["lagrangian"] == float(augmented_lagrangian(problem, after))
        assert row["lyapunov"] == float(values[1])
        travel = 0.0
        for i, alpha in enumerate(problem.weights):
            step = np.sum((after.consensus - before.consensus) ** 2)
            moves = np.sum((after.local[i] - before.local[i]) ** 2)
            travel += alpha * ((after.penalty[i] + 2 * problem.ridge) * step + after.penalty[i] * moves)
        assert row["fall"] == pytest.approx(float(values[0] - values[1]), rel=1e-9)
        assert row["decrease_constant"] == pytest.approx(row["fall"] / travel, rel=1e-9)
        assert row["certified_constant"] == 0.25
    # σ = 8L and ρη ≤ σ/4: the reconstructed lemma's constant holds; the first round starts from π⁰ = 0.
    assert all(row["decrease_constant"] >= 0.25 for row in monitor.rows[1:])


def test_a_certificate_of_the_checks_is_evaluated():
    problem = known(ridge=0.0)
    method = PISA(penalty=4.0)
    _, monitor = watched(method, problem, steps=30, every=3, certificate=lyapunov_monitor(problem, 0.0))
    margins = [row["certificate_margin"] for row in monitor.rows]
    assert all(margin >= -1e-12 for margin in margins)
    assert any(math.isfinite(margin) for margin in margins)
    assert all(math.isnan(row["certificate_margin"]) for row in watched(method, problem, steps=30)[1].rows)


def test_residuals_radius_and_constants_of_a_quadratic():
    problem = known()
    largest = float(np.max(problem.lipschitz))
    result, monitor = watched(PISA(penalty=4.0), problem, steps=60, every=20)
    row = monitor.rows[-1]
    for name in ("local", "consensus", "aggregate", "stationarity"):
        assert row[name] == float(result.last(name))
    assert row["radius"] >= np.linalg.norm(result.state.consensus - problem.initial) - 1e-12
    # Lower bounds of L, and not useless ones: these quadratics are shaken in every direction.
    for name in ("lipschitz_secant", "lipschitz_fine"):
        assert 0.2 * largest < row[name] <= largest * (1 + 1e-6)
    assert abs(row["quotient_growth"]) < 1e-4
    assert math.isnan(row["lipschitz_hvp"])


def test_power_iteration_comes_near_the_norm_of_the_hessian_from_below():
    problem = by_name("quadratic").build(0, 3)
    _, monitor = watched(PISA(penalty=20.0), problem, steps=60, every=10)
    largest = float(np.max(problem.lipschitz))
    assert 0.95 * largest < monitor.rows[-1]["lipschitz_hvp"] <= largest * (1 + 1e-12)


def test_disagreement_is_a_lower_bound_that_only_grows():
    problem = by_name("logistic").build(0, 3)
    _, monitor = watched(sisa(4.0), problem, steps=60, every=10, batches=2)
    values = [row["disagreement"] for row in monitor.rows]
    assert values == sorted(values)
    spread = np.max(np.linalg.norm(to_numpy(problem.features), axis=-1))
    # Slopes of the logistic loss lie in [−1, 0], so that two batch gradients differ by at most 2 max‖x‖.
    assert 0 < values[-1] <= 2 * spread
    assert math.isnan(watched(sisa(4.0), problem, steps=20)[1].rows[0]["disagreement"])


@pytest.mark.parametrize(
    "preconditioner", [SecondMoment(clip=0.4), Hessian(clip=0.3), KroneckerFactored(), None], ids=str
)
def test_eigenvalue_bounds_are_those_of_the_form(preconditioner):
    problem = by_name("quadratic").build(0, 3)
    method = PISA(penalty=20.0, rho=1.0, **({} if preconditioner is None else {"preconditioner": preconditioner}))
    if isinstance(preconditioner, KroneckerFactored):
        method = PISA(penalty=20.0, preconditioner=KroneckerFactored(blocks=(("w", tuple(problem.initial.shape)),)))
    result, monitor = watched(method, problem, steps=20, seeds=2)
    for place, row in enumerate(monitor.rows):
        vectors = np.eye(problem.initial.shape[0])
        images = [
            to_numpy(method.preconditioner.apply(result.state.preconditioner, np.broadcast_to(v, (2, 3, v.size))))[
                place
            ]
            for v in vectors
        ]
        values = np.linalg.eigvalsh(np.stack(images, axis=-1))
        assert row["metric_least"] == pytest.approx(values.min(), abs=1e-9)
        assert row["metric_largest"] == pytest.approx(values.max(), rel=1e-9, abs=1e-9)


def test_the_sandwich_is_seen_through_mini_batches_exactly():
    """SISA dressed as NSISA leaves the gradient alone: then π+g = π+o, which the redrawn batches must show."""

    class Dressed(SecondMoment):
        @property
        def replaces_gradient(self):
            return True

    problem = quadratics()
    for settings in ({}, {"penalty_ratio": 0.9, "penalty_update": "after_solve"}, {"first": "client"}):
        method = PISA(penalty=4.0, rho=1.0, preconditioner=Dressed(), **settings)
        _, monitor = watched(method, problem, steps=30, every=10, batches=4, seeds=2, seed=3, experiment=7)
        assert all(row["same_sign"] == row["sandwiched"] == 1.0 for row in monitor.rows)
        assert monitor.violations() == []
    other = Monitor(problem, method, every=10, batches=4, seeds=2, seed=3, experiment=8)
    run(method, problem, steps=30, batches=4, seeds=2, seed=3, experiment=7, callback=other)
    assert other.first_violation.hypothesis is Hypothesis.SIGN


def test_a_run_can_be_stopped_at_the_first_violation():
    result, monitor = watched(PISA(penalty=2.0), separable(0.0), steps=400, every=7, stop=True)
    assert result.status is Status.CALLBACK
    assert result.iterations == monitor.first_violation.iteration == 7


def test_a_diverging_seed_is_named_and_the_others_are_not():
    problem = quadratics()
    method = PISA(penalty=((0.05,), (4.0,)))
    result, monitor = watched(method, problem, steps=2000, seeds=2)
    assert result.status is Status.NON_FINITE
    assert {(finding.hypothesis, finding.seed) for finding in monitor.violations()} == {(Hypothesis.BOUNDED_SET, 0)}


def test_every_array_library_gives_the_same_rows(library):
    problem = by_name("logistic").build(0, 3)
    there = on_backend(problem, library)
    method = sisa(2.0, scheme="I")
    rows = [watched(method, p, steps=40, batches=2, seeds=2)[1].rows for p in (problem, there)]
    # Quotients of nearby gradients lose half the digits; all else agrees to rounding over forty rounds.
    for mine, other in zip(*rows, strict=True):
        for name in mine:
            tolerance = 1e-4 if name.startswith(("lipschitz", "quotient")) else 1e-9
            assert other[name] == pytest.approx(mine[name], rel=tolerance, abs=1e-6, nan_ok=True), name


def test_float32_runs_raise_nothing():
    problem = on_backend(by_name("logistic").build(0, 3), "numpy", dtype="float32")
    _, monitor = watched(sisa(2.0, clip=0.5), problem, steps=200, batches=4, seeds=20)
    assert monitor.violations() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("every", 0), ("metric_bound", -1.0), ("ball", 0.0), ("lipschitz", math.nan), ("certified", "x"), ("seeds", 0)],
)
def test_bad_arguments_are_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        Monitor(quadratics(), **{name: value})


def test_every_hypothesis_has_a_meaning():
    assert set(MEANINGS) == set(Hypothesis)


def test_other_seeds_than_the_runs_are_named():
    problem = known()
    with pytest.raises(ValueError, match=r"^seeds: "):
        run(PISA(penalty=4.0), problem, steps=2, seeds=3, callback=Monitor(problem))

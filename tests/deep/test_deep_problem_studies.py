"""Families of deep models as problems: what the trainer minimises, and rows of an ablation."""

import functools
import sys

import pytest
import torch
from deep_cases import data, short
from deep_problem_cases import build
from small_study import document, numbers, stored

import problems.deep
from pisa_lab import run, sisa
from pisa_lab.ablation import Arena, Store, Unavailable, run_study, study_from
from pisa_lab.problem import objective
from pisa_lab.sampling import Reshuffled
from problems.deep import tasks
from problems.deep.problem_arenas import configured_problem
from problems.deep.trainer import train
from problems.studies import arenas, resolve

DIGITS = {"family": "vision", "model": "cnn", "size": "tiny", "clients": 3, "partition": "dirichlet:0.5", "rows": 40}
METHODS = [
    {"name": "sisa", "method": "sisa", "grid": "damped"},
    {"name": "nsisa", "method": "nsisa", "grid": "damped"},
    {"name": "fisher", "preconditioner": "fisher-diagonal", "grid": "damped"},
    {"name": "fedsgd", "method": "fedsgd", "grid": "plain"},
]


def study(**problem):
    row = {"name": "deep", "title": "a network", "batch": 2, "outcome": "validation", **problem}
    evaluation = {"seeds": 2, "instances": 1, "replicates": 5, "reference": "fedsgd"}
    grids = {"damped": {"penalties": [2, 4], "rhos": [1]}, "plain": {"penalties": [1, 4]}}
    return study_from(
        document(problems=[row], methods=METHODS, evaluation=evaluation, grids=grids, variants={}, tuning={"seeds": 1})
    )


@functools.cache
def mlp_arena(name, instance):
    """Return a problem built in Python: a resolver may return any."""
    problem, held = build("mlp", instance % 100), build("mlp", 100 + instance % 100)
    finals = {"validation": lambda _, state: objective(held, state.consensus)}
    return Arena(problem=problem, scale=arenas.curvature(problem), finals=finals)


def by_hand(settings, instance):
    return mlp_arena(settings["family"], instance)


def test_an_ablation_takes_a_problem_built_in_python(tmp_path):
    small = study(family="mine")
    with Store(tmp_path / "deep.sqlite") as store:
        end = run_study(small, resolve=by_hand, store=store)
        # Two settings of four methods on one tuning seed, then the chosen ones on two seeds.
        assert end.done == end.total == 4 * 2 + 4 * 2
        assert {row["status"] for row in stored(store)} == {"FINISHED"}
        measured = store.select("SELECT value FROM measures WHERE measure = 'validation'")
        assert len({row["value"] for row in measured}) == 16
        with Store(tmp_path / "again.sqlite") as other:
            run_study(small, resolve=by_hand, store=other)
            assert numbers(other) == numbers(store)


@pytest.mark.slow
def test_an_ablation_takes_a_family_of_deep_models_by_name(tmp_path):
    with Store(tmp_path / "digits.sqlite") as store:
        end = run_study(study(**DIGITS, score="test_error"), resolve=resolve, store=store)
        assert end.done == end.total == 16
        assert {row["status"] for row in stored(store)} == {"FINISHED"}
        measures = {row["measure"] for row in store.select("SELECT DISTINCT measure FROM measures")}
    wanted = {"objective", "stationarity", "validation", "validation_error", "test_loss", "test_error"}
    assert measures == wanted


def test_settings_that_do_not_fit_are_named_and_missing_torch_is_said(monkeypatch):
    for change, message in (
        ({"model": "vgg"}, "model: 'vgg' is not one of"),
        ({"size": "huge"}, "size: 'huge'"),
        ({"family": "sound"}, "family: 'sound'"),
        ({"hidden": 3}, "hidden: not a setting of a deep problem"),
        ({"rows": 0}, "rows: 0 must be"),
        ({"dtype": "float16"}, "dtype: 'float16'"),
        ({"clients": 0}, "clients: 0"),
        ({"ridge": -1.0}, "ridge: -1.0"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            resolve({**DIGITS, **change}, 0)
    monkeypatch.delattr(problems.deep, "problem_arenas")
    monkeypatch.setitem(sys.modules, "problems.deep.problem_arenas", None)
    with pytest.raises(Unavailable, match=r"deep models need torch; pip install -e '.\[torch\]'"):
        resolve({**DIGITS, "rows": 30}, 0)


def test_the_scale_of_penalties_is_the_largest_eigenvalue_of_the_hessian():
    problem = build("mlp", ridge=0.3)
    size = len(problem.initial)
    columns = problem.hvp(problem.initial.expand(size, 1, size), torch.eye(size, dtype=torch.float64)[:, None])
    hessian = torch.einsum("i,jip->jp", problem.weights, columns) + 0.3 * torch.eye(size)
    # Sixty steps of power iteration leave (second/first)^120 of the gap.
    assert arenas.curvature(problem) == pytest.approx(float(torch.linalg.eigvalsh(hessian).abs().max()), rel=1e-3)


@pytest.mark.slow
def test_an_arena_has_the_held_out_losses_of_its_family():
    arena = resolve({**DIGITS, "dtype": "float64", "ridge": 0.1, "rows": 15, "partition": "iid"}, 3)
    problem = arena.problem
    assert problem.sizes == (5, 5, 5)
    state = run(sisa(arena.scale), problem, steps=2, seeds=2, batches=3, measures=("objective",)).state
    finals = {name: measure(problem, state) for name, measure in arena.finals.items()}
    assert all(values.shape == (2,) for values in finals.values())
    assert finals["validation"][0] != finals["validation"][1]
    assert torch.all((finals["test_error"] >= 0) & (finals["test_error"] <= 1))
    single = resolve({**DIGITS, "dtype": "float32", "rows": 15}, 3).problem
    assert single.initial.dtype == torch.float32


@pytest.mark.parametrize(
    ("family", "clients"),
    [("vision", 3), *(pytest.param(*row, marks=pytest.mark.slow) for row in (("vision", 1), ("language", 2)))],
)
def test_the_trainer_walks_the_path_of_the_core_on_its_problem(family, clients):
    settings = (("lr", 0.5), ("penalty", 4.0), ("rho", 20.0))
    configuration = short(family, optimizer="sisa-published", settings=settings, clients=clients, seed=2)
    rows = train(configuration, data(family))
    problem = configured_problem(configuration)
    method = sisa(8.0, rho=40.0, first="client")
    # The trainer's mini-batches: an epoch at a time, from the stream that its experiment names.
    drawn = {"batches": Reshuffled(configuration.batch), "experiment": tasks._EXPERIMENT, "seed": configuration.seed}
    w = run(method, problem, steps=configuration.rounds, measures=("objective",), **drawn).state.consensus
    held = data(family)
    inputs, targets = held.batch("validation", torch.arange(len(held.validation)), "cpu")
    losses = [float(problem.loss(problem.outputs(at, inputs), targets).mean()) for at in (problem.initial, w)]
    # The trainer computes in single precision.
    assert rows[0]["validation_loss"] == pytest.approx(losses[0], rel=1e-5)
    assert rows[-1]["validation_loss"] == pytest.approx(losses[1], rel=1e-4)
    assert losses[1] < losses[0] - 1e-3

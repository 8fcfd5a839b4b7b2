"""The comparison: equal budgets, the choice on validation, fresh seeds, summaries with intervals, and the figure."""

import json
import math

import pytest
from deep_cases import BASELINES, OWN, data, short

from problems.deep import comparison, optimizers
from problems.deep.comparison import Plan, best_loss, compare
from problems.deep.figures import comparison_figure
from problems.deep.summaries import interval, summaries


def plan(**values):
    base = short(rounds=4, evaluations=2)
    return Plan(**{"base": base, "names": ("adamw", "sgd"), "given": {}, "seeds": (1, 2, 3), **values})


@pytest.fixture(scope="module")
def rows():
    """The rows of a small tuned comparison."""
    return compare(plan(tune=3), data())


@pytest.mark.parametrize("row", optimizers.OPTIMIZERS, ids=lambda row: row.name)
@pytest.mark.parametrize("trials", [1, 2, 5, 9])
def test_every_optimizer_gets_as_many_trials_around_its_defaults(row, trials):
    grid = row.grid(trials)
    assert len(grid) == len({json.dumps(settings, sort_keys=True) for settings in grid}) == trials
    assert grid[0] == pytest.approx(row.defaults)
    tuned = {axis.setting for axis in row.axes}
    for settings in grid:
        assert settings.keys() == row.defaults.keys()
        assert all(settings[name] == row.defaults[name] for name in settings if name not in tuned)


def test_a_grid_is_a_ladder_on_one_axis_and_a_square_on_two():
    one, two = optimizers.by_name("adamw"), optimizers.by_name("sisa-published")
    steps = sorted(settings["lr"] / one.defaults["lr"] for settings in one.grid(5))
    assert steps == pytest.approx([0.25, 0.5, 1, 2, 4])
    pairs = {(round(s["lr"] / two.defaults["lr"], 6), round(s["rho"] / two.defaults["rho"], 6)) for s in two.grid(9)}
    assert len({lr for lr, _ in pairs}) == len({rho for _, rho in pairs}) == 3
    assert one.grid(3, {"lr": 1.0})[0]["lr"] == 1.0


def test_an_edge_is_the_least_or_greatest_value_tried():
    row = optimizers.by_name("adamw")
    grid = row.grid(3)
    by_rate = sorted(grid, key=lambda settings: settings["lr"])
    assert [row.edges(settings, grid) for settings in by_rate] == [["lr"], [], ["lr"]]
    assert row.edges(grid[0], grid[:1]) == []


def test_the_setting_with_the_least_validation_loss_is_run_on_fresh_seeds(rows):
    for name in ("adamw", "sgd"):
        own = [row for row in rows if row["optimizer"] == name]
        trials = {}
        for row in own:
            if row["phase"] == "tune":
                assert row["seed"] == comparison.TUNING_SEED
                trials.setdefault(json.dumps(row["settings"]), []).append(row)
        assert len(trials) == 3
        best = min(trials, key=lambda settings: best_loss(trials[settings]))
        reported = [row for row in own if row["phase"] == "report"]
        assert {json.dumps(row["settings"]) for row in reported} == {best}
        assert {row["seed"] for row in reported} == {1, 2, 3}
        edge = optimizers.by_name(name).edges(json.loads(best), [json.loads(settings) for settings in trials])
        assert all((row["trials"], row["edge"]) == (3, edge) for row in reported)


def test_a_run_that_breaks_down_is_never_chosen():
    run = [{"validation_loss": 0.1, "status": "RUNNING"}, {"validation_loss": None, "status": "NON_FINITE"}]
    assert best_loss(run) == math.inf
    # A step down the ladder from 1e30 is as wild: where all break down, the one that is reported says so.
    wild = compare(plan(names=("sgd",), given={"lr": 1e30}, tune=2, seeds=(1,)), data())
    assert wild[-1]["status"] == "NON_FINITE"
    assert summaries(wild)[0]["broke"] == 1


def test_progress_is_told_run_by_run():
    told = []
    compare(plan(tune=1, seeds=(5,)), data(), tick=lambda name, done: told.append((name, done)))
    assert told == [(name, done) for name in ("adamw", "sgd") for _ in range(2) for done in (1, 2, 3, 4)]
    assert plan(tune=1, seeds=(5,)).runs == 4


def test_a_finished_comparison_is_read_from_its_checkpoints(tmp_path):
    first = compare(plan(folder=tmp_path), data())
    assert len(list(tmp_path.glob("*.pt"))) == 6
    assert compare(plan(folder=tmp_path, resume=True), data()) == first


def test_intervals_are_students():
    # Of 1, 2, 3: mean 2, deviation 1, t(.975; 2) = 4.302653.
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == pytest.approx(2.0)
    assert half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert interval([4.0]) == (4.0, None)
    assert interval([None, 4.0]) == (4.0, None)
    assert interval([None]) == (None, None)


def test_summaries_say_what_the_seeds_came_to(rows):
    found = summaries(rows)
    assert {row["optimizer"] for row in found} == {"adamw", "sgd"}
    assert found[0]["validation_loss"] <= found[1]["validation_loss"]
    for row in found:
        own = [r for r in rows if r["optimizer"] == row["optimizer"] and r["phase"] == "report"]
        ends = [r for r in own if r["status"] == "FINISHED"]
        assert row["seeds"] == len(ends) == 3
        assert row["test_end"] == pytest.approx(sum(r["test_metric_end"] for r in ends) / 3)
        assert row["bytes"] == 2 * 4 * row["parameters"] * 4
        assert (row["gradients"], row["rounds"], row["trials"], row["broke"]) == (4, 4, 3, 0)


def test_summaries_survive_json_and_keep_settings_apart(rows):
    again = json.loads(json.dumps(rows, allow_nan=False))
    assert summaries(again) == summaries(rows)
    other = compare(plan(names=("adamw",), given={"lr": 0.5}, seeds=(1,)), data())
    assert len(summaries([*rows, *other])) == 3


def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match=r"^rows: none; "):
        summaries([])
    with pytest.raises(ValueError, match=r"^rows: without 'family'"):
        summaries([{"seed": 1}])
    with pytest.raises(ValueError, match=r"^rows: of language and vision"):
        summaries([*rows, {**rows[0], "family": "language"}])


def test_the_figure_shows_a_curve_and_a_band_for_each_optimizer(rows):
    figure = comparison_figure(rows, title="small")
    loss, held_out = figure.axes
    assert held_out.get_title(loc="left") == "Validation loss"
    for axes in (loss, held_out):
        assert len(axes.lines) == 2
        assert len(axes.collections) == 2
        assert sorted(text.get_text() for text in axes.texts) == ["adamw", "sgd"]
    assert list(loss.lines[0].get_xdata()) == [2, 4]


def test_bands_on_a_logarithmic_axis_stay_above_zero(rows):
    scaled = [
        {**row, "train_loss": row["train_loss"] and row["train_loss"] * 1000 ** (row["seed"] - 2)} for row in rows
    ]
    axes = comparison_figure(scaled).axes[0]
    assert axes.get_yscale() == "log"
    for line, band in zip(axes.lines, axes.collections, strict=True):
        own = [row for row in rows if row["phase"] == "report" and row["optimizer"] == line.get_label()]
        for look, shown in zip(line.get_xdata(), line.get_ydata(), strict=True):
            values = [row["train_loss"] for row in own if row["round"] == look]
            assert shown == pytest.approx(math.prod(values) ** (1 / 3))
        assert band.get_paths()[0].vertices[:, 1].min() > 0


def test_curves_of_one_optimizer_over_clients_are_told_apart():
    runs = [
        compare(plan(base=short(rounds=4, evaluations=2, clients=clients), names=("sgd",), seeds=(1,)), data())
        for clients in (1, 2)
    ]
    figure = comparison_figure([row for run in runs for row in run])
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["sgd m = 1", "sgd m = 2"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"names": ("adamw", "lion")}, r"^optimizer: 'lion' is not one of "),
        ({"given": {"rho": 1.0}}, r"^settings: 'rho' is none of adamw's, lr, weight_decay$"),
        ({"tune": 2, "seeds": (0, 1)}, r"^seed: 0 is the one of tuning"),
        ({"tune": -1}, r"^tune: -1 must be"),
    ],
)
def test_plans_that_do_not_do_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        plan(**values)


def test_the_table_has_ours_and_the_baselines():
    assert tuple(row.name for row in optimizers.OPTIMIZERS) == (*OWN, *BASELINES)

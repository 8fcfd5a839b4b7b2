"""The calibration: its synthetic traces are what they say, its counts add up, and the intervals cover."""

import json

import numpy as np
import pytest

from pisa_lab.cli import calibrate
from pisa_lab.inference import calibration, synthetic


@pytest.mark.parametrize("noise", synthetic.NOISES)
@pytest.mark.parametrize("truth", synthetic.TRUTHS)
def test_traces_have_the_rate_they_say(noise, truth):
    rng = np.random.default_rng(0)
    found = synthetic.draw(truth, noise, experiments=4, seeds=200, rng=rng)
    assert found.values.shape == (4, 1000, 200)
    assert np.all(found.values > 0)
    assert found.has_floor == (noise in ("additive floor", "deep floor") and truth != "PLATEAU")
    clock = np.arange(1, 1001.0) if truth == "EXPONENTIAL" else np.log(np.arange(1, 1001.0))
    stop = 30 if found.has_floor and truth == "POWER" else 1000
    medians = np.log(np.median(found.values, axis=2))
    if not found.has_floor:
        # The median over 200 seeds of levels 0.3: 0.03; on the slope of 1000 points far less than 0.03.
        slopes = [np.polyfit(clock[:stop], line[:stop], 1)[0] for line in medians]
        np.testing.assert_allclose(slopes, -found.rate, atol=0.03 if truth != "EXPONENTIAL" else 3e-4)
    else:
        # Flat at the end: what is left of the signal is below the floor's level.
        assert np.all(medians[:, -300:].mean(1) > np.log(0.3) - found.rate * clock[-1])


def test_noise_has_the_spread_and_the_memory_it_says():
    rng = np.random.default_rng(1)
    scale = np.full((3, 1, 1), 0.3)
    for noise in synthetic.NOISES.values():
        drawn = noise(scale, 50, rng)
        # Student's t with 3 degrees has no fourth moment: its spread is known to some 5 % from 50,000 draws.
        assert drawn.std() == pytest.approx(0.3, rel=0.1)
    correlated = synthetic.NOISES["AR(1)"](scale, 50, rng)
    memory = (correlated[:, 1:] * correlated[:, :-1]).mean((1, 2)) / (correlated**2).mean((1, 2))
    assert np.all((memory > 0.45) & (memory < 0.97))
    assert correlated[:, 0].std() == pytest.approx(0.3, rel=0.2)


def test_chunks_hold_every_experiment_once():
    work = calibration.tasks(experiments=1001, seed=3)
    for noise in synthetic.NOISES:
        for seeds in calibration.SEEDS:
            for truth in synthetic.TRUTHS:
                mine = [task for task in work if (task.noise, task.seeds, task.truth) == (noise, seeds, truth)]
                assert sum(task.experiments for task in mine) == 500
    assert len({task.stream for task in work}) == len(work)


def test_a_chunk_is_counted_the_same_again():
    task = calibration.Task("additive floor", 10, "POWER", 40, (0, 1, 2))
    counts = calibration.counted(task)
    assert counts == calibration.counted(task)
    assert counts.covered + counts.wrong_model <= counts.conclusive <= 40
    assert counts.powerful[0] >= counts.powerful[1]


def test_a_floor_too_many_is_not_covered(monkeypatch):
    honest = calibration.estimates

    def with_a_floor(*arguments, **settings):
        found = honest(*arguments, **settings)
        return found._replace(outcome=np.where(found.outcome == 2, 4, found.outcome))

    task = calibration.Task("log-normal", 10, "EXPONENTIAL", 40, (0,))
    assert calibration.counted(task).covered >= 34
    monkeypatch.setattr(calibration, "estimates", with_a_floor)
    counts = calibration.counted(task)
    assert counts.covered == 0
    assert counts.wrong_model == counts.conclusive >= 38


def test_rows_are_shares_of_what_was_counted():
    work = [calibration.Task("AR(1)", 10, truth, 10, ()) for truth in synthetic.TRUTHS]
    results = [
        calibration.Counts(8, 7, 1, 1, (6, 5)),
        calibration.Counts(10, 9, 0, 0, (10, 9)),
        calibration.Counts(9, 5, 3, 6, (0, 0)),
    ]
    (row,) = calibration.calibration_rows(work, results)
    assert row["coverage"] == pytest.approx(16 / 18)
    assert row["coverage_power"] == pytest.approx(7 / 8)
    assert row["inconclusive"] == pytest.approx(0.1)
    assert row["wrong_model"] == pytest.approx(0.05)
    assert row["false_alarms"] == pytest.approx(0.05)
    assert (row["power"], row["power_close"]) == pytest.approx((0.8, 0.7))
    assert (row["experiments"], row["plateaus"]) == (20, 10)
    assert row["false_decays"] == pytest.approx(0.3)
    assert row["plateaus_inconclusive"] == pytest.approx(0.1)


def test_wrong_intervals_would_be_seen(monkeypatch):
    monkeypatch.setattr(calibration, "LEVEL", 0.5)
    counts = calibration.counted(calibration.Task("log-normal", 10, "EXPONENTIAL", 300, (0,)))
    # 300 trials: standard error 3 %.
    assert 0.4 < counts.covered / counts.conclusive < 0.6


def test_a_small_calibration_covers():
    work = [
        calibration.Task(noise, 10, truth, 150, (5, place, kind))
        for place, noise in enumerate(synthetic.NOISES)
        for kind, truth in enumerate(synthetic.TRUTHS)
    ]
    for row in calibration.calibration_rows(work, map(calibration.counted, work)):
        # 300 decaying experiments a row: standard error 1.3 % on coverage.
        assert 0.9 <= row["coverage"] <= 0.99
        assert row["inconclusive"] <= 0.1
        assert row["false_alarms"] == 0
        assert row["false_decays"] <= 0.05


def test_the_command_prints_and_writes_its_rows(tmp_path, capsys):
    file = tmp_path / "calibration.json"
    code = calibrate.command(json_file=file, experiments=20, seed=0, jobs=1)
    rows = json.loads(file.read_text())
    assert [(row["noise_model"], row["seeds"]) for row in rows] == [
        (noise, seeds) for noise in synthetic.NOISES for seeds in calibration.SEEDS
    ]
    assert {"coverage", "inconclusive", "false_alarms", "power", "version", "commit"} <= set(rows[0])
    good = [
        0.93 <= row["coverage"] <= 0.97 and row["inconclusive"] <= 0.1 and row["false_alarms"] <= 0.05 for row in rows
    ]
    assert code == (0 if all(good) else 1)
    printed = capsys.readouterr().out
    assert f"{sum(good)} of {len(rows)} rows as wanted" in printed
    assert "heavy-tailed" in printed


@pytest.mark.parametrize(
    ("settings", "start"),
    [({"experiments": 2}, "--experiments:"), ({"jobs": 0}, "--jobs:"), ({"seed": -1}, "--seed:")],
)
def test_bad_requests_are_refused(settings, start):
    with pytest.raises(ValueError, match=f"^{start}"):
        calibrate.command(**{"json_file": None, "experiments": 20, "seed": 0, "jobs": 1} | settings)


@pytest.mark.slow
def test_the_full_calibration_is_inside_its_limits(tmp_path):
    file = tmp_path / "calibration.json"
    assert calibrate.command(json_file=file, experiments=calibration.EXPERIMENTS, seed=0, jobs=2) == 0
    for row in json.loads(file.read_text()):
        assert row["experiments"] >= 2000
        assert 0.93 <= row["coverage"] <= 0.97
        assert row["inconclusive"] <= 0.1
        assert row["false_alarms"] <= 0.05
        assert row["false_decays"] <= 0.05
        assert row["power"] >= 0.9

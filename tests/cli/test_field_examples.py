"""Small faults that other projects' users reported, each with the right answer, where no other file has its test."""

import json
import runpy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_cases import call

from pisa_lab import plotting
from pisa_lab.inference import cost_to_target, fit_rate, performance_profile
from pisa_lab.inference.comparison import compare_paired
from problems.linear import logistic

pytestmark = pytest.mark.usefixtures("own_folder")
REFUSED = 2


def refusal(capsys, *words):
    code, _, err = call(capsys, *words)
    assert code == REFUSED
    assert len(err.strip().splitlines()) == 1
    return err


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("--class", "foo"), "--class: 'foo' is not one of"),
        (("--rho", "-1"), "--rho: -1 must be >= 0"),
        (("--ridge", "-1"), "--ridge: -1 must be >= 0"),
        (("--sigma", "0"), "--sigma: 0 must be positive"),
        (("--gamma", "2"), "--gamma: 2 must be in"),
        (("--modulus", "1"), "--modulus: 1 must be"),
        (("--order", "late"), "--order: 'late'"),
        (("--metric", "late"), "--metric: 'late'"),
        (("--initial", "late"), "--initial: 'late'"),
        (("--heterogeneity", "-1"), "--heterogeneity: must be"),
        (("--clients", "100000000"), "--clients: 100000000 must be at most 1000"),
        (("--rounds", "1000"), "--rounds: 1000 must be at most 100"),
    ],
)
def test_a_worst_case_names_the_option(capsys, words, start):
    pytest.importorskip("clarabel")
    assert f"error: {start}" in refusal(capsys, "worst-case", *words)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("--class", "convex", "--sigma", "1.8", "--ridge", ".25", "--rounds", "3"), "5/2"),
        (("--rho", "0,2", "--clients", "2", "--rounds", "3"), "2"),
        (("--ridge", "1000", "--rounds", "1"), "2002"),
    ],
)
def test_the_first_gradient_is_a_certificate_where_no_later_one_is_smaller(capsys, words, value):
    pytest.importorskip("clarabel")
    from proofs_check.certified.checker import verify

    code, out, _ = call(capsys, "worst-case", *words, "--certificate", "c.json", "--json", "row.json")
    assert code == 0
    document = json.loads(Path("c.json").read_text(encoding="utf-8"))
    assert document["bound"] == value
    assert set(document["multipliers"]) == {"metric 0", "infimum 0", "initial"}
    assert verify(Path("c.json").read_text(encoding="utf-8")) in out
    assert "is 0.00% above the worst case" in out


def test_the_value_is_shown_and_written_where_no_certificate_is_found(capsys, monkeypatch):
    pytest.importorskip("clarabel")
    from proofs_check.certified import certificate

    monkeypatch.setattr(certificate, "_attempt", lambda answer: None)
    code, out, err = call(capsys, "worst-case", "--rounds", "2", "--certificate", "c.json", "--json", "row.json")
    assert code == REFUSED
    assert "--certificate: no rational certificate within" in err
    assert "0.5925926" in out
    assert json.loads(Path("row.json").read_text())[0]["value"] == pytest.approx(16 / 27, rel=1e-6)
    assert not Path("c.json").exists()


def test_a_certificate_is_close_to_a_small_worst_case_too(capsys):
    pytest.importorskip("clarabel")
    words = ("--class", "strongly-convex", "--modulus", ".5", "--metric", "last_value", "--rounds", "15")
    _, out, _ = call(capsys, "worst-case", *words, "--certificate", "c.json", "--json", "row.json")
    bound = json.loads(Path("c.json").read_text(encoding="utf-8"))["bound"].split("/")
    value = json.loads(Path("row.json").read_text())[0]["value"]
    assert value <= int(bound[0]) / int(bound[1]) <= 1.01 * value
    assert "above the worst case" in out


@pytest.mark.parametrize("words", [("--method", "pisa", "--preconditioner", "none"), ()])
def test_a_run_below_the_edge_of_stability_says_so(capsys, words):
    _, out, _ = call(capsys, "run", "quadratic", "--penalty", ".1", "--steps", "3", *words)
    assert "σ/L = 0.1, at most 1.5: with Q = 0 it diverges on a parabola (T1-threshold-sharp)" in out
    assert ("here Q alone" in out) is (not words)
    for other in (("--penalty", "2"), ("--penalty", ".1", "--gamma", ".9"), ("--penalty", ".1", "--method", "fedsgd")):
        assert "T1-threshold-sharp" not in call(capsys, "run", "quadratic", "--steps", "3", *other)[1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("bench", "replicates", "--data", "diabetes"), "--data: 'diabetes' is regression"),
        (("bench", "torch", "--size", "nan"), "--size: 'nan' must be a whole number"),
        (("bench", "torch", "--size", "inf"), "--size: 'inf' must be a whole number"),
        (("run", "logistic", "--data", "complex.npz"), "--data: complex128 of shape"),
        (("train", "vision", "--seed", str(2**70)), "--seed: "),
        (("problems", "--clients", "100000000"), "--clients: 100000000 must be at most"),
        (("rows", "."), "STUDY: '.' is a folder"),
        (("replay", "deep.json"), "WITNESS: 'deep.json' cannot be read"),
        (("run", "--config", "deep.json"), "--config: 'deep.json' cannot be read"),
        (("train", "--from", "deep.json"), "--from: 'deep.json' cannot be read"),
        (("ablate", "--from-results", "deep.json"), "results: 'deep.json' is no summary"),
    ],
    ids=lambda words: " ".join(words)[:30] if isinstance(words, tuple) else "",
)
def test_what_is_wrong_is_named_by_what_was_typed(capsys, words, reason):
    np.savez("complex.npz", X=np.ones((40, 2)) * 1j, y=np.arange(40) % 2)
    Path("deep.json").write_text("[" * 100_000 + "]" * 100_000)
    assert f"error: {reason}" in refusal(capsys, *words)


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        ("stamp", {"version": {"a": 1}}, ""),
        ("instance", {"ratios": [0.999999999]}, "ratios: 0.999999999 takes 32,236,192,"),
        ("instance", {"ratios": [1.0]}, "WITNESS: V2-limit-not-stationary cannot run on it"),
        ("instance", {"steps": 10**12}, "WITNESS: steps = 1e+12, at most 1,000,000"),
    ],
)
def test_an_odd_witness_is_replayed_or_refused_in_one_line(capsys, part, change, reason):
    from proofs_check.witness import FOLDER

    document = json.loads((FOLDER / "V2-limit-not-stationary.json").read_text(encoding="utf-8"))
    document[part].update(change)
    Path("w.json").write_text(json.dumps(document))
    if reason:
        assert reason in refusal(capsys, "replay", "w.json")
    else:
        assert call(capsys, "replay", "w.json")[0] == 0


def test_endings_may_be_in_capitals_and_a_file_may_begin_with_a_mark(capsys):
    Path("c.TOML").write_bytes(b'\xef\xbb\xbfproblem = "quadratic"\nsteps = 2\n')
    assert call(capsys, "run", "--config", "c.TOML", "--plot", "x.PNG")[0] == 0
    assert Path("x.PNG").read_bytes().startswith(b"\x89PNG")


def test_parts_of_clients_may_overlap_but_repeat_no_row():
    x, y = np.random.default_rng(0).standard_normal((20, 3)), np.resize([-1.0, 1.0], 20)
    assert logistic(x, y, [[0, 1], [1, 2]]).weights.tolist() == [0.5, 0.5]
    for parts, reason in (
        ([[0, 5, 5], [1]], "a client holds row 5 more than once"),
        ([[0, 1], []], "a client with shape"),
        ([[0, 20]], "must be whole, from 0 to 19"),
        ([[-1, 2]], "must be whole, from 0 to 19"),
    ):
        with pytest.raises(ValueError, match=f"^parts: .*{reason}"):
            logistic(x, y, parts)


def test_an_interval_without_an_end_is_infinite_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare_paired([1e-300, 1.0, 1e300], [1.0, 1.0, 1e-8])
    assert found.high == np.inf
    assert found.low == 0


def test_a_target_met_at_the_start_costs_nothing_and_profiles_take_it():
    costs = {
        "at once": cost_to_target([0, 10, 20], [[0.1], [0.1], [0.1]], 0.5),
        "later": cost_to_target([0, 10, 20], [[1.0], [0.1], [0.1]], 0.5),
    }
    assert costs["at once"].tolist() == [0]
    one = performance_profile({name: [cost[0], 5.0] for name, cost in costs.items()}, unit="rounds", at=[1.0, 100.0])
    assert one.shares[0].tolist() == [1.0, 1.0]
    # 10 is no multiple of 0.
    assert one.shares[1].tolist() == [0.5, 0.5]


def test_the_window_of_fractional_epochs_is_fractional():
    epochs = np.arange(1, 400) / 20 + 0.25
    spread = np.exp(0.1 * np.random.default_rng(0).standard_normal((399, 6)))
    found = fit_rate(epochs, spread / epochs[:, None])
    assert found.window == (epochs[0], epochs[-1])
    assert "iterations 0.3 to 20.2;" in found.describe()
    whole = fit_rate(np.arange(1, 400), spread / epochs[:, None])
    assert all(isinstance(end, int) for end in whole.window)


def test_very_many_curves_are_named_as_far_as_there_is_room_and_nothing_warns():
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves = [plotting.Curve(f"method {n}", np.arange(9.0), np.full(9, 1.0 + n)) for n in range(120)]
    with mpl.rc_context(plotting.STYLE), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = Figure(figsize=(12.6, 2.4))
        canvas = FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        plotting.draw_curves(axes, curves, log="y")
        canvas.draw()
        box = axes.get_legend().get_window_extent()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [f"method {n}" for n in range(14)]
    assert axes.get_legend().get_title().get_text() == "the lowest 14 of 120"
    assert figure.bbox.y0 <= box.y0
    assert box.y1 <= figure.bbox.y1


def test_one_seed_is_one_seed():
    from pisa_lab.ablation import tables

    assert tables.counted(1, "validation instance") == "1 validation instance"
    assert tables.counted(20, "seed") == "20 seeds"


def test_ranks_stay_between_the_best_and_the_worst():
    from pisa_lab.ablation.comparison import _rank

    rank = _rank("a", [np.asarray([0.0, 0.5])])
    assert (rank.mean, rank.low, rank.high) == (0.25, 0.0, 1.0)


@pytest.mark.parametrize("schedule", ["OneCycleLR", "CyclicLR"])
def test_a_momentum_is_cycled_where_there_is_one(schedule):
    from pisa_lab.torch import PISA, SISA

    settings = {"OneCycleLR": {"max_lr": 0.5, "total_steps": 10}, "CyclicLR": {"base_lr": 0.1, "max_lr": 0.5}}
    make = getattr(torch.optim.lr_scheduler, schedule)
    for kind in (lambda params, lr: PISA(params, lr, preconditioner="identity"), SISA.published):
        optimizer = kind([torch.nn.Parameter(torch.zeros(2))], lr=0.5)
        with pytest.raises(ValueError, match="momentum"):
            make(optimizer, **settings[schedule])
    for kind in (PISA, SISA):
        optimizer = kind([torch.nn.Parameter(torch.zeros(2))], lr=0.5)
        make(optimizer, **settings[schedule])
        assert 0.85 <= optimizer.param_groups[0]["momentum"] <= 0.95


def test_the_example_under_flower_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "flwr", None)
    with pytest.raises(SystemExit, match=r"needs flwr.*pip install -e '\.\[flower\]'"):
        runpy.run_module("problems.deep.examples.federated", run_name="__main__")

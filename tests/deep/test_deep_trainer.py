"""Training: rows and their costs, clients, schedules, checkpoints that resume bit for bit, and runs that break down."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from deep_cases import BASELINES, OWN, data, short, timeless

from problems.deep import families, optimizers, trainer
from problems.deep.checkpoints import read_checkpoint, write_checkpoint
from problems.deep.steppers import FedSGDStep, MatrixViews

ROOT = Path(__file__).resolve().parents[2]


def stopped_after(monkeypatch, looks):
    """Let a run die, as if it were killed, after it has saved so many looks."""
    save, calls = trainer._Session.save, []

    def counted(self, path):
        save(self, path)
        calls.append(path)
        if len(calls) == looks:
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer._Session, "save", counted)


@pytest.mark.parametrize(
    ("clients", "optimizer"),
    [
        *((1, optimizer) for optimizer in (*OWN, *BASELINES)),
        *((3, optimizer) for optimizer in OWN),
        *(pytest.param(3, optimizer, marks=pytest.mark.slow) for optimizer in BASELINES),
    ],
)
def test_an_interrupted_run_goes_on_bit_for_bit(optimizer, clients, tmp_path, monkeypatch):
    configuration = short(optimizer=optimizer, clients=clients, schedule="cosine", partition="dirichlet:0.5")
    whole, cut = tmp_path / "whole.pt", tmp_path / "cut.pt"
    expected = trainer.train(configuration, data(), checkpoint=whole)
    with monkeypatch.context() as patch:
        stopped_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            trainer.train(configuration, data(), checkpoint=cut)
    assert torch.load(cut, weights_only=True)["done"] == 2
    rows = trainer.train(configuration, data(), checkpoint=cut, resume=True)
    assert timeless(rows) == timeless(expected)
    assert_same(torch.load(cut, weights_only=True), torch.load(whole, weights_only=True))
    again = trainer.train(configuration, data(), checkpoint=cut, resume=True)
    assert again == rows


def assert_same(one, other):
    """Assert that two checkpoints agree to the bit but for their times."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in set(one) - {"seconds", "rows"}:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    else:
        assert one == other


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
import torch
torch.set_num_threads(1)
from deep_cases import data, short
from problems.deep.trainer import train
train(short("language", optimizer="sisa", rounds=1000, evaluations=50), data("language"), checkpoint=Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(tmp_path):
    path, expected = tmp_path / "killed.pt", tmp_path / "whole.pt"
    process = subprocess.Popen([sys.executable, "-c", RUN, str(path)], cwd=ROOT)
    while not path.is_file() or torch.load(path, weights_only=True)["done"] < 40:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 40 <= torch.load(path, weights_only=True)["done"] < 1000
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    configuration = short("language", optimizer="sisa", rounds=1000, evaluations=50)
    rows = trainer.train(configuration, data("language"), checkpoint=path, resume=True)
    assert timeless(rows) == timeless(trainer.train(configuration, data("language"), checkpoint=expected))
    assert_same(torch.load(path, weights_only=True), torch.load(expected, weights_only=True))
    torch.set_num_threads(threads)


def test_rows_carry_the_costs_and_the_test_part_is_looked_at_once():
    configuration = short(clients=3, partition="label:4")
    ticks = []
    rows = trainer.train(configuration, data(), tick=ticks.append)
    assert ticks == [1, 2, 3, 4, 5, 6]
    assert [row["round"] for row in rows] == [0, 2, 4, 6]
    assert [row["gradients"] for row in rows] == [0, 6, 12, 18]
    assert [row["samples"] for row in rows] == [0, 48, 96, 144]
    parameters = rows[0]["parameters"]
    assert [row["bytes_up"] for row in rows] == [6 * 0, *(4 * parameters * row["gradients"] for row in rows[1:])]
    assert [row["bytes_down"] for row in rows] == [row["bytes_up"] for row in rows]
    assert [row["status"] for row in rows] == ["RUNNING"] * 3 + ["FINISHED"]
    assert rows[0]["train_loss"] is None
    for row in rows[:-1]:
        assert row["test_metric_end"] is row["test_metric_best"] is None
    assert 0 <= rows[-1]["test_metric_best"] <= 1
    assert {row["data_sha256"] for row in rows} == {data().sha256}
    assert all(row["commit"] == rows[0]["commit"] and row["libraries"] for row in rows)
    json.dumps(rows, allow_nan=False)


def test_equal_rows_come_again_and_another_seed_gives_others():
    configuration = short("language", optimizer="adam")
    rows = trainer.train(configuration, data("language"))
    assert timeless(trainer.train(configuration, data("language"))) == timeless(rows)
    other = trainer.train(dataclasses.replace(configuration, seed=2), data("language"))
    assert other[0]["validation_loss"] != rows[0]["validation_loss"]


@pytest.mark.parametrize(
    ("family", "optimizer"),
    [
        *(("vision", optimizer) for optimizer in ("sgd", "muon", "sisa", "nsisa")),
        *(("language", optimizer) for optimizer in ("sisa", "nsisa")),
        *(pytest.param("language", optimizer, marks=pytest.mark.slow) for optimizer in ("sgd", "muon")),
    ],
)
def test_every_kind_of_optimizer_learns(optimizer, family):
    rows = trainer.train(short(family, optimizer=optimizer, rounds=60, evaluations=1, clients=2), data(family))
    # From ln 10 and ln 103; what any of them reaches at its defaults, with room for other roundings.
    assert rows[-1]["validation_loss"] < {"vision": 1.9, "language": 3.9}[family]


def test_the_baselines_take_the_weighted_mean_of_the_clients_gradients():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    stepper = FedSGDStep([torch.optim.SGD([weight], lr=0.5)], (0.25, 0.75))
    for _ in range(2):
        before = weight.detach().clone()
        losses = stepper.step([lambda: (weight[0] * weight).sum(), lambda: 3 * weight[1]])
        gradient = 0.25 * torch.stack([2 * before[0] + before[1], before[0]]) + 0.75 * torch.tensor([0.0, 3.0])
        torch.testing.assert_close(weight.detach(), before - 0.5 * gradient)
    assert [float(loss) for loss in losses] == [float((before[0] * before).sum()), float(3 * before[1])]


def test_muon_gets_the_matrices_flattened_and_adamw_the_rest():
    model = families.by_name("language").model("gpt", "tiny").build(data("language"))
    stepper = optimizers.by_name("muon").build(model, {"lr": 0.01}, (1.0,))
    muon, adamw = (sum(p.numel() for g in o.param_groups for p in g["params"]) for o in stepper.optimizers)
    assert muon == 12 * 16 * 16
    assert muon + adamw == sum(p.numel() for p in model.parameters())
    kernel = torch.nn.Parameter(torch.arange(24.0).reshape(2, 3, 2, 2))
    twin = MatrixViews([kernel])
    kernel.grad = torch.ones_like(kernel)
    twin.pass_on()
    with torch.no_grad():
        twin.flat[0] -= twin.flat[0].grad
    assert twin.flat[0].shape == (2, 12)
    assert torch.equal(kernel.detach().flatten(), torch.arange(24.0) - 1)


def test_the_cosine_rises_and_falls_and_the_constant_stays():
    cosine = short(rounds=100, schedule="cosine")
    factors = [cosine.factor(done) for done in range(100)]
    assert factors[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(factors[k] >= factors[k + 1] for k in range(4, 99))
    assert 0 < factors[-1] < 0.001
    assert {short(rounds=100).factor(done) for done in range(100)} == {1.0}


def test_a_run_that_breaks_down_says_so_and_keeps_the_best_weights(tmp_path):
    configuration = short(optimizer="sgd", settings=(("lr", 1e30),), rounds=40, evaluations=10)
    path = tmp_path / "broken.pt"
    rows = trainer.train(configuration, data(), checkpoint=path)
    last = rows[-1]
    assert (last["status"], last["best_round"], last["test_metric_end"]) == ("NON_FINITE", 0, None)
    assert last["round"] < 40
    assert 0 <= last["test_metric_best"] <= 1
    json.dumps(rows, allow_nan=False)
    assert trainer.train(configuration, data(), checkpoint=path, resume=True) == rows


def test_looks_are_evenly_spread_and_a_stem_belongs_to_one_configuration():
    assert short(rounds=7, evaluations=3).looks == (0, 2, 5, 7)
    assert short(rounds=2, evaluations=30).looks == (0, 1, 2)
    variants = [short(), short(seed=2), short(settings=(("lr", 0.1),)), short(rounds=7), short("language")]
    assert len({configuration.stem() for configuration in variants}) == len(variants)


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    trainer.train(short(), data(), checkpoint=path)
    with pytest.raises(ValueError, match=r"^checkpoint: .* is of another configuration"):
        trainer.train(short(seed=9), data(), checkpoint=path, resume=True)
    with pytest.raises(ValueError, match=r"^checkpoint: .* is of data with sha256"):
        trainer.train(short(), dataclasses.replace(data(), sha256="other"), checkpoint=path, resume=True)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"^checkpoint: .* cannot be read"):
        trainer.train(short(), data(), checkpoint=path, resume=True)
    torch.save({"weights": torch.ones(2)}, path)
    with pytest.raises(ValueError, match=r"^checkpoint: .* is none of pisa_lab's"):
        trainer.train(short(), data(), checkpoint=path, resume=True)


def test_a_checkpoint_is_never_half_written(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    write_checkpoint(path, {"configuration": "c", "data_sha256": "s", "weights": torch.ones(3)})

    def dies(values, place):
        place.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", dies)
    with pytest.raises(OSError, match="disk full"):
        write_checkpoint(path, {"configuration": "c", "data_sha256": "s", "weights": torch.zeros(3)})
    assert torch.equal(read_checkpoint(path, configuration="c", sha256="s", device="cpu")["weights"], torch.ones(3))
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rounds": 0}, r"^rounds: 0 must be a whole number >= 1$"),
        ({"clients": 0}, r"^clients: 0"),
        ({"schedule": "linear"}, r"^schedule: 'linear' is not one of cosine, constant, geometric"),
        ({"seed": -1}, r"^seed: -1"),
        ({"settings": (("lr", float("nan")),)}, r"^lr: nan is not a finite number$"),
    ],
)
def test_bad_configurations_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        short(**values)

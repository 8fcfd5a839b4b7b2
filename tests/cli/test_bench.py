"""The benchmarks at tiny sizes: they run, their rows have their keys, and the ways they compare do the same."""

import json

import numpy as np
import pytest
from counting import Counted
from small import quadratics

from pisa_lab import cli
from pisa_lab.bench.machine import blas_threads, copy_rate, free_memory
from pisa_lab.bench.replicates import measure_replicates
from pisa_lab.bench.step import BETA, PENALTY, RHO, WAYS, measure_step
from pisa_lab.cli.bench import command
from pisa_lab.stamp import stamp

pytest.importorskip("numba", reason="the extra `fast` is not installed")

STEP_KEYS = {
    "clients", "size", "dtype", "status", "copy_gb_per_s", "in_place_s", "generic_s", "fused_s", "fused_method_s",
    "generic_ratio", "fused_ratio", "fused_method_ratio", "fused_gb_per_s", *stamp(),
}  # fmt: skip
REPLICATE_KEYS = {
    "method", "data", "clients", "size", "batch", "seeds", "steps", "dtype", "processes", "blas_threads",
    "seed_steps_per_s", "seed_steps_per_cpu_s", "looped_seed_steps_per_s", "looped_seed_steps_per_cpu_s", "ratio",
    "cpu_ratio", *stamp(),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_way_to_make_a_step_makes_the_same_step(dtype):
    ways = {name: make(3, 50, dtype) for name, make in WAYS.items()}
    for number in range(9):
        for way in ways.values():
            way(number)
    reference = ways["generic"].state
    found = {
        "in_place": (ways["in_place"].consensus, ways["in_place"].multiplier, ways["in_place"].moment),
        "fused": (ways["fused"].consensus[0], *ways["fused"].now[1:]),
        "fused_method": (
            ways["fused_method"].state.consensus,
            ways["fused_method"].state.multiplier,
            ways["fused_method"].state.preconditioner.moment,
        ),
    }
    # By hand the operations stand in another order, so that nine rounds may differ by some rounding errors.
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    for name, arrays in found.items():
        for array, right in zip(
            arrays, (reference.consensus, reference.multiplier, reference.preconditioner.moment), strict=True
        ):
            assert array.dtype == dtype, name
            np.testing.assert_allclose(array, right, rtol=tolerance, atol=tolerance, err_msg=name)
    assert np.abs(reference.multiplier).max() > 0.1


def test_a_step_is_measured(monkeypatch):
    row = measure_step(2, 100, calls=1)
    assert set(row) == STEP_KEYS
    assert row["status"] == "done"
    assert row["generic_ratio"] == row["generic_s"] / row["in_place_s"]
    assert min(row[key] for key in STEP_KEYS if key.endswith(("_s", "_ratio"))) > 0
    monkeypatch.setattr("pisa_lab.bench.step.free_memory", lambda: 1000)
    row = measure_step(2, 100)
    assert set(row) == STEP_KEYS
    assert row["status"].startswith("skipped: needs")
    assert row["in_place_s"] is None


def test_without_numba_the_fused_ways_are_left_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    row = measure_step(2, 100, calls=1)
    assert row["fused_s"] is row["fused_ratio"] is None
    assert row["generic_ratio"] > 0


def test_replicates_are_measured():
    problem = Counted(quadratics())
    problem.lipschitz = np.ones(3)
    rows = measure_replicates(problem, data="quadratics", batch=4, seeds=5, steps=6, looped=2, repeats=1)
    assert [row["method"] for row in rows] == ["PISA, Q = 0", "SISA"]
    assert all(set(row) == REPLICATE_KEYS for row in rows)
    assert all(row["ratio"] == row["seed_steps_per_s"] / row["looped_seed_steps_per_s"] for row in rows)
    # Two methods, twice each (one call is not counted): 6 steps × 3 clients for 5 seeds at once and for 2 alone.
    assert problem.counts["gradients"] == 2 * 2 * 6 * 3 * (5 + 2)


def test_the_machine_is_asked():
    assert copy_rate(1000, "float64", calls=1) > 0
    assert free_memory() is None or free_memory() > 0
    assert blas_threads() is None or blas_threads() >= 1
    assert (BETA, PENALTY, RHO) == (0.999, 4.0, 1.0)


def test_the_command_prints_and_writes(capsys, tmp_path):
    target = tmp_path / "step.json"
    assert command("step", size=["2x50"], json_file=target) == 0
    assert "generic ×" in capsys.readouterr().out
    assert set(json.loads(target.read_text())[0]) == STEP_KEYS
    target = tmp_path / "replicates.json"
    assert (
        command("replicates", data="breast-cancer", seeds=2, batch=4, steps=2, dtype="float32", json_file=target) == 0
    )
    rows = json.loads(target.read_text())
    assert set(rows[0]) == REPLICATE_KEYS
    assert rows[0]["dtype"] == "float32"
    assert "seed_steps_per_s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("speed",), "WHAT"),
        (("step", "--size", "10"), "--size"),
        (("step", "--size", "0x10"), "--size"),
        (("replicates", "--seeds", "0"), "--seeds"),
        (("replicates", "--dtype", "float16"), "--dtype"),
    ],
)
def test_bad_words_are_named(words, name, capsys, monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("bench", "measure"),))
    assert cli.main(["bench", *words]) == 2
    assert f"error: {name}: " in capsys.readouterr().err

"""The benchmark of the torch optimisers at tiny sizes: its rows, its memory, and what it refuses."""

import json

import pytest
import torch

from pisa_lab import cli
from pisa_lab.bench import optimizers
from pisa_lab.bench.optimizers import FIGURES, Setting, Way, measure_optimizers, shapes_of, ways
from pisa_lab.stamp import stamp

KEYS = {"optimizer", "engine", "clients", "parameters", "tensors", "status", "device", "threads", *FIGURES, *stamp()}


@pytest.fixture
def plain(monkeypatch):
    """Leave out what has to be compiled, and the long write between turns."""
    monkeypatch.setattr(optimizers, "compiles", lambda device: False)
    monkeypatch.setattr(optimizers, "_CACHES", 1)


@pytest.mark.slow
def test_rows_have_their_keys_and_ratios(plain):
    told = []
    threads = torch.get_num_threads()
    rows = measure_optimizers([2000], calls=2, told=told.append)
    assert rows == told
    assert all(set(row) == KEYS for row in rows)
    assert {row["status"] for row in rows} == {"done"}
    assert {row["tensors"] for row in rows} == {1, 96, 32}
    assert {(row["optimizer"], row["engine"]) for row in rows} == {
        ("AdamW", "fused"), ("SGD", "fused"), ("Muon", "foreach"),
        ("SISA", "in-place"), ("SISA", "foreach"), ("SISA", "single"), ("metric SISA", "in-place"),
    }  # fmt: skip
    for row in rows:
        assert min(row[key] for key in ("ns_per_parameter", "ratio_adamw_fused", "ratio_sgd", "ratio_copy")) > 0
        assert (row["ratio_muon"] is None) == (row["optimizer"] != "Muon")
        assert (row["copy_share"] is None) == (row["optimizer"] in ("SGD", "Muon"))
        assert row["compile_s"] is None
    assert torch.get_num_threads() == threads


def test_memory_is_counted():
    """In a large tensor: state, and beside it what the engine makes on the way."""
    size = 300_000
    found = {}
    for way in [Way("AdamW", "fused"), Way("SGD", "fused"), *(Way("SISA", e) for e in ("in-place", "foreach"))]:
        found[way.optimizer, way.engine] = optimizers._peak(way, Setting([(size,)], 1, "cpu")) / size
    # Counts of steps and the scratch of a piece come on top: two times 32768 numbers.
    assert found["AdamW", "fused"] == pytest.approx(8, abs=0.01)
    assert found["SGD", "fused"] == pytest.approx(4, abs=0.01)
    scratch = 2 * 4 * min(size, 2**15 * torch.get_num_threads()) / size
    assert found["SISA", "in-place"] == pytest.approx(8 + scratch, abs=0.01)
    assert found["SISA", "foreach"] == pytest.approx(16, abs=0.01)
    # 2m buffers of state, and the gradients of m − 1 clients more; above four clients messages, and fewer gradients.
    for clients, expected in ((4, 8 * 4 + 3 * 4), (10, 8 * 10 + 3 * 4 + 4 + 4)):
        way = Way("SISA", "in-place", clients)
        peak = optimizers._peak(way, Setting([(size,)], clients, "cpu")) / size
        assert expected < peak <= expected + 1.5 * scratch + 0.01


def test_shapes_are_those_of_layers():
    assert shapes_of(1000, 1) == [(1000,)]
    for size in (10**6, 10**7, 5 * 10**7):
        shapes = shapes_of(size, 96)
        assert len(shapes) == 96
        assert sum(torch.Size(shape).numel() for shape in shapes) == pytest.approx(size, rel=0.02)


@pytest.mark.slow
def test_what_does_not_fit_is_skipped(plain, monkeypatch):
    monkeypatch.setattr(optimizers, "free_bytes", lambda device: 1000)
    rows = measure_optimizers([2000], calls=1)
    assert all(row["status"].startswith("skipped: needs") and row["ns_per_parameter"] is None for row in rows)
    assert all(set(row) == KEYS for row in rows)


def test_slow_ways_stay_with_small_sizes(monkeypatch):
    monkeypatch.setattr(optimizers, "compiles", lambda device: True)
    large, small = ways(5 * 10**7, 96, "cpu"), ways(10**6, 96, "cpu")
    assert {way.engine for way in large} == {"fused", "compiled", "in-place"}
    assert {way.clients for way in large if way.engine == "compiled"} == {1, 4, 10}
    assert {way.optimizer for way in small} - {way.optimizer for way in large} == {"Muon", "NSISA"}
    assert {way.optimizer for way in ways(5 * 10**7, 96, "cuda")} >= {"Muon", "NSISA"}


def test_the_command_prints_and_writes(plain, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(optimizers, "TENSORS", (1,))
    target, table = tmp_path / "rows.json", tmp_path / "table.md"
    table.write_text("before\n<!-- bench-torch:begin -->\n<!-- bench-torch:end -->\nafter\n")
    assert cli.main(["bench", "torch", "--size", "1e3", "--json", str(target), "--markdown", str(table)]) == 0
    rows = json.loads(target.read_text())
    assert all(set(row) == KEYS for row in rows)
    shown = capsys.readouterr()
    assert "× fused AdamW" in shown.out
    assert "SISA in-place, 1 clients, 1000 in 1: done" in shown.err
    assert table.read_text().count("| SISA |") == sum(row["optimizer"] == "SISA" for row in rows)
    assert table.read_text().count("| metric SISA |") == 1


@pytest.mark.slow
def test_compiled_ways_are_measured(monkeypatch):
    monkeypatch.setattr(optimizers, "_CACHES", 1)
    rows = [row for row in measure_optimizers([5000], calls=1) if row["engine"] == "compiled"]
    assert {(row["optimizer"], row["clients"]) for row in rows} == {
        ("SISA", 1),
        ("SISA", 4),
        ("SISA", 10),
        ("NSISA", 1),
    }
    assert all(row["compile_s"] >= 0 for row in rows)
    assert max(row["compile_s"] for row in rows) > 0.1
    single = next(row for row in rows if row["tensors"] == 1 and row["clients"] == 1)
    assert single["peak_bytes_per_parameter"] == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize(
    ("words", "name"), [(("--size", "none"), "--size"), (("--size", "0.5"), "--size"), (("--device", "tpu"), "device")]
)
def test_bad_words_are_named(words, name, capsys):
    assert cli.main(["bench", "torch", *words]) == 2
    assert f"error: {name}: " in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_cuda_is_refused(capsys):
    assert cli.main(["bench", "torch", "--device", "cuda"]) == 2
    assert "device: 'cuda' is not here" in capsys.readouterr().err


@pytest.mark.gpu
def test_the_benchmark_runs_on_a_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    rows = measure_optimizers([10**6], device="cuda", calls=2)
    assert {row["status"] for row in rows} == {"done"}
    assert all(row["threads"] is None and row["ns_per_parameter"] > 0 for row in rows)
    single = next(row for row in rows if row["optimizer"] == "AdamW" and row["tensors"] == 1)
    assert single["peak_bytes_per_parameter"] >= 8

"""A file or array of whatever origin is read right, or refused with the line and the reason."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cli_cases import call

from problems import datasets, heterogeneity
from problems.data_files import read_table
from problems.studies import arenas

pytestmark = pytest.mark.usefixtures("own_folder")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3)).round(3)
Y = np.arange(60) % 2


def text(rows, separator=","):
    return "\n".join(separator.join(map(str, row)) for row in rows) + "\n"


@pytest.mark.parametrize("header", [None, [0, 1, 2, 3], [0, 1, 2, "label"], ["a", "b", "c", "d"]], ids=str)
def test_a_header_is_a_header_of_integers_too(tmp_path, header):
    path = tmp_path / "own.csv"
    path.write_text(text([*([header] if header else []), *np.column_stack([X, Y]).tolist()]))
    x, y = read_table(path)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


def test_two_columns_of_zeros_and_ones_lose_no_row(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("0,1\n1,0\n1,1\n0,0\n")
    assert read_table(path)[0].shape == (4, 1)
    path.write_text("0,1\n0.5,0\n1.5,1\n0.1,0\n")
    assert read_table(path)[0].shape == (3, 1)


def test_an_index_column_is_refused(tmp_path):
    path = tmp_path / "own.csv"
    pd.DataFrame(np.column_stack([X, Y])).to_csv(path)
    with pytest.raises(ValueError, match="counts the rows"):
        read_table(path)


@pytest.mark.parametrize("name", ["OWN.CSV", "own.Csv", "own.csv.GZ", "own.tsv"])
def test_the_ending_is_read_in_any_case(tmp_path, name):
    path = tmp_path / name
    body = text(np.column_stack([X, Y]).tolist(), "\t" if name.endswith("tsv") else ",").encode()
    path.write_bytes(gzip.compress(body) if name.lower().endswith("gz") else body)
    np.testing.assert_array_equal(read_table(path)[0], X)
    assert datasets.load(path).train_x.std() > 0.5


@pytest.mark.parametrize("name", ["own.npy", "own.csv.zip", "own.csv.zst", "own.parquet", "own.XLSX"])
def test_another_format_is_refused_by_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x93NUMPY")
    with pytest.raises(ValueError, match=r"read are \.csv, \.tsv, LIBSVM text"):
        read_table(tmp_path / name)


def test_what_is_no_text_is_refused_by_its_bytes(tmp_path):
    (tmp_path / "own").write_bytes(b"\x93NUMPY\0\0")
    with pytest.raises(ValueError, match="is no text"):
        read_table(tmp_path / "own")


def test_semicolons_are_named(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("1;2;0\n3;4;1\n")
    with pytest.raises(ValueError, match="semicolons"):
        read_table(path)


def test_an_archive_without_x_and_y_says_what_it_holds(tmp_path):
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y)
    with pytest.raises(ValueError, match="holds x_train, y_train and no X"):
        read_table(tmp_path / "own.npz")


@pytest.mark.parametrize("cell", ["1_000", "١", "1,5", "NA", ""])
def test_what_is_no_number_is_named_with_its_line(tmp_path, cell):
    path = tmp_path / "own.csv"
    path.write_text(f'a,b,y\n1,2,0\n"{cell}",2,1\n')
    with pytest.raises(ValueError, match=r"line 3: .* is not a finite number"):
        read_table(path)


def test_labels_that_python_would_take_for_one_number_stay_two(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("1,2,1_0\n2,3,10\n4,1,1_0\n")
    assert sorted(set(read_table(path)[1].tolist())) == ["10", "1_0"]
    (tmp_path / "own").write_text("1_0 1:2\n10 1:3\n")
    with pytest.raises(ValueError, match="line 1: an underscore"):
        read_table(tmp_path / "own")


def test_a_row_without_a_label_is_named(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("1,2,0\n2,3,\n")
    with pytest.raises(ValueError, match="line 2: no label"):
        read_table(path)


WORDS = np.where(Y, "yes", "no")


@pytest.mark.parametrize(
    "labels",
    [WORDS.tolist(), pd.Series(WORDS), pd.Series(WORDS).astype("category"), WORDS.astype(object)],
    ids=["list", "series", "categorical", "objects"],
)
@pytest.mark.parametrize(
    "table",
    [X, pd.DataFrame(X), pd.DataFrame({"a": X[:, 0], "b": Y == 1}), torch.tensor(X, requires_grad=True)],
    ids=["array", "frame", "mixed frame", "tensor"],
)
def test_arrays_of_every_library_are_read(table, labels):
    data = datasets.from_arrays(table, labels)
    assert data.task == "binary"
    assert data.class_names == ("no", "yes")
    assert len(heterogeneity.partition("label:1", labels, 2, seed=0).parts) == 2


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_label_is_named(missing):
    labels = [missing, *WORDS.tolist()[1:]]
    for read in (lambda: datasets.from_arrays(X, np.asarray(labels, dtype=object)), lambda: _parts(labels)):
        with pytest.raises(ValueError, match=r"^y: row 0 has no label"):
            read()


def _parts(labels):
    return heterogeneity.partition("label:1", np.asarray(labels, dtype=object), 2, seed=0)


def test_words_and_numbers_together_are_refused():
    with pytest.raises(ValueError, match=r"^y: some labels are words"):
        datasets.from_arrays(X, np.asarray([1, "yes"] * 30, dtype=object))


def test_whole_floats_of_many_classes_are_classes():
    labels = np.repeat(np.arange(26.0), 20)
    parts = heterogeneity.partition("label:1", labels, 26, seed=0).parts
    assert all(np.unique(labels[part]).size == 1 for part in parts)
    # A count among few rows stays a quantity.
    assert heterogeneity.classes(np.arange(200.0)).max() == 9


def test_a_regression_file_is_read_as_numbers_where_the_task_says_so(tmp_path):
    path = tmp_path / "counts.csv"
    targets = np.resize([1.0, 10.0, 100.0], 60)
    path.write_text(text(np.column_stack([X, targets]).tolist()))
    data = datasets.load(path, task="regression")
    assert set(data.train_y.tolist()) == {1.0, 10.0, 100.0}
    assert datasets.load(path).task == "multiclass"


REGRESSIONS = ("least-squares", "huber", "log-cosh", "network-regression", "power-3/2")


@pytest.fixture
def counts(tmp_path):
    """Return a file of features and targets that are 1, 10 and 100, which are numbers and no codes of classes."""
    path, features = tmp_path / "counts.csv", np.random.default_rng(0).standard_normal((400, 3)).round(3)
    targets = 10.0 ** np.digitize(features @ [1.0, -0.5, 0.2], [-0.5, 0.5])
    path.write_text(text([["a", "b", "c", "y"], *np.column_stack([features, targets]).tolist()]))
    return path


def libsvm_of(path, labels):
    rng = np.random.default_rng(1)
    rows = (3 * rng.standard_normal((100, 4))[labels] + rng.standard_normal((len(labels), 4))).round(3)
    lines = [
        f"{label} " + " ".join(f"{i}:{v:g}" for i, v in enumerate(row, 1))
        for label, row in zip(labels, rows, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("family", REGRESSIONS)
def test_a_regression_family_reads_targets_of_a_file_as_numbers(capsys, counts, family):
    words = ("run", family, "--data", counts, "--steps", 3, "--penalty", 1e4, "--json", "j.json")
    assert call(capsys, *words)[0] == 0
    settings = {"family": family, "data": str(counts), "clients": 2}
    targets = arenas.resolve(settings, 0).problem.targets
    assert set(np.unique(targets)) == {1.0, 10.0, 100.0}


def test_the_error_of_a_regression_on_counts_is_in_their_unit(capsys, counts):
    words = ("run", "least-squares", "--data", counts, "--steps", 300, "--json", "j.json")
    assert call(capsys, *words)[0] == 0
    (row,) = json.loads(Path("j.json").read_text())
    data = datasets.load(counts, task="regression", intercept=True)
    by_hand = np.linalg.lstsq(data.train_x, data.train_y, rcond=None)[0]
    expected = np.sqrt(np.mean((data.test_x @ by_hand - data.test_y) ** 2))
    assert expected > 10
    assert row["test_rmse"] == pytest.approx(expected, rel=1e-3)


def test_two_values_of_a_regression_stay_two_numbers_unless_the_task_says_otherwise(capsys, tmp_path):
    path = tmp_path / "two.csv"
    path.write_text(text(np.column_stack([X, np.where(Y, 100, 5)]).tolist()))
    assert set(datasets.load(path, wanted="regression").train_y) == {5.0, 100.0}
    assert set(datasets.load(path, wanted="regression", task="binary").train_y) == {-1.0, 1.0}
    assert set(datasets.load(path, wanted="binary").train_y) == {-1.0, 1.0}
    assert datasets.from_arrays(X, np.where(Y, 100, 5), wanted="regression").train_y.max() == 100


def test_twenty_six_classes_run_softmax_in_run_and_in_a_study(capsys, tmp_path):
    path = libsvm_of(tmp_path / "letter.libsvm", np.resize(np.arange(1, 27), 780))
    code, _, err = call(capsys, "run", "softmax", "--data", path, "--steps", 100, "--json", "j.json")
    assert code == 0, err
    (row,) = json.loads(Path("j.json").read_text())
    assert row["test_accuracy"] > 3 / 26
    assert arenas.resolve({"family": "softmax", "data": str(path), "clients": 2}, 0).problem.initial.size == 26 * 5


def test_a_binary_family_refuses_many_classes_and_names_what_fits(capsys, tmp_path):
    path = libsvm_of(tmp_path / "letter.libsvm", np.resize(np.arange(1, 27), 780))
    code, _, err = call(capsys, "run", "logistic", "--data", path)
    assert code == 2
    assert "is multiclass (26 classes), 'logistic' is binary; what fits: softmax" in err
    with pytest.raises(ValueError, match="26 classes, but this family is binary; 'softmax' fits"):
        arenas.resolve({"family": "logistic", "data": str(path)}, 0)


def test_a_quantity_is_not_classes_unless_the_task_says_so(capsys, tmp_path):
    path = libsvm_of(tmp_path / "ages.libsvm", RNG.integers(0, 60, 100))
    code, _, err = call(capsys, "run", "softmax", "--data", path)
    assert code == 2
    assert "is regression, 'softmax' is multiclass" in err
    assert call(capsys, "run", "softmax", "--data", path, "--task", "multiclass", "--steps", 2)[0] == 0
    assert call(capsys, "run", "softmax", "--data", path, "--task", "classes")[2].startswith("pisa-lab: error: --task")
    assert "--task" in call(capsys, "run", "softmax", "--task", "multiclass")[2]


def test_the_task_stands_in_a_configuration_and_in_a_study(capsys, counts):
    Path("c.toml").write_text(f'problem = "least-squares"\ndata = "{counts}"\ntask = "multiclass"\nsteps = 9\n')
    assert call(capsys, "run", "--config", "c.toml", "--json", "j.json")[0] == 0
    (row,) = json.loads(Path("j.json").read_text())
    assert row["test_rmse"] < 2
    settings = {"family": "least-squares", "data": str(counts), "clients": 2, "task": "multiclass"}
    assert set(np.unique(arenas.resolve(settings, 0).problem.targets)) == {0.0, 1.0, 2.0}


def test_words_are_no_targets_of_a_regression(capsys, tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(text([[*row, word] for row, word in zip(X.tolist(), WORDS, strict=True)]))
    code, _, err = call(capsys, "run", "least-squares", "--data", path)
    assert code == 2
    assert "--data: words such as 'no'; a regression takes numbers" in err

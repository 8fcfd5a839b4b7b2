"""Data sets: the numbers in the table, splits that never mix, and every fault in one line that names the file."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from dataset_cases import TEXT
from numpy.testing import assert_allclose, assert_array_equal

from problems import data_files
from problems.datasets import DATASETS, from_arrays, load

pytestmark = pytest.mark.usefixtures("own_cache")

EMBEDDED = ("digits", "breast-cancer", "diabetes")


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_table_tells_the_truth(name):
    row = next(row for row in DATASETS if row.name == name)
    found = load(name)
    parts = (found.train_x, found.validation_x, found.test_x)
    assert sum(map(len, parts)) == row.rows
    assert {part.shape[1] for part in parts} == {row.features}
    assert found.task == row.task
    assert len(found.class_names) == row.classes
    labels = np.unique(np.concatenate([found.train_y, found.validation_y, found.test_y]))
    if row.task == "binary":
        assert labels.tolist() == [-1.0, 1.0]
    if row.task == "multiclass":
        assert labels.tolist() == list(range(row.classes))
        assert found.train_y.dtype == np.int64
    assert len(found.test_y) == pytest.approx(row.rows / 4, abs=row.classes + 1)
    assert len(found.validation_y) == pytest.approx(0.2 * 0.75 * row.rows, abs=row.classes + 1)


def test_known_counts_and_names():
    cancer = load("breast-cancer", validation=0)
    assert cancer.class_names == ("benign", "malignant")
    assert int((cancer.train_y > 0).sum() + (cancer.test_y > 0).sum()) == 212
    assert cancer.validation_x.shape == (0, 30)
    assert load("digits").class_names == tuple("0123456789")
    assert load("diabetes").class_names == ()


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_seed_moves_validation_rows_and_never_test_rows(name):
    one, two, other = (load(name, seed=seed, standardise=False) for seed in (3, 3, 4))
    assert_array_equal(one.train_x, two.train_x)
    assert_array_equal(one.test_x, other.test_x)
    assert_array_equal(one.test_y, other.test_y)
    assert one.validation_x.shape == other.validation_x.shape
    assert not np.array_equal(one.validation_x, other.validation_x)


def test_parts_share_no_row_and_classes_keep_their_shares():
    x = np.arange(400.0)[:, None]
    y = np.repeat(["a", "b", "c"], (40, 120, 240))
    found = from_arrays(x, y, standardise=False)
    everything = np.concatenate([found.train_x, found.validation_x, found.test_x])[:, 0]
    assert_array_equal(np.sort(everything), np.arange(400.0))
    assert np.bincount(found.test_y).tolist() == [10, 30, 60]
    assert np.bincount(found.validation_y).tolist() == [6, 18, 36]
    codes = np.concatenate([found.train_y, found.validation_y, found.test_y])
    assert_array_equal(np.asarray(found.class_names)[codes], y[everything.astype(int)])


def test_a_rare_class_keeps_a_training_row():
    y = np.asarray([0] * 30 + [1])
    found = from_arrays(np.arange(31.0)[:, None], y, validation=0.9)
    assert (found.train_y == 1).sum() == 1
    assert len(found.validation_y) == 20


def test_standardising_uses_training_rows_alone():
    rng = np.random.default_rng(0)
    x, y = np.column_stack([rng.normal(5, 3, 200), np.full(200, 0.1)]), rng.normal(size=200)
    raw, done = from_arrays(x, y, standardise=False, seed=1), from_arrays(x, y, seed=1, intercept=True)
    mean, deviation = raw.train_x[:, 0].mean(), raw.train_x[:, 0].std()
    for part in ("train_x", "validation_x", "test_x"):
        assert_allclose(
            getattr(done, part)[:, 0], (getattr(raw, part)[:, 0] - mean) / deviation, rtol=1e-12, atol=1e-14
        )
        # A constant column is centred and not blown up; the intercept stays one.
        assert_allclose(getattr(done, part)[:, 1], 0, atol=1e-15)
        assert_array_equal(getattr(done, part)[:, 2], 1.0)
    assert abs(done.test_x[:, 0].mean()) > 1e-3


def test_a_given_test_part_is_left_whole():
    x, y = np.arange(20.0)[:, None], np.tile([0, 1], 10)
    found = from_arrays(x, y, test=(x[:3] + 100, [1, 0, 1]), standardise=False)
    assert found.test_x[:, 0].tolist() == [100.0, 101.0, 102.0]
    assert found.test_y.tolist() == [1.0, -1.0, 1.0]
    assert len(found.train_y) + len(found.validation_y) == 20


@pytest.mark.parametrize(("suffix", "opener"), [("", open), (".xz", lzma.open), (".gz", gzip.open), (".bz2", bz2.open)])
def test_libsvm_files_plain_and_compressed(tmp_path, suffix, opener):
    path = tmp_path / f"small.txt{suffix}"
    with opener(path, "wb") as stream:
        stream.write(TEXT.encode())
    found = load(path, validation=0)
    assert found.task == "binary"
    assert found.name == path.name
    assert found.sha256 == data_files.sha256(TEXT.encode())
    rows = {tuple(row) for row in np.column_stack([found.train_y, found.train_x]).tolist()}
    assert rows == {(1, 0.5, 0, 2), (-1, 0, 1, 0), (1, 1, -1, 0), (-1, 0, 0, 4)}


def test_csv_with_a_header_and_words_for_labels(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_text("length,width,kind\n" + "1.5,2,rose\n0.5,1,tulip\n" * 6)
    found = load(path, validation=0, standardise=False)
    assert found.class_names == ("rose", "tulip")
    assert {tuple(row) for row in np.column_stack([found.train_y, found.train_x]).tolist()} == {
        (-1, 1.5, 2),
        (1, 0.5, 1),
    }
    packed = tmp_path / "numbers.csv.gz"
    packed.write_bytes(gzip.compress(b"1,2,0.5\n3,4,1.5\n5,6,2.5\n7,8,3.5\n9,1,4.5\n2,3,5.5\n"))
    assert load(packed, validation=0).task == "regression"
    assert abs(load(packed, validation=0).train_x.mean()) < 1e-15


def test_npz_and_its_task(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, X=np.arange(60.0).reshape(30, 2), y=np.tile([1, 2, 3], 10))
    assert load(path).task == "multiclass"
    assert load(path).class_names == ("1", "2", "3")
    assert load(path, task="regression").class_names == ()
    np.savez(path, X=np.zeros((30, 2)), y=np.arange(30))
    assert load(path).task == "regression"


def written(name, content):
    def call(folder):
        path = folder / name
        path.write_bytes(content)
        load(path)

    return call


def pickled(folder):
    np.savez(folder / "bad.npz", X=np.asarray([{}], dtype=object), y=np.zeros(1))
    load(folder / "bad.npz")


def renamed(folder):
    np.save(folder / "bad.npy", np.zeros(3))
    load((folder / "bad.npy").rename(folder / "bad.npz"))


# what is in the file → what the message must hold beside the file's name
CORRUPT = {
    "libsvm words": (written("bad.txt", b"+1 1:1\n-1 2:1\nhello there\n"), "line 3"),
    "libsvm pair": (written("bad.txt", b"+1 1:1\n-1 2=1\n"), "line 2"),
    "libsvm value": (written("bad.txt", b"+1 1:1\n-1 2:x\n"), "line 2"),
    "libsvm nan": (written("bad.txt", b"+1 1:1\n+1 1:1\n-1 2:nan\n"), "line 3"),
    "libsvm label": (written("bad.txt", b"+1 1:1\ninf 2:1\n"), "line 2"),
    "libsvm order": (written("bad.txt", b"+1 2:1 1:1\n-1 2:1\n"), "line 1"),
    "libsvm empty": (written("bad.txt", b"\n"), "empty"),
    "libsvm wide": (written("bad.txt", b"+1 1:1\n-1 2000000000:1\n"), "dense"),
    "xz damaged": (written("bad.xz", lzma.compress(TEXT.encode())[:-9]), "cannot be read"),
    "xz none": (written("bad.xz", b"not compressed"), "cannot be read"),
    "gz damaged": (written("bad.gz", gzip.compress(TEXT.encode())[:-4]), "cannot be read"),
    "bz2 none": (written("bad.bz2", b"not compressed"), "cannot be read"),
    "csv word": (written("bad.csv", b"a,b,y\n1,2,0\n1,x,1\n"), "line 3"),
    "csv nan": (written("bad.csv", b"nan,2,0\n1,3,1\n"), "line 1"),
    "csv ragged": (written("bad.csv", b"1,2,0\n1,1\n"), "line 2"),
    "csv header only": (written("bad.csv", b"a,b,y\n"), "no row"),
    "csv empty": (written("bad.csv", b""), "no row"),
    "csv bytes": (written("bad.csv", b"\xff\xfe\x00,1\n"), ".csv"),
    "npz text": (written("bad.npz", b"text"), "arrays X and y"),
    "npz of one array": (renamed, "arrays X and y"),
    "npz pickle": (pickled, "arrays X and y"),
}


@pytest.mark.parametrize("case", CORRUPT)
def test_a_corrupt_file_is_named_with_its_line(tmp_path, case):
    call, told = CORRUPT[case]
    with pytest.raises(ValueError, match=r"^path: .*bad\.") as caught:
        call(tmp_path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


X, Y = np.arange(40.0).reshape(20, 2), np.tile([0, 1], 10)


HOLED = np.where(np.arange(40).reshape(20, 2) == 7, np.nan, X)


BAD = {
    "unknown name": (lambda: load("mnist"), r"name: 'mnist' .*digits, breast-cancer, diabetes, a9a"),
    "task of a known set": (lambda: load("digits", task="binary"), "task: "),
    "data_dir unwanted": (lambda: load("digits", data_dir="."), "data_dir: "),
    "nan": (lambda: from_arrays(HOLED, Y), "X: row 3 "),
    "infinite label": (lambda: from_arrays(X, np.where(Y == 1, np.inf, 0.0)), "y: "),
    "lengths": (lambda: from_arrays(X, Y[:-1]), "y: "),
    "one axis": (lambda: from_arrays(X[:, 0], Y), "X: "),
    "no feature": (lambda: from_arrays(X[:, :0], Y), "X: "),
    "words for features": (lambda: from_arrays(X.astype(str), Y), "X: "),
    "one class": (lambda: from_arrays(X, np.ones(20)), "y: labels of one class only"),
    "no rows": (lambda: from_arrays(X[:0], Y[:0]), "y: labels of one class only"),
    "three classes": (lambda: from_arrays(X, np.arange(20) % 3, task="binary"), "y: 3 classes"),
    "words for a regression": (lambda: from_arrays(X, np.tile(["a", "b"], 10), task="regression"), "y: "),
    "task": (lambda: from_arrays(X, Y, task="ranking"), "task: "),
    "too few rows": (lambda: from_arrays(X[:3], Y[:3]), "X: 3 rows"),
    "validation": (lambda: from_arrays(X, Y, validation=1.0), "validation: "),
    "seed": (lambda: from_arrays(X, Y, seed=-1), "seed: "),
    "unseen label": (lambda: from_arrays(X, Y, test=(X, Y + 1)), "test: label 2"),
    "test width": (lambda: from_arrays(X, Y, test=(X[:, :1], Y)), "test: 1 features"),
    "test words": (lambda: from_arrays(X, Y, test=(X, Y.astype(str))), "test: labels"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_its_argument(case):
    call, told = BAD[case]
    with pytest.raises(ValueError, match=rf"^{told}"):
        call()

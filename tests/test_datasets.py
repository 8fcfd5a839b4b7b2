"""Data sets: the numbers in the table, splits that never mix, and every fault in one line that names the file."""

import bz2
import gzip
import lzma
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import adult, data_files
from problems.datasets import DATASETS, from_arrays, load

EMBEDDED = ("digits", "breast-cancer", "diabetes")
TEXT = "+1 1:0.5 3:2\n-1 2:1\n+1 1:1 2:-1\n-1 3:4\n" * 5


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep the user's cache out of the tests."""
    monkeypatch.setattr(adult, "cache_folder", lambda: tmp_path / "cache")


@pytest.fixture
def census():
    """The folder that holds a9a, or a skip that says where it was looked for."""
    for place in adult.places():
        if (place / "a9a.xz").is_file() or (place / "a9a").is_file():
            return place
    pytest.skip(f"a9a is in none of {', '.join(map(str, adult.places()))}")


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


def test_a9a_has_the_published_counts(census):
    found = load("a9a", validation=0)
    assert found.train_x.shape == (32561, 123)
    assert int((found.train_y > 0).sum()) == 7841
    assert found.test_x.shape == (16281, 123)
    assert int((found.test_y > 0).sum()) == 3846
    assert set(np.unique(found.train_x)) == {0.0, 1.0}
    # Every row has at most one entry for each of Adult's 14 attributes.
    assert found.train_x.sum(axis=1).max() == 14
    row = next(row for row in DATASETS if row.name == "a9a")
    assert (row.rows, row.features) == (32561 + 16281, 123)
    assert found.sha256 == adult.CHECKSUMS["a9a"]


def test_a9a_is_split_by_class_and_read_back_from_the_cache(census, tmp_path):
    first = load("a9a")
    kept = sorted((tmp_path / "cache").iterdir())
    assert [path.suffix for path in kept] == [".npz", ".npz"]
    stamps = [path.stat().st_mtime_ns for path in kept]
    again = load("a9a")
    assert [path.stat().st_mtime_ns for path in kept] == stamps
    for field in ("train_x", "train_y", "validation_x", "validation_y", "test_x", "test_y"):
        assert_array_equal(getattr(first, field), getattr(again, field))
    assert len(first.validation_y) == round(0.2 * 7841) + round(0.2 * 24720)
    assert (first.validation_y > 0).mean() == pytest.approx(7841 / 32561, abs=1e-4)


def small_cache(folder, text=TEXT):
    return data_files.libsvm(text.encode(), "small", cache=folder)


def test_a_damaged_or_altered_cache_is_parsed_anew(tmp_path):
    x, y = small_cache(tmp_path)
    (place,) = tmp_path.iterdir()
    whole = place.read_bytes()
    with np.load(place) as archive:
        arrays = dict(archive)
    np.savez(place, **{**arrays, "part_3": -arrays["part_3"]})
    assert_array_equal(small_cache(tmp_path)[1], y)
    place.write_bytes(whole[: len(whole) // 2])
    assert_array_equal(small_cache(tmp_path)[0], x)
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    x, y = small_cache(tmp_path / "file" / "folder")
    assert x.shape == (20, 3)
    assert y.tolist() == [1.0, -1.0, 1.0, -1.0] * 5


def test_a9a_that_was_tampered_with_is_rejected(tmp_path):
    place = tmp_path / "a9a.xz"
    place.write_bytes(lzma.compress(TEXT.encode()))
    for where in (tmp_path, place):
        with pytest.raises(ValueError, match=r"^path: .*a9a\.xz' is not a9a: its text has sha256"):
            load("a9a", data_dir=where)


def test_one_changed_byte_of_a9a_is_rejected(census, tmp_path):
    path = next(path for path in (census / "a9a.xz", census / "a9a") if path.is_file())
    text = bytearray(data_files.contents(path))
    text[0:2] = b"+1"
    (tmp_path / "a9a").write_bytes(bytes(text))
    with pytest.raises(ValueError, match=r"is not a9a"):
        load("a9a", data_dir=tmp_path)


def test_pisa_lab_data_comes_first_and_may_be_a_file(census, tmp_path, monkeypatch):
    monkeypatch.setenv("PISA_LAB_DATA", str(tmp_path))
    assert adult.places()[0] == tmp_path
    (tmp_path / "a9a").write_bytes(TEXT.encode())
    with pytest.raises(ValueError, match=r"is not a9a"):
        load("a9a")
    name = next(path.name for path in (census / "a9a.xz", census / "a9a") if path.is_file())
    monkeypatch.setenv("PISA_LAB_DATA", str(census / name))
    assert load("a9a", validation=0).test_x.shape == (16281, 123)


def test_a_given_place_without_a9a_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^data_dir: no a9a "):
        load("a9a", data_dir=tmp_path)


def test_offline_is_one_clear_line(tmp_path, monkeypatch, capsys):
    def unreachable(*_, **__):
        raise socket.gaierror("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(adult, "places", lambda: [tmp_path / "nowhere", tmp_path / "cache"])
    with pytest.raises(ValueError, match=r"^name: a9a is not in .*nowhere.*PISA_LAB_DATA") as caught:
        load("a9a")
    message = str(caught.value)
    assert "\n" not in message
    assert "no network in this test" in message
    assert "https://www.csie.ntu.edu.tw/" in message
    assert capsys.readouterr() == ("", "")


def test_a_download_is_kept_and_checked(tmp_path, monkeypatch, capsys):
    import pooch

    served = {f"{adult._ADDRESS}a9a": b"+1 1:1\n-1 2:1\n" * 9, f"{adult._ADDRESS}a9a.t": b"+1 2:1\n"}

    def serve(address, output, _):
        Path(output).write_bytes(served[address])

    monkeypatch.setattr(adult, "places", lambda: [tmp_path / "cache"])
    monkeypatch.setattr(pooch.core, "choose_downloader", lambda *_, **__: serve)
    with pytest.raises(ValueError, match=r"^name: a9a is not in"):
        load("a9a")
    monkeypatch.setattr(
        adult, "CHECKSUMS", {name.rsplit("/")[-1]: data_files.sha256(text) for name, text in served.items()}
    )
    assert load("a9a").test_y.tolist() == [1.0]
    names = {path.name for path in (tmp_path / "cache").iterdir() if path.suffix != ".npz"}
    assert names == {"a9a", "a9a.t"}
    monkeypatch.setattr(pooch.core, "choose_downloader", lambda *_, **__: 1 / 0)
    assert load("a9a").train_x.shape[1] == 123
    assert capsys.readouterr() == ("", "")


def test_no_place_is_of_one_machine():
    places = [os.path.relpath(place, Path(adult.__file__).parents[1]) for place in adult.places()]
    assert os.path.join(os.pardir, "shared", "data") in places

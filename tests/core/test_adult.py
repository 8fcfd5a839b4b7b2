"""Data sets: the numbers in the table, splits that never mix, and every fault in one line that names the file."""

import lzma
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from dataset_cases import TEXT
from numpy.testing import assert_array_equal

from problems import adult, data_files
from problems.datasets import DATASETS, load

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def census(monkeypatch):
    """The folder that holds a9a: the shipped one, whatever the environment names."""
    monkeypatch.delenv("PISA_LAB_DATA", raising=False)
    return adult.SHIPPED


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


def test_a9a_is_shipped_and_read_without_a_network(census, monkeypatch):
    assert adult.places() == [adult.SHIPPED, adult.cache_folder()]
    for part, checksum in adult.CHECKSUMS.items():
        assert data_files.sha256(data_files.contents(census / f"{part}.xz")) == checksum
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: 1 / 0)
    assert load("a9a", validation=0).train_x.shape == (32561, 123)


def test_the_attribution_stands_beside_the_files(census):
    text = (census / "README.md").read_text(encoding="utf-8")
    for needed in ("Becker", "Kohavi", "UCI", "CC BY 4.0", "LIBSVM", *adult.CHECKSUMS.values()):
        assert needed in text


def test_the_source_distribution_holds_a9a_with_its_attribution(tmp_path):
    root = Path(adult.__file__).parents[1]
    build = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(root)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {f"problems/data/{name}" for name in ("a9a.xz", "a9a.t.xz", "README.md")} <= names


def test_no_place_is_of_one_machine(monkeypatch):
    monkeypatch.setenv("PISA_LAB_DATA", "elsewhere")
    assert adult.places() == [Path("elsewhere"), adult.SHIPPED, adult.cache_folder()]
    assert adult.SHIPPED.parent == Path(adult.__file__).parent

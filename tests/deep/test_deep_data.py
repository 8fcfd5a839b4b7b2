"""The data: splits, groups, partitions, and files that are what they should be or refused by name."""

import hashlib
import sys

import numpy as np
import pytest
import torch
from deep_cases import data, idx, short, write_cifar, write_mnist

from problems.deep import families
from problems.deep.images import images
from problems.deep.texts import GROUPS, texts
from problems.heterogeneity import partition


def rows_of(part):
    return {tuple(row.reshape(-1).tolist()) for row in part.inputs}


def test_the_digits_are_split_once_and_for_all():
    found, again = images(None), images(None)
    sizes = [len(found.part(name)) for name in ("train", "validation", "test")]
    assert sum(sizes) == 1797
    assert sizes == [1078, 269, 450]
    for name in ("train", "validation", "test"):
        assert torch.equal(found.part(name).inputs, again.part(name).inputs)
        # Every class keeps its share: none is below 7 % of a part of ten nearly equal ones.
        assert np.bincount(found.part(name).targets).min() > 0.07 * len(found.part(name))
    assert len(rows_of(found.train) | rows_of(found.validation) | rows_of(found.test)) == 1797
    assert found.sha256 == again.sha256
    pixels = found.batch("train", torch.arange(len(found.train)), "cpu")[0]
    assert float(pixels.mean()) == pytest.approx(0, abs=1e-5)
    assert float(pixels.std()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("family", ["vision", "language"])
@pytest.mark.parametrize("spec", ["iid", "label:4", "dirichlet:0.5"])
def test_clients_of_both_families_are_made_from_their_groups(family, spec):
    row = families.by_name(family)
    configuration = short(family, clients=4, partition=spec)
    task = row.task(row, configuration, data(family))
    split = partition(spec, data(family).groups, 4, seed=configuration.seed)
    assert task.weights == pytest.approx([size / sum(split.sizes) for size in split.sizes])
    assert (task.facts["label_distance"] > 0.2) == (spec != "iid")
    assert task.samples == 4 * configuration.batch
    first, again, other, later = (float(task.loss(*at).detach()) for at in ((2, 5), (2, 5), (3, 5), (2, 6)))
    assert first == again
    assert first not in (other, later)


def test_a_partition_that_deep_clients_do_not_have_is_refused():
    row = families.by_name("vision")
    with pytest.raises(ValueError, match=r"^partition: 'noise' adds to the features"):
        row.task(row, short(clients=2, partition="noise:1"), data())


def test_text_is_cut_into_windows_that_predict_each_token_once(tmp_path):
    file = tmp_path / "own.txt"
    file.write_text("".join(chr(97 + k * k % 26) + str(k) for k in range(4000)), encoding="utf-8")
    found = texts(file, context=8, tokens="characters")
    raw = file.read_bytes()
    assert found.sha256 == hashlib.sha256(raw).hexdigest()
    assert found.classes == len(set(raw))
    parts = [found.train, found.validation, found.test]
    for part in parts:
        assert torch.equal(part.inputs[:, 1:], part.targets[:, :-1])
    # Each of the ten blocks loses less than one window of 8 tokens and its last token.
    predicted = sum(part.targets.numel() for part in parts)
    assert len(raw) - GROUPS * 9 <= predicted < len(raw)
    assert sorted(set(found.groups)) == list(range(GROUPS))
    assert len(found.validation) / len(found.train) == pytest.approx(1 / 8, abs=0.05)


def test_parts_of_text_share_no_window():
    found = data("language")
    own, held, last = map(rows_of, (found.train, found.validation, found.test))
    total = sum(len(part) for part in (found.train, found.validation, found.test))
    # A few windows of a real text say the same (tables, blank lines); those of one text are told apart by their place.
    assert len(own & last) + len(held & last) + len(own & held) < 0.02 * total
    assert len(found.groups) == len(found.train)


def test_words_that_neighbour_go_to_the_same_part(tmp_path):
    file = tmp_path / "counted.txt"
    file.write_bytes(b"".join(k.to_bytes(2, "big") for k in range(40_000)))
    found = texts(file, context=32, tokens="bytes")
    assert found.classes == 256
    starts = np.sort([int(row[0]) * 256 + int(row[1]) for row in found.test.inputs])
    gaps = np.diff(starts)
    # 32 bytes are 16 counts; all but the borders between stretches of 2,048 bytes follow at once.
    assert np.mean(gaps == 16) > 0.9


def test_long_text_is_held_out_up_to_a_cap(tmp_path, monkeypatch):
    monkeypatch.setattr("problems.deep.texts.MOST_HELD_OUT", 160)
    file = tmp_path / "own.txt"
    file.write_bytes(bytes(range(97, 117)) * 500)
    found = texts(file, context=16, tokens="bytes")
    assert len(found.validation) == len(found.test) == 10


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-bin"])
def test_cifars_binary_version_is_read(tmp_path, inside):
    labels, pixels = write_cifar(tmp_path / inside)
    found = images(tmp_path)
    assert (found.name, found.shape, len(found.train) + len(found.validation), len(found.test)) == (
        "cifar-10", (3, 32, 32), 200, 40,
    )  # fmt: skip
    known = {pixels[row].tobytes(): labels[row] for row in range(200)}
    for image, label in zip(found.train.inputs, found.train.targets, strict=True):
        assert known[image.numpy().tobytes()] == int(label)


@pytest.mark.parametrize("packed", [False, True])
def test_mnists_files_are_read(tmp_path, packed):
    pixels = write_mnist(tmp_path, packed=packed)
    found = images(tmp_path)
    assert (found.name, found.shape, len(found.test)) == ("mnist", (1, 28, 28), 30)
    assert {image.numpy().tobytes() for image in found.train.inputs} < {image.tobytes() for image in pixels}


def test_a_python_without_its_topics_is_told_apart(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ValueError, match=r"^data: this Python has no pydoc_data\.topics"):
        texts(None, context=8, tokens="characters")


def test_both_spellings_and_packings_are_the_same_data(tmp_path):
    write_mnist(tmp_path / "plain")
    write_mnist(tmp_path / "packed", packed=True)
    assert images(tmp_path / "plain").sha256 == images(tmp_path / "packed").sha256


def cut(folder):
    write_cifar(folder)
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])


def wrong_label(folder):
    write_cifar(folder)
    path = folder / "test_batch.bin"
    path.write_bytes(b"\x0b" + path.read_bytes()[1:])


def short_idx(folder):
    write_mnist(folder)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-10])


def other_magic(folder):
    write_mnist(folder)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros((3, 3))))


def unequal(folder):
    write_mnist(folder)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(7)))


def broken_gzip(folder):
    write_mnist(folder, packed=True)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:100])


def empty_cifar(folder):
    write_cifar(folder)
    (folder / "data_batch_1.bin").write_bytes(b"")


def pickles(folder):
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        (folder / name).write_bytes(b"\x80\x02")


FAULTS = {
    cut: "no multiple of a record's 3073",
    wrong_label: "has the label 11",
    short_idx: "bytes for an array of shape",
    other_magic: "is no idx file of bytes with 1 axes",
    unequal: "60 images in",
    broken_gzip: "cannot be read",
    empty_cifar: "has 0 bytes",
    pickles: "Python version is pickles, which are not read",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_damaged_image_files_are_refused(tmp_path, fault):
    fault(tmp_path)
    with pytest.raises(ValueError, match=FAULTS[fault]):
        images(tmp_path)


def test_text_files_that_do_not_do_are_refused(tmp_path):
    file = tmp_path / "own.txt"
    with pytest.raises(ValueError, match=r"^data: .* is no file"):
        texts(file, context=8, tokens="characters")
    file.write_bytes(b"\xff\xfe\xff" * 500)
    with pytest.raises(ValueError, match=r"^data: 'own\.txt' is not UTF-8 .*--tokens bytes"):
        texts(file, context=8, tokens="characters")
    file.write_bytes(b"short")
    with pytest.raises(ValueError, match=r"^data: 'own\.txt' has 5 tokens"):
        texts(file, context=8, tokens="characters")
    with pytest.raises(ValueError, match=r"^tokens: 'words' is not one of characters, bytes$"):
        texts(file, context=8, tokens="words")
    with pytest.raises(ValueError, match=r"^data: .* is no folder"):
        images(file)
    with pytest.raises(ValueError, match=r"^tokens: images have none$"):
        families.by_name("vision").load(short(tokens="bytes"))

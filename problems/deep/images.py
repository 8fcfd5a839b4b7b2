"""Images as data: scikit-learn's digits, and the original files of MNIST and CIFAR-10 in a folder of the user's."""

import dataclasses
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from problems.data_files import contents, sha256
from problems.deep.parts import TEST_SEED, VALIDATION_SEED, Data, Part, scaling, stratified_split

HostArray = np.ndarray[Any, Any]
Labelled = tuple[HostArray, HostArray]
CLASSES = 10
TEST_SHARE, VALIDATION_SHARE = 0.25, 0.2
"""Of the digits; of MNIST and CIFAR-10 a tenth of the training rows is for validation, their test part is their own."""
LARGE_VALIDATION_SHARE = 0.1
_RECORD = 1 + 3 * 32 * 32
_IDX_IMAGES, _IDX_LABELS = 0x803, 0x801


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """A row of the table: the files, training part first, each under any of its names, and how to read them.

    ``read`` takes the paths and returns training part, test part and the bytes that were read.
    """

    name: str
    files: tuple[tuple[str, ...], ...]
    tests: int
    read: Callable[[list[Path]], tuple[Labelled, bytes]]

    def found(self, folder: Path) -> list[Path]:
        """Return the first existing name of every file, or [] where one is missing."""
        places = [[folder / name for name in names if (folder / name).is_file()] for names in self.files]
        return [place[0] for place in places] if all(places) else []


def images(folder: Path | None) -> Data:
    """Return the digits, or the image set whose files are in ``folder``.

    Raises:
        ValueError: no such folder, no known files in it, or files that are damaged.
    """
    if folder is None:
        return _digits()
    if not folder.is_dir():
        raise ValueError(f"data: {str(folder)!r} is no folder; vision takes one with the files of MNIST or CIFAR-10")
    for row in IMAGE_SETS:
        paths = row.found(folder) or row.found(folder / "cifar-10-batches-bin")
        if paths:
            return _from_files(row, paths)
    raise ValueError(
        f"data: {str(folder)!r} has neither CIFAR-10's binary version (data_batch_1.bin … data_batch_5.bin, "
        "test_batch.bin; its Python version is pickles, which are not read) nor MNIST's four idx files"
    )


def _digits() -> Data:
    from sklearn.datasets import load_digits  # a second to import

    found = load_digits()
    pixels, labels = found.images.astype(np.uint8)[:, None], found.target.astype(np.int64)
    kept, last = stratified_split(labels, TEST_SHARE, TEST_SEED)
    checksum = sha256(pixels.tobytes() + labels.astype("<i8").tobytes())
    return _data("digits", checksum, (pixels[kept], labels[kept]), (pixels[last], labels[last]), VALIDATION_SHARE)


def _from_files(row: ImageSet, paths: list[Path]) -> Data:
    own, bytes_read = row.read(paths[: -row.tests])
    last, more = row.read(paths[-row.tests :])
    if own[0].shape[1:] != last[0].shape[1:]:
        raise ValueError(f"data: images of {own[0].shape[1:]} for training and of {last[0].shape[1:]} for the test")
    return _data(row.name, sha256(bytes_read + more), own, last, LARGE_VALIDATION_SHARE)


def _data(name: str, checksum: str, own: Labelled, last: Labelled, share: float) -> Data:
    pixels, labels = own
    train, held = stratified_split(labels, share, VALIDATION_SEED)
    mean, deviation = scaling(pixels[train])
    return Data(
        name=name,
        sha256=checksum,
        train=_part(pixels[train], labels[train]),
        validation=_part(pixels[held], labels[held]),
        test=_part(*last),
        groups=labels[train],
        shape=pixels.shape[1:],
        classes=CLASSES,
        mean=mean,
        deviation=deviation,
    )


def _part(pixels: HostArray, labels: HostArray) -> Part:
    return Part(torch.from_numpy(pixels.copy()), torch.from_numpy(labels.astype(np.int64)))


def _cifar(paths: list[Path]) -> tuple[Labelled, bytes]:
    """Return CIFAR-10's binary version: records of one label byte and 3 × 32 × 32 pixel bytes."""
    read = b""
    for path in paths:
        content = contents(path)
        if not content or len(content) % _RECORD:
            raise ValueError(f"data: {str(path)!r} has {len(content)} bytes, no multiple of a record's {_RECORD}")
        read += content
    records = np.frombuffer(read, dtype=np.uint8).reshape(-1, _RECORD)
    return (records[:, 1:].reshape(-1, 3, 32, 32), _labels(records[:, 0], paths[0])), read


def _mnist(paths: list[Path]) -> tuple[Labelled, bytes]:
    """Return an idx file of images and one of labels."""
    content, names = contents(paths[0]), contents(paths[1])
    pixels, labels = _idx(content, _IDX_IMAGES, paths[0]), _idx(names, _IDX_LABELS, paths[1])
    if len(pixels) != len(labels):
        raise ValueError(f"data: {len(pixels)} images in {str(paths[0])!r}, {len(labels)} labels in {str(paths[1])!r}")
    return (pixels[:, None], _labels(labels, paths[1])), content + names


def _idx(content: bytes, magic: int, path: Path) -> HostArray:
    """Return the array of an idx file: magic number, one big-endian length per axis, bytes."""
    axes = magic & 0xFF
    head = 4 * (1 + axes)
    if len(content) < head or struct.unpack(">I", content[:4])[0] != magic:
        raise ValueError(f"data: {str(path)!r} is no idx file of bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", content[4:head])
    if len(content) - head != int(np.prod(shape, dtype=object)) or 0 in shape:
        raise ValueError(f"data: {str(path)!r} has {len(content) - head} bytes for an array of shape {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)


def _labels(labels: HostArray, path: Path) -> HostArray:
    if labels.max() >= CLASSES:
        raise ValueError(f"data: {str(path)!r} has the label {labels.max()}, there are {CLASSES}")
    return labels.astype(np.int64)


def _idx_names(part: str) -> Iterator[tuple[str, ...]]:
    for kind in ("images-idx3", "labels-idx1"):
        plain = (f"{part}-{kind}-ubyte", f"{part}-{kind.replace('-idx', '.idx')}-ubyte")
        yield (*plain, *(f"{name}.gz" for name in plain))


IMAGE_SETS = (
    ImageSet("cifar-10", (*((f"data_batch_{k}.bin",) for k in range(1, 6)), ("test_batch.bin",)), 1, _cifar),
    ImageSet("mnist", (*_idx_names("train"), *_idx_names("t10k")), 2, _mnist),
)
"""The image sets that are read from a folder."""

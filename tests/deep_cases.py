"""What the tests of deep models share: small image and text files, and short runs."""

import functools
import gzip
import struct

import numpy as np

from problems.deep import families
from problems.deep.configuration import Configuration

BASELINES = ("adamw", "sgd", "muon", "rmsprop", "adam")
OWN = ("sisa", "nsisa", "sisa-published", "nsisa-published")


def short(family="vision", **values):
    """Return a configuration of a few rounds of the smallest model."""
    batch = 8 if family == "vision" else 64
    defaults = families.by_name(family).defaults() | {"size": "tiny", "rounds": 6, "batch": batch, "evaluations": 3}
    return Configuration(**{**defaults, "optimizer": "adamw", **values})


@functools.cache
def data(family="vision"):
    """Return the data of `short`, read once."""
    return families.by_name(family).load(short(family))


def timeless(rows):
    """Return ``rows`` without what differs between two equal runs."""
    return [{key: value for key, value in row.items() if key != "cpu_seconds"} for row in rows]


def write_cifar(folder, rows=40, seed=0):
    """Write CIFAR-10's six binary files with ``rows`` records each; return (labels, pixels) of the first five."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    records = rng.integers(0, 256, (6, rows, 3073), dtype=np.uint8)
    records[:, :, 0] = np.arange(6 * rows).reshape(6, rows) % 10
    names = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
    for name, part in zip(names, records, strict=True):
        (folder / name).write_bytes(part.tobytes())
    own = records[:5].reshape(-1, 3073)
    return own[:, 0], own[:, 1:].reshape(-1, 3, 32, 32)


def idx(array):
    """Return ``array`` of bytes as an idx file."""
    head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_mnist(folder, rows=60, *, packed=False, seed=0):
    """Write MNIST's four files; return the training pixels."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    first = None
    for part, count in (("train", rows), ("t10k", rows // 2)):
        pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", np.arange(count) % 10)):
            name, content = f"{part}-{kind}-ubyte", idx(array)
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)
        first = pixels if first is None else first
    return first

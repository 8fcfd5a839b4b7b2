"""Reads LIBSVM text, .csv (either compressed or not) and .npz into (X, y), naming faults."""

import bz2
import contextlib
import csv
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pisa_lab.files import write_whole

_OPENERS: dict[str, Callable[[Path], Any]] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
SUFFIXES = ("", *_OPENERS)
MOST_ENTRIES = 2**29
"""Entries of a dense X, 4 GiB of float64: the problems here are dense, and a larger file is refused."""


def contents(path: Path) -> bytes:
    """Return the bytes of ``path``, decompressed when its name ends in .xz, .gz or .bz2.

    Raises:
        ValueError: the file is missing, unreadable or damaged.
    """
    try:
        with _OPENERS.get(path.suffix, Path.open)(path, mode="rb") as stream:
            return bytes(stream.read())
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"path: {str(path)!r} cannot be read ({error})") from error


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_table(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (X, y) of a .npz with arrays X and y, a .csv with the label in its last column, or LIBSVM text.

    Raises:
        ValueError: the file is missing or damaged; the message names it, and the line where there is one.
    """
    if path.suffix == ".npz":
        return _archive(path)
    plain = path.with_suffix("") if path.suffix in _OPENERS else path
    return _separated(contents(path), str(path)) if plain.suffix == ".csv" else libsvm(contents(path), str(path))


def libsvm(
    text: bytes, name: str, *, features: int | None = None, cache: Path | None = None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return dense (X, y) of LIBSVM ``text``; they are kept by checksum in the folder ``cache``, if given.

    Raises:
        ValueError: a line that is not "label index:value …", an index above ``features``, X too large.
    """
    place = None if cache is None else cache / f"{sha256(text)}-{features}.npz"
    parts = None if place is None else _recall(place)
    if parts is None:
        parts = _sparse(text, name, features)
        if place is not None:
            _keep(place, parts)
    values, columns, starts, labels, shape = parts
    x = np.zeros(tuple(shape.tolist()))
    x[np.repeat(np.arange(shape[0]), np.diff(starts)), columns] = values
    return x, labels


def _sparse(text: bytes, name: str, features: int | None) -> tuple[np.ndarray[Any, Any], ...]:
    """Return (values, columns, row starts, labels, shape)."""
    from sklearn.datasets import load_svmlight_file  # a second to import, and only this line needs it

    fault = f"path: {name!r} is not LIBSVM text"
    if not text.strip():
        raise ValueError(f"{fault}: it is empty")
    try:
        first = "auto" if features is None else False
        x, y = load_svmlight_file(io.BytesIO(text), n_features=features, zero_based=first)
        if not (np.all(np.isfinite(x.data)) and np.all(np.isfinite(y))):
            raise ValueError("NaN or infinity")
    except (ValueError, OverflowError) as error:
        line = next((number for number, row in enumerate(text.splitlines(), 1) if not _is_row(row, features)), None)
        raise ValueError(f"{fault}{'' if line is None else f', line {line}'} ({error})") from error
    if x.shape[0] * x.shape[1] > MOST_ENTRIES:
        raise ValueError(f"path: {name!r} is {x.shape[0]} × {x.shape[1]}, more than {MOST_ENTRIES} entries when dense")
    x.sum_duplicates()
    return x.data, x.indices, x.indptr, y, np.asarray(x.shape)


def _is_row(row: bytes, features: int | None) -> bool:
    """Return whether ``row`` reads "label index:value …" with rising indices; slow, to name a fault."""
    words = row.split(b"#")[0].split()
    try:
        label, pairs = words[:1], [word.split(b":") for word in words[1:]]
        indices = [int(index) for index, value in pairs if np.isfinite(float(value))]
        labelled = all(np.isfinite(float(word)) for word in label)
    except ValueError:
        return False
    top = np.inf if features is None else features
    numbered = len(indices) == len(pairs) and indices == sorted(set(indices))
    return labelled and numbered and all(0 <= index <= top for index in indices)


def _recall(place: Path) -> tuple[np.ndarray[Any, Any], ...] | None:
    """Return the arrays kept at ``place``, or None where there are none or their own checksum fails."""
    try:
        with _opened(place) as archive:
            parts = tuple(archive[f"part_{number}"] for number in range(5))
            return parts if str(archive["digest"]) == _digest(parts) else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _keep(place: Path, parts: tuple[np.ndarray[Any, Any], ...]) -> None:
    """Write ``parts`` beside ``place`` and rename; a cache that cannot be written is no error."""
    named = {f"part_{number}": part for number, part in enumerate(parts)}
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)

        def write(partial: Path) -> None:
            with partial.open("wb") as stream:
                np.savez(stream, digest=np.asarray(_digest(parts)), **named)  # type: ignore[arg-type]

        write_whole(place, write)


def _digest(parts: tuple[np.ndarray[Any, Any], ...]) -> str:
    return sha256(b"".join(part.dtype.str.encode() + part.tobytes() for part in parts))


def _opened(path: Path) -> Any:
    """Return the arrays of a .npz, never a pickle; from its bytes, because NumPy leaves a damaged file open."""
    archive = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    if isinstance(archive, np.ndarray):
        raise ValueError("it is one array")
    return archive


def _archive(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    try:
        with _opened(path) as archive:
            return np.asarray(archive["X"]), np.asarray(archive["y"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"path: {str(path)!r} is not a .npz with arrays X and y ({error})") from error


def _separated(text: bytes, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (X, y) of ``text``: an optional header line, then numbers with the label (any word) last."""
    try:
        reader = csv.reader(io.StringIO(text.decode("utf-8-sig")))
        rows = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"path: {name!r} is not a .csv ({error})") from error
    first = rows[0][1] if rows else []
    body = rows if all(map(_is_number, first[:-1])) else rows[1:]
    if not body or len(first) < 2:
        raise ValueError(f"path: {name!r} has no row with a feature and a label")
    x = np.asarray([_features(line, row, len(first), name) for line, row in body])
    labels = np.asarray([row[-1].strip() for _, row in body])
    return x, labels.astype(float) if all(map(_is_number, labels.tolist())) else labels


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _features(line: int, row: list[str], width: int, name: str) -> list[float]:
    """Return every cell of ``row`` but the last as a finite number."""
    if len(row) != width:
        raise ValueError(f"path: {name!r}, line {line}: {len(row)} columns where the first row has {width}")
    for cell in row[:-1]:
        if not _is_number(cell) or not np.isfinite(float(cell)):
            raise ValueError(f"path: {name!r}, line {line}: {cell!r} is not a finite number")
    return [float(cell) for cell in row[:-1]]

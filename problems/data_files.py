"""Reads LIBSVM text, .csv, .tsv (each compressed or not) and .npz into (X, y), naming faults."""

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
SEPARATORS = {".csv": ",", ".tsv": "\t"}
FOREIGN = (
    ".npy",
    ".zip",
    ".zst",
    ".7z",
    ".parquet",
    ".feather",
    ".arff",
    ".mat",
    ".h5",
    ".xls",
    ".xlsx",
    ".json",
    ".pkl",
)
"""Endings of what is certainly another format; any other name is LIBSVM text."""
MOST_ENTRIES = 2**29
"""Entries of a dense X, 4 GiB of float64: the problems here are dense, and a larger file is refused."""


def contents(path: Path) -> bytes:
    """Return the bytes of ``path``, decompressed when its name ends in .xz, .gz or .bz2.

    Raises:
        ValueError: the file is missing, unreadable or damaged.
    """
    try:
        with _OPENERS.get(path.suffix.lower(), Path.open)(path, mode="rb") as stream:
            return bytes(stream.read())
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"path: {str(path)!r} cannot be read ({error})") from error


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_table(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (X, y) of a .npz with arrays X and y, a .csv or .tsv with the label in its last column, or LIBSVM text.

    Raises:
        ValueError: the file is missing, damaged or of another format; the message names it, and the line where there
            is one.
    """
    ending = file_format(path)
    if ending in FOREIGN:
        raise ValueError(
            f"path: {str(path)!r} ends in {ending}; read are .csv, .tsv, LIBSVM text (any of them also as .xz, .gz or "
            ".bz2) and .npz with X and y"
        )
    if ending == ".npz":
        return _archive(path)
    text = contents(path)
    if b"\0" in text[:4096]:
        raise ValueError(f"path: {str(path)!r} is no text; read are .csv, .tsv, LIBSVM text and .npz with X and y")
    return _separated(text, str(path), SEPARATORS[ending]) if ending in SEPARATORS else libsvm(text, str(path))


def file_format(path: Path) -> str:
    """Return the ending that says what ``path`` holds, in small letters and without that of its compression."""
    ending = path.suffix.lower()
    return path.with_suffix("").suffix.lower() if ending in _OPENERS else ending


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
    grouped = next((line for line, row in enumerate(text.splitlines(), 1) if b"_" in row.split(b"#")[0]), None)
    if grouped is not None:
        # Python's own numbers may be grouped by underscores: "1_0" would be read as 10.
        raise ValueError(f"{fault}, line {grouped}: an underscore is in no number")
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
            if missing := [name for name in ("X", "y") if name not in archive.files]:
                raise ValueError(f"it holds {', '.join(archive.files) or 'nothing'} and no {missing[0]}")
            return np.asarray(archive["X"]), np.asarray(archive["y"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"path: {str(path)!r} is not a .npz with arrays X and y ({error})") from error


def _separated(text: bytes, name: str, separator: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (X, y) of ``text``: an optional header line, then numbers with the label (any word) last."""
    try:
        reader = csv.reader(io.StringIO(text.decode("utf-8-sig")), delimiter=separator)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"path: {name!r} is not a table of text ({error})") from error
    first = rows[0][1] if rows else []
    body = rows[1:] if _is_header([row for _, row in rows[:1000]]) else rows
    if not body or len(first) < 2:
        hint = "; are its cells between semicolons? commas are read" if any(";" in cell for cell in first) else ""
        raise ValueError(f"path: {name!r} has no row with a feature and a label{hint}")
    if len(body) < len(rows) and not first[0] and [row[0] for _, row in body] == [str(n) for n in range(len(body))]:
        raise ValueError(f"path: {name!r}: its first column counts the rows; write it without its index")
    x = np.asarray([_features(line, row, len(first), name) for line, row in body])
    labels = np.asarray([row[-1] for _, row in body])
    if empty := [line for line, row in body if not row[-1]]:
        raise ValueError(f"path: {name!r}, line {empty[0]}: no label ({len(empty)} such lines)")
    return x, labels.astype(float) if all(map(_is_number, labels.tolist())) else labels


def _is_header(rows: list[list[str]]) -> bool:
    """Return whether the first row names the columns: by a word where numbers are below, or by counting them from 0."""
    if not rows:
        return False
    first, others = rows[0], rows[1:]
    if not all(map(_is_number, first[:-1])):
        return True
    word = not _is_number(first[-1]) and bool(others) and all(_is_number(row[-1]) for row in others if row)
    counts = first[: len(first) - word] == [str(number) for number in range(len(first) - word)]
    # Of two numbers, 0 and 1 may be a row; not where the column below holds fractions.
    fractions = any("." in row[0] for row in others if row)
    return word or (counts and (len(first) > 2 or fractions))


def _is_number(cell: str) -> bool:
    """Return whether ``cell`` is a number as tables write them; Python's 1_000 and digits of other scripts are not."""
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell


def _features(line: int, row: list[str], width: int, name: str) -> list[float]:
    """Return every cell of ``row`` but the last as a finite number."""
    if len(row) != width:
        raise ValueError(f"path: {name!r}, line {line}: {len(row)} columns where the first row has {width}")
    for cell in row[:-1]:
        if not _is_number(cell) or not np.isfinite(float(cell)):
            raise ValueError(f"path: {name!r}, line {line}: {cell!r} is not a finite number")
    return [float(cell) for cell in row[:-1]]

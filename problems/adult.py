"""Finds a9a, which is shipped in problems/data, and verifies it by checksum wherever it came from."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from problems import data_files

_ADDRESS = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/"
CHECKSUMS = {
    "a9a": "f5d5ffd8d865ff41328e7ee043e4b020816914ff6843ff15b98905ddbedce906",
    "a9a.t": "1f448a153f0320399a7e40836eb207655b0bde0f21fc941cc472193daa9f5de9",
}
"""SHA-256 of the uncompressed text of the training and the test part."""
FEATURES = 123
SHIPPED = Path(__file__).with_name("data")
"""The folder that comes with the project; its README has the attribution."""


def read(given: Path | None) -> tuple[Any, ...]:
    """Return (x, y, test x, test y); ``given`` is a folder or the training file, None searches `places`.

    Raises:
        ValueError: a part is nowhere, or what was found is not a9a.
    """
    texts = {part: _verified(part, _found(part, given)) for part in CHECKSUMS}
    folder = cache_folder()
    tables = [data_files.libsvm(text, part, features=FEATURES, cache=folder) for part, text in texts.items()]
    return (*tables[0], *tables[1])


def places() -> list[Path]:
    """Return where a9a may be: $PISA_LAB_DATA, the folder that is shipped, the cache of downloads."""
    named = os.environ.get("PISA_LAB_DATA")
    return [*([Path(named)] if named else []), SHIPPED, cache_folder()]


def cache_folder() -> Path:
    """Return the folder of downloads and parsed texts, in the user's cache; nothing is created."""
    import pooch

    return Path(pooch.os_cache("pisa_lab"))


def _found(part: str, given: Path | None) -> Path:
    where = places() if given is None else [given]
    for path in (candidate for place in where for candidate in _candidates(place, part)):
        if path.is_file():
            return path
    if given is None:
        return _downloaded(part, where)
    raise ValueError(f"data_dir: no {part} (plain or {', '.join(data_files.SUFFIXES[1:])}) in {str(given)!r}")


def _candidates(place: Path, part: str) -> list[Path]:
    """Return the names ``part`` may have at ``place``: in a folder, or that file and its neighbour."""
    if place.is_file():
        return [place if part == "a9a" else place.with_name(f"{part}{end}") for end in data_files.SUFFIXES]
    return [place / f"{part}{end}" for end in data_files.SUFFIXES]


def _verified(part: str, path: Path) -> bytes:
    text = data_files.contents(path)
    have, want = data_files.sha256(text), CHECKSUMS[part]
    if have != want:
        raise ValueError(f"path: {str(path)!r} is not {part}: its text has sha256 {have[:12]}…, not {want[:12]}…")
    return text


def _downloaded(part: str, tried: list[Path]) -> Path:
    import pooch

    try:
        with _quiet(pooch.get_logger()):
            folder = cache_folder()
            return Path(pooch.retrieve(_ADDRESS + part, f"sha256:{CHECKSUMS[part]}", fname=part, path=folder))
    except (OSError, ValueError) as error:
        where, reason = ", ".join(map(str, tried)), " ".join(str(error).split())
        raise ValueError(
            f"name: {part} is not in {where}; downloading {_ADDRESS}{part} failed ({reason}); "
            "set PISA_LAB_DATA to its folder"
        ) from error


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from printing its progress, for this one call."""
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)

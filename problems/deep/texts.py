"""Text as data: Python's own help topics, or a file of the user's, cut into windows of characters or bytes."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pisa_lab._checks import choice
from problems.data_files import contents, sha256
from problems.deep.parts import TEST_SEED, VALIDATION_SEED, Data, Part, stratified_split

HostArray = np.ndarray[Any, Any]
TOKENS = ("characters", "bytes")
GROUPS = 10
"""Of topics, or blocks of a user's file: the labels that clients are made of."""
TEST_SHARE, VALIDATION_SHARE = 0.1, 0.1
STRETCH = 2048
"""Consecutive tokens that go to one part together: most held-out windows then have no neighbour in training.

A tenth of a group where that is less.
"""
MOST_HELD_OUT = 2**17
"""Tokens of validation and of test part, at most: an evaluation goes through all of them."""


def texts(file: Path | None, *, context: int, tokens: str) -> Data:
    """Return windows of ``context`` tokens with their next tokens, of Python's help topics or of ``file``.

    A window's group is the group of topics it is from, or the tenth of the file. The vocabulary is that of the whole
    text. Windows do not overlap, and no part shares a token to predict with another.

    Raises:
        ValueError: the file cannot be read, is not UTF-8 where characters are asked for, or is too short.
    """
    choice("tokens", tokens, TOKENS)
    name, raw, streams = _topics() if file is None else _file(file)
    coded, classes = _coded(streams, tokens, name)
    windows, groups, stretches = _windows(coded, context, name)
    kept, last = _split(groups, stretches, np.arange(len(windows)), TEST_SHARE, TEST_SEED)
    train, held = _split(groups, stretches, kept, VALIDATION_SHARE / (1 - TEST_SHARE), VALIDATION_SEED)
    most = max(MOST_HELD_OUT // context, 1)
    return Data(
        name=name,
        sha256=sha256(raw),
        train=_part(windows[train]),
        validation=_part(windows[_some(held, most)]),
        test=_part(windows[_some(last, most)]),
        groups=groups[train],
        shape=(context,),
        classes=classes,
    )


def _topics() -> tuple[str, bytes, list[bytes]]:
    """Return Python's help topics as 10 texts of like length: the longest left goes to the shortest text.

    Raises:
        ValueError: this Python was installed without them.
    """
    try:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    except ModuleNotFoundError as error:
        raise ValueError("data: this Python has no pydoc_data.topics; give a text of your own") from error
    chosen: list[list[str]] = [[] for _ in range(GROUPS)]
    for name in sorted(topics, key=lambda name: (-len(topics[name]), name)):
        min(chosen, key=lambda names: sum(len(topics[own]) for own in names)).append(name)
    streams = ["\n".join(topics[name] for name in names).encode() for names in chosen]
    return "pydoc topics", b"".join(streams), streams


def _file(path: Path) -> tuple[str, bytes, list[bytes]]:
    if not path.is_file():
        raise ValueError(f"data: {str(path)!r} is no file; language takes one of text")
    raw = contents(path)
    return path.name, raw, [raw]


def _coded(streams: Sequence[bytes], tokens: str, name: str) -> tuple[list[HostArray], int]:
    """Return every stream as token numbers, and how many tokens there are; a lone stream is cut into groups."""
    if tokens == "bytes":
        coded, classes = [np.frombuffer(stream, dtype=np.uint8).astype(np.int32) for stream in streams], 256
    else:
        try:
            points = [np.frombuffer(stream.decode().encode("utf-32-le"), dtype="<u4") for stream in streams]
        except UnicodeDecodeError as error:
            raise ValueError(f"data: {name!r} is not UTF-8 ({error}); --tokens bytes takes any file") from error
        alphabet = np.unique(np.concatenate(points))
        coded, classes = [np.searchsorted(alphabet, own).astype(np.int32) for own in points], alphabet.size
    return (np.array_split(coded[0], GROUPS) if len(coded) == 1 else coded), classes


def _windows(streams: Sequence[HostArray], context: int, name: str) -> tuple[HostArray, HostArray, HostArray]:
    """Return windows (rows, context + 1), each sharing its last token with the next, their groups and stretches."""
    cut, groups, stretches = [], [], []
    for group, stream in enumerate(streams):
        count = max(stream.size - 1, 0) // context
        places = np.arange(count)[:, None] * context + np.arange(context + 1)
        cut.append(stream[places])
        groups.append(np.full(count, group))
        stretches.append(np.arange(count) * context // max(min(STRETCH, stream.size // 10), context))
    if min(map(len, cut)) < 3:
        raise ValueError(
            f"data: {name!r} has {sum(stream.size for stream in streams)} tokens; with windows of {context} each of "
            f"{GROUPS} groups needs {3 * context + 1}"
        )
    return np.concatenate(cut), np.concatenate(groups), np.concatenate(stretches)


def _split(
    groups: HostArray, stretches: HostArray, among: HostArray, share: float, seed: int
) -> tuple[HostArray, HostArray]:
    """Return the rows ``among`` in two: whole stretches, of every group the rounded ``share``, at least one."""
    units, members = np.unique(np.stack([groups[among], stretches[among]]), axis=1, return_inverse=True)
    _, aside = stratified_split(units[0], share, seed, least=1)
    is_aside = np.isin(members.reshape(-1), aside)
    return among[~is_aside], among[is_aside]


def _some(rows: HostArray, most: int) -> HostArray:
    """Return at most ``most`` of ``rows``, evenly spread."""
    return rows if rows.size <= most else rows[np.linspace(0, rows.size - 1, most).astype(np.int64)]


def _part(windows: HostArray) -> Part:
    held = torch.from_numpy(windows)
    return Part(held[:, :-1], held[:, 1:])

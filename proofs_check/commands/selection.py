"""Which claims the words on a command line mean."""

import difflib
import fnmatch
from collections.abc import Sequence
from typing import Any

from pisa_lab import specs


def chosen(words: Sequence[str], claims: Sequence[Any]) -> list[Any]:
    """Return the ``claims`` that any of ``words`` names, in their own order; all of them when there is no word.

    A word is a name, the beginning of names ("V2" is V2-… rather than V20-…), or a glob. Case does not matter.
    MODULE:OBJECT is a claim of the user's own; these come last.

    Raises:
        ValueError: a word that names nothing, with the nearest names; or there is nothing to choose from.
    """
    if not claims:
        raise ValueError("NAME: no claim is left by --kind and --provenance")
    if not words:
        return list(claims)
    own = [_own(word, claims) for word in words if specs.is_own(word)]
    named = [word for word in words if not specs.is_own(word)]
    wanted = {name for word in named for name in _named(word, [claim.name for claim in claims])}
    return [*(claim for claim in claims if claim.name in wanted), *own]


def _own(word: str, claims: Sequence[Any]) -> Any:
    from proofs_check.claim import Claim

    found = specs.own("NAME", word)
    if not isinstance(found, Claim):
        raise ValueError(f"NAME: {word!r} is a {type(found).__name__}, no Claim")
    if found.name in [claim.name for claim in claims]:
        raise ValueError(f"NAME: {word!r} is called {found.name!r}, as one of ours is")
    return found


def _named(word: str, names: Sequence[str]) -> list[str]:
    small = word.lower()
    tests = (
        lambda name: name == small,
        lambda name: name.startswith(f"{small}-"),
        lambda name: name.startswith(small),
        lambda name: fnmatch.fnmatchcase(name, small),
    )
    for test in tests:
        found = [name for name in names if small and test(name.lower())]
        if found:
            return found
    lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(small, lower, n=3, cutoff=0.4)
    hint = f"; close: {', '.join(lower[name] for name in near)}" if near else ""
    raise ValueError(f"NAME: {word!r} names no claim{hint}")

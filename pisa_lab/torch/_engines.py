"""Which engine carries out a group's step."""

import functools
import os
import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._foreach import FOREACH
from pisa_lab.torch._functional import SINGLE
from pisa_lab.torch._in_place import IN_PLACE
from pisa_lab.torch._work import Engine

COMPILED_FROM = 1 << 22
"""Numbers from which a list is compiled unasked: a pass over fewer takes milliseconds whichever way it is made."""


def engine_for(group: Mapping[str, Any], params: Sequence[Tensor]) -> Engine:
    """Return the engine that ``group`` asks for by its keys, or the fastest that fits ``params``.

    ``compiled=True`` is one compiled pass, ``foreach=True`` torch's operations on lists, ``foreach=False`` the core's
    own lines, one parameter at a time. Left to itself (None), a list on a processor of at least `COMPILED_FROM` numbers
    is compiled if a C++ compiler is found and every parameter has its gradient: some seconds once, kept on disk by
    torch. Shorter lists, and all of them with ``compiled=False`` or without a compiler, are stepped by in-place
    operations, on GPUs by those on lists. Nothing else matters, so that a run resumed on the same machine goes on with
    the same engine.
    """
    if group["differentiable"]:
        return SINGLE
    if group["foreach"] or torch.compiler.is_compiling():
        return SINGLE if group["foreach"] is False else FOREACH
    if group["compiled"] or (group["compiled"] is group["foreach"] is None and _pays(group, params)):
        if compiles(params[0].device.type):
            from pisa_lab.torch._compiled import COMPILED

            return COMPILED
        if group["compiled"]:
            warnings.warn("compiled=True: torch.compile does not work here, the step is made without", stacklevel=4)
    if group["foreach"] is False:
        return SINGLE
    return IN_PLACE if all(param.device.type == "cpu" for param in params) else FOREACH


def _pays(group: Mapping[str, Any], params: Sequence[Tensor]) -> bool:
    """Return whether to compile unasked: a long list on a processor, and the same at every step as far as one sees.

    Where some parameters have no gradient it is often others the next time, and every list needs graphs of its own. A
    metric's half is not compiled.
    """
    if group["metric"]:
        return False
    if sum(param.numel() for param in params) < COMPILED_FROM or any(param.device.type != "cpu" for param in params):
        return False
    return all(param.grad is not None for param in group["params"] if param.requires_grad)


@functools.cache
def compiles(device: str) -> bool:
    """Return whether torch.compile works on ``device``, by trying it on one addition."""
    named = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "cl" if sys.platform == "win32" else "g++")
    if device == "cpu" and shutil.which(named) is None:
        return False
    try:
        from pisa_lab.torch._compiled import built

        where = (torch.float32, torch.zeros(1, device=device).device)
        built(_probe, [(2,)], [where])(torch.zeros(2, device=device))
    except Exception:
        # A compiler without headers, a folder without space, a Python too new: whatever it is, there is another way.
        return False
    return True


def _probe(x: Tensor) -> None:
    x.add_(1)

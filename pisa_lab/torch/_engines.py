"""Which engine carries out a group's step."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._foreach import FOREACH
from pisa_lab.torch._functional import SINGLE
from pisa_lab.torch._in_place import IN_PLACE
from pisa_lab.torch._work import Engine


def engine_for(group: Mapping[str, Any], params: Sequence[Tensor]) -> Engine:
    """Return the engine that ``group`` asks for by its keys, or the fastest that fits ``params``."""
    if group["differentiable"]:
        return SINGLE
    if group["foreach"] or torch.compiler.is_compiling():
        return SINGLE if group["foreach"] is False else FOREACH
    if group["compiled"]:
        from pisa_lab.torch._compiled import COMPILED

        return COMPILED
    if group["foreach"] is False:
        return SINGLE
    return IN_PLACE if all(param.device.type == "cpu" for param in params) else FOREACH

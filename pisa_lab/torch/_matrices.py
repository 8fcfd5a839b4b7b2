"""Which parameters NSISA orthogonalises: a rule on shapes and names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

_WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_EMBEDDING = re.compile(r"(^|_)emb|embed|^(wte|wpe|shared|cls_token|pos_\w*|position\w*)$")
_ENTRIES = re.compile(r"(?i)norm|^ln(_?\w)?$|bias$")
_OUTPUT = re.compile(r"^(heads?|\w+_head|classifier|unembed\w*|logits|score)$")


def spoken_for(name: str) -> bool:
    """Return whether ``name`` says that the parameter is an embedding's, an output layer's, a norm's or a bias.

    A part of it between dots has a word that starts with "emb" or is wte, wpe, shared, cls_token, pos_…, position…; or
    head, heads, …_head, classifier, unembed…, logits, score; or it contains "norm", is ln, ln1, ln_f and the like, ends
    in "bias"; or the first part is fc, as torchvision's networks call their output.
    """
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    rules = (_EMBEDDING, _OUTPUT, _ENTRIES)
    return (bool(parts) and parts[0] == "fc") or any(rule.search(part) for part in parts for rule in rules)


def is_matrix(param: Tensor, group: Mapping[str, Any]) -> bool:
    """Return whether NSISA orthogonalises ``param`` of ``group``.

    The group's key ``orthogonal`` says so for all that can be: two axes or more (a convolution's kernel counts as
    (out, rest)), at least two rows and columns. None, the default, leaves out what has three axes, for it may be the
    kernel of a convolution over a sequence or a stack of matrices, and what its name speaks for where the group has
    names (`spoken_for`): ``model.named_parameters()`` brings them, `parameter_groups` does better. Without names every
    matrix is orthogonalised, an embedding as well. Complex parameters never are.

    Raises:
        ValueError: ``orthogonal`` is True for a complex matrix.
    """
    asked = group["orthogonal"]
    if asked is False or param.ndim < 2 or param.numel() == 0 or min(param.shape[0], param[0].numel()) < 2:
        return False
    if _complex(param):
        if asked:
            raise ValueError("orthogonal: True for complex matrices, which are only served entry by entry")
        return False
    return bool(asked) or (param.ndim != 3 and not spoken_for(_name(param, group)))


def _complex(param: Tensor) -> bool:
    """Return whether ``param`` is complex or the real view of what is."""
    return param.is_complex() or (param._base is not None and param._base.is_complex())


def _name(param: Tensor, group: Mapping[str, Any]) -> str:
    """Return the name of ``param`` in ``group``, empty where it carries none."""
    names: Sequence[str] = group.get("param_names", ())
    return next((name for name, other in zip(names, group.get("params", ()), strict=False) if other is param), "")

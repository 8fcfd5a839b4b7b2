"""Parameter groups for NSISA made from a model's modules: matrices, and what is updated entry by entry."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from pisa_lab.torch._matrices import is_matrix, spoken_for

_KERNELS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


def parameter_groups(
    model: nn.Module,
    *,
    output: nn.Module | str | None = "auto",
    matrices: Mapping[str, Any] | None = None,
    elementwise: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return two groups for `NSISA`: the matrices to orthogonalise, and the rest, each with its parameters' names.

    Matrices are the parameters with two axes, and the kernels of convolution modules as (out, in · height · width), of
    transposed ones as (in, out · height · width). To the rest go embeddings and whatever is tied to one, the output
    layer, biases, the weights of norms whatever their shape, what its name says is an embedding or a head, all other
    parameters with three axes or more (tokens, positions, stacked experts), and matrices with one row or column. A
    group that would be empty is left out, and so are parameters with requires_grad False.

    Args:
        model: the model, before or after ``fully_shard``, with its lazy modules already run.
        output: the module whose weight is the output layer's, or its name; "auto": the modules whose names say so, or,
            without any, the linear layer registered last; None: none is.
        matrices: further keys of the group of matrices, ``{"lr": 0.02}``.
        elementwise: further keys of the other group.

    Raises:
        ValueError: ``output`` is not a module of ``model``, or a parameter of it has no shape yet.
    """
    apart = _apart(model) | _output(model, output)
    kernels = {id(module.weight) for module in model.modules() if isinstance(module, _KERNELS)}
    chosen: list[tuple[str, Tensor]] = []
    rest: list[tuple[str, Tensor]] = []
    for name, param in model.named_parameters():
        if isinstance(param, UninitializedParameter):
            raise ValueError(f"model: {name} has no shape yet; run the model on a batch first")
        if param.requires_grad:
            shaped = (param.ndim == 2 or id(param) in kernels) and not param.is_complex()
            able = shaped and is_matrix(param, {"orthogonal": True})
            (chosen if able and id(param) not in apart else rest).append((name, param))
    groups = [
        {"params": chosen, **(matrices or {}), "orthogonal": True},
        {"params": rest, **(elementwise or {}), "orthogonal": False},
    ]
    return [group for group in groups if group["params"]]


def _apart(model: nn.Module) -> set[int]:
    """Return the ids of the parameters that belong to embeddings or norms, or are named like an embedding or a head."""
    found = {id(param) for name, param in model.named_parameters(remove_duplicate=False) if spoken_for(name)}
    for module in model.modules():
        if isinstance(module, _EMBEDDINGS) or "Norm" in type(module).__name__:
            found.update(id(param) for param in module.parameters(recurse=False))
    return found


def _output(model: nn.Module, output: nn.Module | str | None) -> set[int]:
    """Return the ids of the output layer's parameters.

    Raises:
        ValueError: ``output`` is not a module of ``model``.
    """
    if output is None:
        return set()
    modules = dict(model.named_modules())
    if output == "auto":
        return set() if any(_said(modules)) else _last(model)
    found = modules.get(output) if isinstance(output, str) else output
    if found is None or all(found is not module for module in modules.values()):
        raise ValueError(f"output: {output!r} is not a module of the model")
    return {id(param) for param in found.parameters()}


def _said(modules: Mapping[str, nn.Module]) -> Iterator[str]:
    """Yield the names of linear layers that say of themselves that they are the output."""
    return (name for name, module in modules.items() if isinstance(module, nn.Linear) and spoken_for(name))


def _last(model: nn.Module) -> set[int]:
    """Return the ids of the parameters of the linear layer registered last."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return {id(param) for param in linear[-1].parameters()} if linear else set()

"""Products with curvature matrices of a loss, by autograd: what second-order preconditioners are given at a step."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pisa_lab.torch._work import Product


def hessian_product(loss: Callable[[], Tensor]) -> Product:
    """Return (params, vectors) → Hv of ``loss`` at the parameters' present values.

        optimizer.step(curvature=hessian_product(lambda: criterion(model(x), y)))

    The loss is computed once, at the first product, and so is its gradient for each list of parameters; a product then
    costs about one backward pass. It belongs to one step: after parameters have moved, autograd refuses to use it.

    Args:
        loss: a function of nothing that returns the loss, on which gradients can be taken twice.
    """
    root: list[Tensor] = []
    slopes: dict[tuple[int, ...], tuple[Tensor, ...]] = {}

    def product(params: Sequence[Tensor], vectors: Sequence[Tensor]) -> Sequence[Tensor]:
        with torch.enable_grad():
            if not root:
                root.append(loss())
            key = tuple(map(id, params))
            if key not in slopes:
                slopes[key] = torch.autograd.grad(root[0], params, create_graph=True, materialize_grads=True)
            return _pulled(slopes[key], params, vectors)

    return product


def gauss_newton_product(outputs: Callable[[], Tensor], loss: Callable[[Tensor], Tensor]) -> Product:
    r"""Return (params, vectors) → $J^\top H J v$ at the parameters' present values.

    J is the Jacobian of the model's outputs, H the Hessian of the loss in them; a convex loss makes the matrix positive
    semidefinite.

        curvature = gauss_newton_product(lambda: model(x), lambda outputs: criterion(outputs, y))

    The outputs are computed once; a product then costs about two backward passes and one through a backward pass.

    Args:
        outputs: a function of nothing that returns the model's outputs.
        loss: the loss as a function of them.
    """
    roots: list[tuple[Tensor, Tensor, Tensor]] = []
    pulls: dict[tuple[int, ...], tuple[Tensor, tuple[Tensor, ...]]] = {}

    def product(params: Sequence[Tensor], vectors: Sequence[Tensor]) -> Sequence[Tensor]:
        with torch.enable_grad():
            if not roots:
                predicted = outputs()
                ends = predicted.detach().requires_grad_()
                (slope,) = torch.autograd.grad(loss(ends), ends, create_graph=True)
                roots.append((predicted, ends, slope))
            predicted, ends, slope = roots[0]
            key = tuple(map(id, params))
            if key not in pulls:
                # Jᵀu is linear in u: its derivative in u along v is Jv, a forward product by two backward ones.
                dummy = torch.zeros_like(predicted, requires_grad=True)
                pulled = torch.autograd.grad(predicted, params, dummy, create_graph=True, materialize_grads=True)
                pulls[key] = dummy, pulled
            dummy, pulled = pulls[key]
            (pushed,) = _pulled(pulled, [dummy], vectors)
            (curved,) = _pulled([slope], [ends], [pushed])
            return torch.autograd.grad(predicted, params, curved, retain_graph=True, materialize_grads=True)

    return product


def _pulled(roots: Sequence[Tensor], leaves: Sequence[Tensor], vectors: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the derivatives of Σ⟨root, vector⟩ in ``leaves``, zeros where nothing depends on them."""
    pairs = [(root, vector) for root, vector in zip(roots, vectors, strict=True) if root.requires_grad]
    if not pairs:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found, along = zip(*pairs, strict=True)
    return torch.autograd.grad(found, leaves, along, retain_graph=True, materialize_grads=True)

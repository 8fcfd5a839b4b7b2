"""A torch model, a loss and rows dealt to clients as a problem: what `run`, residuals, monitor and ablation take."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vjp
from torch.nn.attention import SDPBackend, sdpa_kernel

from pisa_lab._checks import real, whole
from pisa_lab.preconditioners.blocks import Blocks
from problems.base import Base, HostArray, ball, client_weights
from problems.deep.problem_checks import (
    Loss,
    beside,
    check_loss,
    check_model,
    checked_model,
    checked_rows,
    spread,
    with_vmap_fallback,
)
from problems.deep.problem_parameters import flat, layout, load, named
from problems.deep.problem_points import Of, Pace, over_batches, over_points, over_rows
from problems.user_data import indices

__all__ = ["DeepProblem", "deep_problem", "load"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DeepProblem(Base):
    r"""$F_i(w) = \frac{1}{n_i}\sum_j\ell(f(w; x_{ij}), y_{ij}) + \tfrac{\mu}{2}\|w\|^2$, f a torch model.

    w is flat, (P,): the trainable parameters in the order of ``model.named_parameters()``, each as torch stores it;
    ``blocks`` names them. The matrix of a torch layer is (outputs, inputs), so that NSISA's factor
    $\sqrt{\max(1, \text{rows}/\text{columns})}$ is Muon's; `problems.networks` stores (inputs, outputs), and its factor
    is that of the transpose (`problems.deep.twins`).

    All arrays are torch tensors of one floating type on one device. Several points at once (replicates, columns of a
    Hessian) go through the model together under `torch.func.vmap`, and agree with the same points one by one to
    rounding, not bit for bit. Attention is computed by its plain formula, which can be differentiated twice.

    Shapes: ``inputs`` and ``targets`` (rows, …), ``parts`` the row numbers of each client, (n_i,). ``pace`` says how
    much goes through the model at once.
    """

    model: nn.Module
    loss: Loss
    inputs: Tensor
    targets: Tensor
    parts: tuple[Tensor, ...]
    local_ridge: float = 0.0
    pace: Pace

    @property
    def convex(self) -> bool:
        """Never known to be."""
        return False

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_i."""
        return tuple(len(part) for part in self.parts)

    @functools.cached_property
    def blocks(self) -> Blocks:
        """(name, shape) of the trainable parameters, in their order in w."""
        return layout(self.model)

    @property
    def task(self) -> str:
        """Say "multiclass" where targets are whole numbers, else "regression"."""
        return "regression" if self.targets.is_floating_point() else "multiclass"

    def client_value(self, w: Tensor) -> Tensor:
        """Return F_i(w), shape (…, clients)."""
        return self._each(self._mean, w) + self.local_ridge / 2 * torch.sum(w * w, dim=-1)

    def client_grad(self, w: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, P)."""
        return self._each(grad(self._mean), w, batch=batch) + self.local_ridge * w

    def sample_grad(self, w: Tensor, batch: Tensor) -> Tensor:
        """Return every sample's gradient, μw included, (…, clients, b, P); their mean is `client_grad`."""

        def one(w: Tensor, row: Tensor, target: Tensor) -> Tensor:
            return self._mean(w, row[None], target[None])

        return (
            self._each(self.pace.over(grad(one), (None, 0, 0), 1), w, batch=batch) + self.local_ridge * w[..., None, :]
        )

    def hvp(self, w: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return ∇²F_i(w)v, the pullback of v through ∇F_i; shape (…, clients, P)."""

        def product(w: Tensor, v: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
            pulled: Tensor = vjp(lambda w: grad(self._mean)(w, inputs, targets), w)[1](v)[0]
            return pulled

        return self._each(product, w, v, batch=batch) + self.local_ridge * v

    def gauss_newton(self, w: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        r"""Return $(J^\top H J + \mu I)v$, J of the outputs, H of the loss in them; shape (…, clients, P).

        H ⪰ 0, and so the product, where the loss is convex in the outputs.
        """

        def product(w: Tensor, v: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
            z, pull = vjp(functools.partial(self._at, inputs=inputs), w)  # type: ignore[misc]
            # J v as the derivative of u ↦ ⟨Jᵀu, v⟩: not every layer has a forward derivative.
            along = vjp(lambda u: pull(u)[0], torch.zeros_like(z))[1](v)[0]
            slope = grad(lambda z: self.loss(z, targets).mean())
            pulled: Tensor = pull(vjp(slope, z)[1](along)[0])[0]
            return pulled

        return self._each(product, w, v, batch=batch) + self.local_ridge * v

    def lipschitz_on(self, radius: float) -> HostArray:
        """Return inf for every client: no constant is known."""
        ball(radius)
        return self.lipschitz

    @sdpa_kernel(SDPBackend.MATH)
    def outputs(self, w: Tensor, features: Any) -> Tensor:
        """Return f(w; x) for ``features`` (n, …) at ``w`` (…, P), shape (…, n, …)."""
        self._check(w)
        rows = beside(torch.as_tensor(features), w)
        found = [
            over_points(functools.partial(self._at, inputs=piece), w, self.pace, len(piece))
            for piece in torch.split(rows, self.pace.chunk)
        ]
        return torch.cat(found, dim=w.ndim - 1)

    def predict(self, w: Tensor, X: Any) -> Tensor:
        """Return the class with the largest output, or the outputs of a regression, for ``X`` (n, …)."""
        outputs = self.outputs(w, X)
        return outputs if self.task == "regression" else outputs.argmax(dim=-1)

    def accuracy(self, w: Tensor, X: Any, y: Any) -> Tensor:
        """Return the share of right classes at ``w`` (…, P) on ``X`` (n, …), ``y`` (n, …); shape (…).

        Raises:
            ValueError: the problem is a regression.
        """
        if self.task == "regression":
            raise ValueError("accuracy: a regression has none; compare predict(w, X) with y")
        right = (self.predict(w, X) == torch.as_tensor(y, device=w.device)).to(w.dtype)
        return right.reshape(*w.shape[:-1], -1).mean(dim=-1)

    def _at(self, w: Tensor, inputs: Tensor) -> Tensor:
        """Return f(w; x) at one point (P,), with everything that is not trained as it was."""
        result: Tensor = functional_call(self.model, named(w, self.blocks), (inputs,))
        return result

    def _mean(self, w: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(self._at(w, inputs), targets).mean()

    @sdpa_kernel(SDPBackend.MATH)
    def _each(self, of: Of, *points: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return ``of`` for every client at ``points`` (…, 1 or clients, P), (…, clients, *result)."""
        self._check(*points)
        data, held = (self.inputs, self.targets), [x.detach() for x in points]
        if batch is None:
            return over_rows(of, held, data, self.parts, self.pace)
        return over_batches(of, held, data, self.parts, batch, self.pace)

    def _check(self, *points: Any) -> None:
        start = self.initial
        for name, x in zip(("w", "v"), points, strict=False):
            if not isinstance(x, Tensor):
                raise ValueError(f"{name}: {type(x).__name__}, but a deep problem takes torch tensors")
            if (x.dtype, x.shape[-1]) != (start.dtype, len(start)):
                raise ValueError(f"{name}: {x.dtype} {tuple(x.shape)} must be {start.dtype} (…, {len(start)})")


def deep_problem(
    model: nn.Module,
    loss: Loss,
    inputs: Any,
    targets: Any,
    parts: Sequence[Any] | None = None,
    *,
    weights: Any = None,
    ridge: float = 0.0,
    local_ridge: float = 0.0,
    dtype: torch.dtype | None = None,
    device: Any = None,
    chunk: int = 1024,
) -> DeepProblem:
    r"""Return the problem of training ``model``, from where it is, on rows dealt to clients; w is flat, (P,).

    The model is copied, and neither it nor its buffers are ever changed. The loss is a mean over rows, or gives as many
    numbers for every row (``reduction="none"``), of which the mean is taken.

    Args:
        model: a module from inputs (rows, …) to outputs (rows, …) that looks at one row at a time and draws nothing at
            random: BatchNorm and dropout in eval mode. Parameters that require no gradient stay as they are.
        loss: (outputs, targets) → the mean loss, such as ``torch.nn.functional.cross_entropy``.
        inputs: (rows, …), floating or whole numbers (tokens).
        targets: (rows, …).
        parts: row numbers of every client; None means one client.
        weights: α, by default n_i over the sum of all.
        ridge: λ of $F_\lambda$.
        local_ridge: μ of every $F_i$.
        dtype: float32 or float64, of parameters and floating data; by default the parameters' own.
        device: by default that of the parameters.
        chunk: pairs of a point and a row that are in the model at once: more is faster for small models, less needs
            less memory for large ones.

    Raises:
        ValueError: a model or loss that is no function of w and of one row at a time, or data and numbers outside their
            domain; the message names the argument.
    """
    own = checked_model(model, dtype, device)
    start = flat(own)
    rows, wanted = checked_rows(inputs, targets, start)
    members = [np.arange(len(rows))] if parts is None else [indices(np.asarray(part), len(rows)) for part in parts]
    if not members:
        raise ValueError("parts: empty; one array of row numbers per client")
    counts = np.asarray([len(part) for part in members], dtype=np.float64)
    alpha = client_weights(counts / counts.sum() if weights is None else weights, len(members))
    problem = DeepProblem(
        model=own,
        loss=loss,
        inputs=rows,
        targets=wanted,
        parts=tuple(torch.as_tensor(part, dtype=torch.int64, device=start.device) for part in members),
        weights=torch.as_tensor(alpha, dtype=start.dtype, device=start.device),
        ridge=real("ridge", ridge, at_least=0.0),
        local_ridge=real("local_ridge", local_ridge, at_least=0.0),
        initial=start,
        smoothness=(math.inf,) * len(members),
        pace=Pace(whole("chunk", chunk, at_least=1), together=True),
    )
    some = spread(len(rows))
    check_loss(loss, check_model(own, functools.partial(problem._at, start), rows[some]), wanted[some])
    checked: DeepProblem = with_vmap_fallback(problem)
    return checked

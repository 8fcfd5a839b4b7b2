"""SISA and NSISA: PISA with its two preconditioners for deep models."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from pisa_lab.torch._optimizer import PISA


class SISA(PISA):
    r"""SISA: PISA whose Q is the root of a second moment of π + g, entry by entry.

    $$n = (\pi+g)^2,\quad v \leftarrow \beta v + (1-\beta)\,n,\quad \hat v = \frac{v}{1-\beta^t},\quad q = \frac{\pi+g}
    {\sigma+\rho\sqrt{\hat v}},$$

    $$w \leftarrow w + \mathrm{lr}\,\frac{\pi - 2\sigma q - \lambda w}{\sigma + \mathrm{lr}\,\lambda},\qquad
    \pi \leftarrow \pi - \sigma q,$$

    (scheme III; π on the right is the old one). Two buffers a parameter: "multiplier" (π) and "moment" (v).

    State has the parameter's type, as torch's own optimisers keep it; half precision is computed with in float32 and
    rounded where it is stored. There v stops short, for β = 0.999 moves it by less than its last place: in bfloat16 a
    constant n = 1 leaves it at 0.25; in float16 it is infinite above 65504, so where |π+g| stays above 256, and q is 0
    from then on: the entry coasts on its multiplier. Keep float32 parameters and let autocast choose, or take a β of
    0.9 or so.

    To schedule σ alone set ``group["penalty"]`` between steps; lr scales σ and ρ together.

    A list of four million numbers or more on a processor is stepped by one compiled pass where a C++ compiler is found
    (seconds once, kept on disk by torch), as fast as fused AdamW; elsewhere, and with ``compiled=False``, by in-place
    operations, 3 to 6 times slower than that; on GPUs by operations on lists unless ``compiled=True``.

        optimizer = SISA(model.parameters(), lr=0.5)

    Args:
        params: parameters, (name, parameter) pairs, or dictionaries of groups, as for any optimiser of torch.
        lr: a step is one of SISA at the penalty σ/lr and the weight ρ/lr; a number ≥ 0 or a tensor that holds one.
            Schedulers may change it at will, and 0 leaves w exactly unchanged.
        penalty: σ > 0; lr/σ is the learning rate in the ordinary sense.
        rho: ρ ≥ 0; ρ√v against σ sets how slowly an entry's π follows its gradient: the momentum. Gradients of networks
            are small, so that ρ = 1 is hardly any; the default, as that of lr, is from the runs of `pisa-lab train`.
        beta: β in [0, 1), the decay of v; of no effect in scheme I.
        scheme: "I": v is the sum of n; "II": its moving average; "III": that with bias correction.
        clip: η, the bound on Q = √v; None for none. "auto" is none for one client and 10σ/ρ for several (`PISA`).
        weight_decay: λ ≥ 0 of the ridge (λ/2)‖w‖². By itself it shrinks w by the share lr·λ/(σ + lr·λ) a step, where
            AdamW's shrinks it by lr·λ: for the same effect take σ times AdamW's.
        warm: start from π = −g with the first gradient that a parameter sees, instead of π = 0. An entry keeps going by
            that gradient for some 1 + ρ√v/σ steps: not for a large ρ. That step counts in scheme III with n = 0, as it
            does in the core with ``first="client"``.
        clients: number of clients in this process; above one, `step` takes a list of as many closures.
        weights: one positive number for each client of this process, such as its number of samples; α is that divided
            by the sum over all clients. None for equal ones.
        process_group: the group of `torch.distributed`, or the mesh, over which the clients of all ranks agree on w; of
            a mesh with several dimensions that named "client", when the others shard the parameters (FSDP2).
        message_dtype: the type in which they send; None for the parameters' own. `message_error` says what it loses.
        maximize: climb instead of descend.
        foreach: whether to use the operations on lists of tensors; None leaves it to the fastest way that fits.
        compiled: whether to use one compiled pass; None as for ``foreach``.
        capturable: whether a step may be captured in a CUDA graph.
        differentiable: whether gradients flow through a step.

    Raises:
        ValueError: a hyper-parameter is outside its domain; the message names it.
        RuntimeError: at a step, a gradient is sparse.

    Source: MATHEMATICS.md#algorithm and #preconditioners, I3.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.5,
        *,
        penalty: float = 1.0,
        rho: float = 1000.0,
        beta: float = 0.999,
        scheme: str = "III",
        clip: float | str | None = "auto",
        weight_decay: float = 0.0,
        warm: bool = False,
        clients: int = 1,
        weights: Sequence[float] | float | None = None,
        process_group: Any = None,
        message_dtype: torch.dtype | None = None,
        maximize: bool = False,
        foreach: bool | None = None,
        compiled: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(preconditioner="second-moment", **_given(locals()))


class NSISA(PISA):
    r"""NSISA: PISA in which orthogonalised momentum stands for the gradient of every matrix; the rest is `SISA`'s.

    $$b \leftarrow \mu b + g,\quad o = \mathrm{NewtonSchulz}(g + \mu b)\sqrt{\max(1, \text{rows}/\text{columns})},\quad
    q = \frac{\pi+o}{\sigma+\rho\,|\pi+o|},$$

    and then w and π as in `SISA`. Two buffers a parameter: "multiplier" (π) and "momentum" (b), or "moment" (v) where
    SISA's rule holds; there the core passes the momentum on, so that the two agree on models of matrices alone. Since
    o is not the gradient, the points it rests at need not be stationary.

    Args:
        params: best ``parameter_groups(model)``, which knows embeddings, norms and outputs by the model's modules, or
            ``model.named_parameters()``, by their names; or parameters or groups as for any optimiser of torch.
        lr: as in `SISA`; lr/σ is the length that a matrix's singular directions move by.
        penalty: σ > 0.
        rho: ρ ≥ 0.
        momentum: μ in [0, 1).
        nesterov: whether o is made of g + μb, or of b.
        ns_steps: the number of Newton–Schulz steps.
        orthogonal: which of a group's parameters count as matrices: True for all that have two axes or more, False for
            none, None for the rule: all that have two, four or five, but for embeddings, norms and heads as far as
            their names tell.
        matrix_beta: the decay of v on matrices; 0 keeps none, and Q there is |π + o|.
        elementwise_lr: what multiplies lr for the rest of the parameters; 1 in the method as published.
        elementwise_rho: ρ for the rest; None for ``rho``, as in the method as published.
        ns_dtype: the type that Newton–Schulz computes in; None for bfloat16 on CUDA devices that have it, else float32.
        beta: as in `SISA`, for the rest of the parameters.
        scheme: the same.
        clip: η, the bound on Q, for all.
        weight_decay: as in `SISA`.
        warm: as in `SISA`, for the rest of the parameters; matrices always start from π = 0, for −g is no answer to o.
        clients: as in `SISA`.
        weights: the same.
        process_group: the same.
        message_dtype: the same.
        maximize: the same.
        foreach: the same.
        compiled: the same.
        capturable: the same.
        differentiable: the same.

    Raises:
        ValueError: a hyper-parameter is outside its domain; the message names it.
        RuntimeError: at a step, a gradient is sparse.

    Source: MATHEMATICS.md#preconditioners and V9.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.02,
        *,
        penalty: float = 1.0,
        rho: float = 1.0,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        orthogonal: bool | None = None,
        matrix_beta: float = 0.0,
        elementwise_lr: float = 30.0,
        elementwise_rho: float | None = 1000.0,
        ns_dtype: torch.dtype | None = None,
        beta: float = 0.999,
        scheme: str = "III",
        clip: float | str | None = "auto",
        weight_decay: float = 0.0,
        warm: bool = False,
        clients: int = 1,
        weights: Sequence[float] | float | None = None,
        process_group: Any = None,
        message_dtype: torch.dtype | None = None,
        maximize: bool = False,
        foreach: bool | None = None,
        compiled: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(preconditioner="orthogonal", **_given(locals()))


def _given(names: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments among the local ``names`` of a constructor."""
    return {name: value for name, value in names.items() if name not in ("self", "__class__")}

"""SISA: PISA with a metric, and the method as it was published."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from pisa_lab.torch._optimizer import PISA


class SISA(PISA):
    r"""SISA in a metric: a second moment of the gradient sets the length of a step, entry by entry.

    With one client, g its gradient and b its momentum,

    $$u = \pi+g,\qquad \pi^+ = \pi-(1-b)u,\qquad v \leftarrow \beta v+(1-\beta)g^2,\qquad D = \sqrt{v/(1-\beta^t)} +
    \epsilon,\qquad w \leftarrow w + \mathrm{lr}\,\frac{2\pi^+-\pi-\lambda w}{\sigma D+\mathrm{lr}\,\lambda}.$$

    ``SISA.published`` is the method of the paper, whose second moment stands in the client's solve: it sets a momentum
    and not a step, and trains like gradient descent. Here −π is Adam's first moment without its correction, v Adam's
    second, and a step looks ahead as NAdam's does: take Adam's learning rates. Two buffers a parameter, as Adam:
    "multiplier" (π) and "moment" (v). Several clients have a multiplier each; v, one whatever their number, is of the
    aggregate gradient, and "aggregate" is the server's Σα_iπ_i, from which it learns that gradient: nothing but the
    messages travels. No theorem covers a metric of the present mini-batch; what covers full gradients is N3.

    State has the parameter's type, as torch's own optimisers keep it; half precision is computed with in float32 and
    rounded where it is stored. There v stops short, for β = 0.999 moves it by less than its last place: in bfloat16 a
    constant g² = 1 leaves it at 0.25; in float16 it is infinite above 65504, so where |g| stays above 256, and the
    entry stands still from then on. Keep float32 parameters and let autocast choose, or take a β of 0.9 or so.

        optimizer = SISA(model.parameters(), lr=2e-3)

    Args:
        params: parameters, (name, parameter) pairs, or dictionaries of groups, as for any optimiser of torch.
        lr: lr/σ is the learning rate in Adam's sense; a number ≥ 0 or a tensor that holds one, None for .002 with a
            metric (from runs of small networks and of `pisa-lab train language`) and .5 without. Schedulers may change
            it at will, and 0 leaves w exactly unchanged.
        metric: D: "ema", the root of the bias-corrected average of G²; "max", its largest value so far, as in AMSGrad,
            one buffer more; "adagrad", the root of the sum; None for D = I and the second moment in the solve, which is
            the method as published.
        momentum: b in [0, 1) of the clients, None for .9; with a metric.
        penalty: σ > 0.
        rho: ρ ≥ 0, None for 1000; without a metric, see `published`.
        beta: β in [0, 1), the decay of v, None for .999; not with "adagrad".
        eps: ε > 0, the least that D can be, None for 1e-8; with a metric.
        scheme: as in `published`, None for "III"; without a metric.
        clip: as in `published`; without a metric.
        weight_decay: λ ≥ 0 of the ridge (λ/2)‖w‖². By itself it shrinks w by the share lr·λ/(σD + lr·λ) a step: it is
            divided by D as the gradients are, about as in ``torch.optim.Adam`` and not decoupled as AdamW's lr·λ.
            Entries whose gradients are small shrink fast, and one that never sees a gradient goes to zero at once.
        warm: start from π = −g with the first gradient that a parameter sees, instead of π = 0.
        clients: number of clients in this process; above one, `step` takes a list of as many closures.
        weights: one positive number for each client of this process, such as its number of samples; α is that divided
            by the sum over all clients. None for equal ones.
        process_group: the group of `torch.distributed`, or the mesh, over which the clients of all ranks agree on w; of
            a mesh with several dimensions that named "client", when the others shard the parameters (FSDP2).
        message_dtype: the type in which they send; None for the parameters' own. `message_error` says what it loses.
        maximize: climb instead of descend.
        foreach: whether to use the operations on lists of tensors; None leaves it to the fastest way that fits: those
            on GPUs, in-place ones in pieces on a processor.
        compiled: whether to use one compiled pass; only without a metric.
        capturable: whether a step may be captured in a CUDA graph.
        differentiable: whether gradients flow through a step.

    Raises:
        ValueError: a hyper-parameter is outside its domain; the message names it.
        TypeError: an argument does not go with ``metric``.
        RuntimeError: at a step, a gradient is sparse.

    Source: MATHEMATICS.md#N3.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor | None = None,
        *,
        metric: str | None = "ema",
        momentum: float | None = None,
        penalty: float = 1.0,
        rho: float | None = None,
        beta: float | None = None,
        eps: float | None = None,
        scheme: str | None = None,
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
        given = given_arguments(locals())
        solved: dict[str, Any] = {"preconditioner": "second-moment", "lr": 0.5, "rho": 1000.0}
        scaled: dict[str, Any] = {"preconditioner": "heavy-ball", "lr": 2e-3}
        super().__init__(**{**(scaled if metric else solved), **given})

    @classmethod
    def published(
        cls,
        params: ParamsT,
        lr: float | Tensor = 0.5,
        *,
        penalty: float = 1.0,
        rho: float = 1000.0,
        beta: float = 0.999,
        scheme: str = "III",
        clip: float | str | None = "auto",
        **others: Any,
    ) -> Self:
        r"""Return SISA as its paper has it: Q is the root of a second moment of π + g, entry by entry.

        $$n = (\pi+g)^2,\quad v \leftarrow \beta v + (1-\beta)\,n,\quad \hat v = \frac{v}{1-\beta^t},\quad
        q = \frac{\pi+g}{\sigma+\rho\sqrt{\hat v}},$$

        $$w \leftarrow w + \mathrm{lr}\,\frac{\pi - 2\sigma q - \lambda w}{\sigma + \mathrm{lr}\,\lambda},\qquad
        \pi \leftarrow \pi - \sigma q,$$

        (scheme III; π on the right is the old one), that is PISA at the penalty σ/lr and the weight ρ/lr. lr scales
        both; to schedule σ alone set ``group["penalty"]`` between steps. Two buffers a parameter and client.

        A list of four million numbers or more on a processor is stepped by one compiled pass where a C++ compiler is
        found (seconds once, kept on disk by torch), as fast as fused AdamW; elsewhere, and with ``compiled=False``, by
        in-place operations, 3 to 6 times slower than that; on GPUs by operations on lists unless ``compiled=True``.

        Args:
            params: as in `SISA`.
            lr: a step is one of SISA at the penalty σ/lr and the weight ρ/lr.
            penalty: σ > 0; lr/σ is the learning rate in the ordinary sense.
            rho: ρ ≥ 0; ρ√v against σ sets how slowly an entry's π follows its gradient: the momentum. Gradients of
                networks are small, so that ρ = 1 is hardly any; the default, as that of lr, is from the runs of
                `pisa-lab train`.
            beta: β in [0, 1), the decay of v; of no effect in scheme I.
            scheme: "I": v is the sum of n; "II": its moving average; "III": that with bias correction.
            clip: η, the bound on Q = √v; None for none. "auto" is none for one client and 10σ/ρ for several (`PISA`).
            **others: as in `SISA`, from weight_decay on. Where ``warm``, the first step counts in scheme III with
                n = 0, as it does in the core with ``first="client"``; an entry then keeps going by the first gradient
                for some 1 + ρ√v/σ steps: not for a large ρ.

        Source: MATHEMATICS.md#algorithm and #preconditioners, I3.
        """
        own = {"penalty": penalty, "rho": rho, "beta": beta, "scheme": scheme, "clip": clip}
        return cls(params, lr, metric=None, **own, **others)  # type: ignore[arg-type]


def given_arguments(names: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments among the local ``names`` of a constructor; what is left at its default is PISA's to fill.

    None of ``metric``, ``clip`` and ``elementwise_rho`` says something.
    """
    arguments = {name: value for name, value in names.items() if name not in ("self", "__class__")}
    meant = {"metric", "clip", "elementwise_rho"}

    def unsaid(name: str, value: Any) -> bool:
        return isinstance(value, str) and value == "auto" if name in meant else value is None

    return {name: value for name, value in arguments.items() if not unsaid(name, value)}

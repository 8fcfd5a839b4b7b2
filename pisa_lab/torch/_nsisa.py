"""NSISA: PISA with one Newton–Schulz a round on the server, and the method as it was published."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from pisa_lab._checks import choice
from pisa_lab.torch._optimizer import PISA
from pisa_lab.torch._sisa import given_arguments


class NSISA(PISA):
    r"""NSISA with one Newton–Schulz a round, on the server: matrices step along their orthogonalised message.

    $$u_i = \pi_i+g_i,\quad \pi_i^+ = \pi_i-(1-b)u_i,\quad O = \mathrm{NewtonSchulz}\Bigl(\sum_i\alpha_i(2\pi_i^+-\pi_i)
    -\lambda w\Bigr),\quad w \leftarrow w + \frac{\mathrm{lr}}\sigma\sqrt{\max(1, \text{rows}/\text{columns})}\,O,$$

    and the rest of the parameters as in `SISA`, at lr times ``elementwise_lr``. With "constant" steps this is Muon on
    the aggregate gradient, with a look ahead. ``NSISA.published``, or ``where="client"``, is the method of the paper:
    there every client orthogonalises, and where clients differ the points it rests at are not stationary; here they
    are the stationary points, whatever the clients. One buffer a matrix and client, "multiplier"; with several clients
    one more for all, "aggregate".

    Over the ranks of a process group every rank makes the same Newton–Schulz on the reduced message: what travels is
    the message as in `SISA`, and the work is that of one client. Of a sharded matrix (FSDP2) every rank gathers the
    message first: one all-gather of its size a round.

    Args:
        params: best ``parameter_groups(model)``, which knows embeddings, norms and outputs by the model's modules, or
            ``model.named_parameters()``, by their names; or parameters or groups as for any optimiser of torch.
        lr: lr/σ is the length that a matrix's singular directions move by, where the scale is "constant".
        where: "server", or "client" for the method as published.
        penalty: σ > 0.
        momentum: in [0, 1); b of the clients, None for .9, or at "client" μ of the momentum that is orthogonalised,
            None for .95.
        scale: at "server": "constant", "nuclear" for steps that shrink with N = ⟨message, O⟩/θ, θ = 1.2024 (steepest
            descent in the spectral norm: N O/θ stands for √… O), or "clipped", min(N, τ) O/θ; None for "constant".
        tau: τ > 0 of "clipped", None for 1.
        ns_steps: the number of Newton–Schulz steps.
        ns_dtype: the type that Newton–Schulz computes in; None for bfloat16 on CUDA devices that have it, else float32.
        orthogonal: which of a group's parameters count as matrices: True for all that have two axes or more, False for
            none, None for the rule: all that have two, four or five, but for embeddings, norms and heads as far as
            their names tell.
        elementwise_lr: what multiplies lr for the rest of the parameters; None for .2, at "client" for 30.
        beta: as in `SISA`, for the rest of the parameters.
        eps: the same; at "server".
        nesterov: at "client", see `published`; None for True.
        matrix_beta: the same; None for 0.
        elementwise: the same; None for "sisa".
        elementwise_rho: the same; "auto" for 1000.
        rho: the same; None for 1.
        scheme: the same; None for "III".
        clip: the same.
        weight_decay: λ ≥ 0 of the ridge (λ/2)‖w‖², which is inside what is orthogonalised; for the rest as in `SISA`.
        warm: as in `SISA`; at "client" matrices always start from π = 0, for −g is no answer to o.
        clients: as in `SISA`.
        weights: the same.
        process_group: the same.
        message_dtype: the same.
        maximize: the same.
        foreach: the same.
        compiled: the same; only at "client".
        capturable: the same.
        differentiable: the same.

    Raises:
        ValueError: a hyper-parameter is outside its domain; the message names it.
        TypeError: an argument does not go with ``where``.
        RuntimeError: at a step, a gradient is sparse.

    Source: MATHEMATICS.md#N6 and V9.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.02,
        *,
        where: str = "server",
        penalty: float = 1.0,
        momentum: float | None = None,
        scale: str | None = None,
        tau: float | None = None,
        ns_steps: int = 5,
        ns_dtype: torch.dtype | None = None,
        orthogonal: bool | None = None,
        elementwise_lr: float | None = None,
        beta: float | None = None,
        eps: float | None = None,
        nesterov: bool | None = None,
        matrix_beta: float | None = None,
        elementwise: str | None = None,
        elementwise_rho: float | str | None = "auto",
        rho: float | None = None,
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
        server: dict[str, Any] = {"preconditioner": "heavy-ball", "metric": "spectral"}
        client: dict[str, Any] = {"preconditioner": "orthogonal"}
        where = choice("where", given.pop("where"), ("server", "client"))
        super().__init__(**{**(server if where == "server" else client), **given})

    @classmethod
    def published(
        cls,
        params: ParamsT,
        lr: float | Tensor = 0.02,
        *,
        penalty: float = 1.0,
        rho: float = 1.0,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        matrix_beta: float = 0.0,
        elementwise: str = "sisa",
        elementwise_lr: float = 30.0,
        elementwise_rho: float | None = 1000.0,
        **others: Any,
    ) -> Self:
        r"""Return NSISA as its paper has it: every client's orthogonalised momentum stands for its gradient.

        $$b \leftarrow \mu b + g,\quad o = \mathrm{NewtonSchulz}(g + \mu b)\sqrt{\max(1, \text{rows}/\text{columns})},
        \quad q = \frac{\pi+o}{\sigma+\rho\,|\pi+o|},$$

        and then w and π as in `SISA.published`. Two buffers a parameter and client: "multiplier" (π) and "momentum"
        (b) of a matrix, or "moment" (v) where SISA's rule holds.

        **One method, one meaning**: what is no matrix the core's NSISA serves by the momentum itself, o = g + μb. That
        is ``elementwise="momentum"``, with ``elementwise_lr=1`` and ``elementwise_rho=None`` the core's method to
        rounding. The default leaves it to SISA's rule at another rate, which trains networks better: an orthogonalised
        matrix has singular values near 1 where a gradient's entries are small.

        Args:
            params: as in `NSISA`.
            lr: lr/σ is the length that a matrix's singular directions move by.
            penalty: σ > 0.
            rho: ρ ≥ 0.
            momentum: μ in [0, 1).
            nesterov: whether o is made of g + μb, or of b.
            ns_steps: the number of Newton–Schulz steps.
            matrix_beta: the decay of v on matrices; 0 keeps none, and Q there is |π + o|.
            elementwise: "sisa" for SISA's rule on the rest of the parameters, "momentum" for the core's.
            elementwise_lr: what multiplies lr for the rest; 1 in the core.
            elementwise_rho: ρ for the rest; None for ``rho``, as in the core.
            **others: orthogonal and ns_dtype as in `NSISA`; beta, scheme and clip as in `SISA.published`, the first two
                for the rest of the parameters; and from weight_decay on as in `SISA`.

        Source: MATHEMATICS.md#preconditioners and V9.
        """
        own = {name: value for name, value in locals().items() if name not in ("cls", "params", "lr", "others")}
        return cls(params, lr, where="client", **{**own, **others})

"""PISA for torch: one class, whose preconditioner is a setting."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT, _use_grad_for_differentiable

from pisa_lab._checks import whole
from pisa_lab.backtracking import Backtracking
from pisa_lab.torch import _server
from pisa_lab.torch._engines import engine_for
from pisa_lab.torch._keys import SETTINGS, check_known, known_settings, prune
from pisa_lab.torch._metric import by_name as metric_named
from pisa_lab.torch._metric import check_client
from pisa_lab.torch._preconditioners import by_name
from pisa_lab.torch._settings import KEYS, Clients, checked, default_clip, rule_of, searched
from pisa_lab.torch._state import as_real, check_loaded, count, first_state, shape_error
from pisa_lab.torch._work import Entry, Product, Work

# torch 2.9 and 2.10 know it by its older name only.
_check_capture = (
    getattr(Optimizer, "_accelerator_graph_capture_health_check", None) or Optimizer._cuda_graph_capture_health_check
)


class PISA(Optimizer):
    r"""PISA, the preconditioned inexact stochastic ADMM, as an optimiser for torch.

    `SISA` and `NSISA` are this class with a metric; ``SISA.published`` and ``NSISA.published`` are it with the
    preconditioner of the paper. With one client a step on the gradient g at w is

    $$q = (\sigma I+\rho Q)^{-1}(\pi+g),\qquad w \leftarrow w + \mathrm{lr}\,\frac{\pi-2\sigma q-\lambda w}{\sigma D +
    \mathrm{lr}\,\lambda},\qquad \pi \leftarrow \pi-\sigma q,$$

    where π on the right is the old one: client_update, then server_update of the core (`pisa_lab.PISA` with
    ``first="client"``) at the penalty σ/lr and the weight ρ/lr. lr = 1 is the method as published, and the learning
    rate in the ordinary sense is lr/σ. Since lr is only multiplied by, every scheduler of `torch.optim.lr_scheduler`
    works, and lr = 0 leaves w exactly unchanged. By default Q is a scalar momentum, σq = (1 − b)(π + g), and D = I:
    gradient descent with momentum and a look ahead. The paper's Q sets a momentum as well, entry by entry; only D sets
    the length of a step.

    ``state[p]`` appears at the first gradient of p: "step", "multiplier" (π) and what the preconditioner and the metric
    keep. A parameter without a gradient is left out of a step. A complex parameter is treated as its real view, and its
    state has that view's shape. Every argument from lr to differentiable, the clients' apart, and of the settings those
    that the preconditioner and the metric know, is a key of the parameter groups, which may differ in it.

    Args:
        params: parameters, (name, parameter) pairs, or dictionaries of groups, as for any optimiser of torch.
        lr: multiplies 1/σ and 1/ρ; a number ≥ 0 or a tensor that holds one, None for .1.
        preconditioner: the choice of Q: "heavy-ball" (a scalar momentum), "identity", "second-moment"
            (``SISA.published``), "orthogonal" (``NSISA.published``), "kronecker" (Shampoo's factors), or, with a
            curvature given to `step`, "hessian-diagonal" or "gauss-newton".
        metric: the choice of D, from the aggregate gradient: None, "ema" (`SISA`), "max", "adagrad", or "spectral"
            (`NSISA`), which orthogonalises the messages to matrices. It needs "heavy-ball".
        penalty: σ > 0, the penalty of the consensus constraint; "auto" where nobody knows it, or a
            `pisa_lab.backtracking.Backtracking` with other constants than its defaults. It is then searched for in
            every round, so that each ends with a step that lowers a merit function, whatever the preconditioner (of
            "heavy-ball", "identity" and "second-moment") and the scale of F. ``step`` must be given a closure, one a
            client, that is deterministic, of the full data, and returns its loss: no mini-batches, no dropout. lr stays
            1, π starts at −g, and `progress` says how the search stands.
        weight_decay: λ ≥ 0 of the ridge (λ/2)‖w‖². By itself it shrinks w by the share lr·λ/(σD + lr·λ) a step, where
            AdamW's shrinks it by lr·λ: without a metric take σ times AdamW's for the same effect. With one, the ridge
            is divided by D as the gradients are: entries whose gradients are small shrink fast, and those that never
            see one go to zero.
        warm: start from π = −g with the first gradient that a parameter sees, instead of π = 0; not so for what clients
            orthogonalise. An entry keeps going by that gradient for some 1 + ρQ/σ steps: not for a large ρ.
        clients: number of clients in this process; above one, `step` takes a list of as many closures.
        weights: one positive number for each client of this process, such as its number of samples; α is that divided
            by the sum over all clients. None for equal ones.
        process_group: the group of `torch.distributed`, or the mesh, over which the clients of all ranks agree on w; of
            a mesh with several dimensions that named "client", when the others shard the parameters (FSDP2).
        message_dtype: the type in which they send; None for the parameters' own. `message_error` says what it loses.
        maximize: climb instead of descend.
        foreach: whether to use the operations on lists of tensors; None leaves it to the fastest way that fits.
        compiled: whether to use one compiled pass; None as for ``foreach``. Not with a metric.
        capturable: whether a step may be captured in a CUDA graph; "step" then lives on the parameter's device. An lr
            that is to change between replays must be a tensor.
        differentiable: whether gradients flow through a step.
        **settings: the keys that the preconditioner and the metric know. "heavy-ball": momentum, b in [0, 1), 0.9.
            All others: rho, ρ ≥ 0, the weight of Q and not ADMM's penalty, 1. Where Q is an average: beta, β in [0, 1),
            its decay; clip, η, the bound on Q, None for none, "auto" for none with one client and, with several, 10σ/ρ
            where Q is a second moment: that of clients with unlike data grows with what they disagree on, and beyond
            ρQ = 10σ nothing holds the iterates. "second-moment": scheme "I", "II" or "III": sum, moving average, that
            with bias correction. "orthogonal": scheme, momentum, nesterov, ns_steps, orthogonal, matrix_beta,
            elementwise, elementwise_lr, elementwise_rho, ns_dtype, see `NSISA`. "kronecker": power, the exponent s of
            Q = L^s ⊗ R^s; refresh, the steps between two eigendecompositions; largest, the side above which a matrix
            counts as a vector; orthogonal, as in `NSISA`. "hessian-diagonal": probes, the products a look takes, None
            for as many as entries; refresh, the steps between two looks; seed, of the probes. "gauss-newton":
            solver_steps, the most products a step takes; solver_tolerance, the residual at which it stops, against the
            right side's norm. Metrics: beta, the decay of the average of G²; eps, the least of D. "spectral": scale,
            tau, ns_steps, ns_dtype, orthogonal, elementwise_lr, see `NSISA`.

    Raises:
        ValueError: a hyper-parameter is outside its domain, here, in a group, or in a state that is loaded; the message
            names it. At a step: ``capturable`` on a device without graphs.
        TypeError: a setting is none of the preconditioner's and the metric's.
        RuntimeError: at a step, a gradient is sparse.

    Source: MATHEMATICS.md#algorithm, I2 and I3, #N3.
    """

    _held: Any = None
    """What a search knows of the parameters as it left them."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor | None = None,
        *,
        preconditioner: str = "heavy-ball",
        metric: str | None = None,
        penalty: float | str | Backtracking = 1.0,
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
        **settings: Any,
    ) -> None:
        given = locals()
        check_known(settings, given, self)
        self._clients = Clients(whole("clients", clients, at_least=1), weights, process_group, message_dtype)
        searching = penalty == "auto" or isinstance(penalty, Backtracking)
        rate = {"lr": (1.0 if searching else 0.1) if lr is None else lr}
        defaults = self._complete({**settings, **{name: given[name] for name in KEYS}, **rate})
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; what it leaves out is as the constructor was told.

        Raises:
            ValueError: one of its hyper-parameters is outside its domain; no group is added then.
            TypeError: its preconditioner and its metric do not know one of its settings.
        """
        if isinstance(param_group, dict):
            whole_group = {**self.defaults, **param_group}
            check_known({name: x for name, x in param_group.items() if name in SETTINGS}, whole_group, self)
            param_group.update(self._complete(whole_group))
        super().add_param_group(param_group)
        prune(self.param_groups[-1])

    def _complete(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return ``group`` with its hyper-parameters checked and its numbers as Python's."""
        row, metric = by_name(group["preconditioner"]), metric_named(group["metric"])
        check_client(group)
        group = prune({**known_settings(group), **group, **searched(group)})
        group = {**group, **({"clip": default_clip(group, self._clients)} if "clip" in group else {})}
        return {**group, **checked(group), **row.checked(group), **metric.checked(group)}

    def state_dict(self) -> dict[str, Any]:
        """Return torch's state dict; with several clients it says whose multipliers it holds, as "client"."""
        saved = super().state_dict()
        if self._clients.alone:
            return saved
        from pisa_lab.torch import _checkpoint

        return _checkpoint.stamped(self._clients, saved)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over ``state_dict``.

        Raises:
            ValueError: a hyper-parameter of it is outside its domain, it is another optimiser's, its multipliers belong
                to other clients, or a tensor of it has not its parameter's shape.
        """
        from pisa_lab.torch import _checkpoint

        super().load_state_dict(_checkpoint.accepted(self, self._clients, state_dict))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_clients": self._clients}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was pickled or saved, after checking it."""
        if "_clients" in state:
            self._clients = state["_clients"]
        self._held = None
        defaults = state.get("defaults") or self.defaults
        for group in state["param_groups"]:
            group.update(self._complete({**defaults, **group}))
            prune(group)
            for param in group["params"]:
                check_loaded(state["state"].get(param), group, param)
        super().__setstate__(state)

    @property
    def progress(self) -> Any:
        """How the search of ``penalty="auto"`` stands (`Progress`): σ, status, trials, restarts; None without one."""
        if self.param_groups[0]["penalty"] != "auto":
            return None
        from pisa_lab.torch._search import progress_of

        return progress_of(self.param_groups[0])

    @_use_grad_for_differentiable
    def step(
        self,
        closure: Callable[[], Any] | Sequence[Callable[[], Any]] | None = None,
        *,
        curvature: Product | Sequence[Product] | None = None,
    ) -> Any:
        """Return the closure's loss, or None without one, after one round.

        Args:
            closure: clears the gradients, computes the loss and its gradients, and returns it; with several clients a
                list of them, and a list of losses comes back.
            curvature: the product with a curvature matrix at the present parameters (`hessian_product`,
                `gauss_newton_product`), which "hessian-diagonal" and "gauss-newton" need; with several clients a list.

        Raises:
            ValueError: the preconditioner needs a curvature and none is there, or not one for each client.
            RuntimeError: a gradient is sparse.
        """
        _check_capture(self)
        if self.param_groups[0]["penalty"] == "auto":
            from pisa_lab.torch import _search

            return _search.step(self, closure, curvature)
        if not self._clients.alone:
            from pisa_lab.torch import _clients

            return _clients.step(self, closure, curvature)
        if curvature is not None and not callable(curvature):
            raise ValueError(f"curvature: {curvature!r} cannot be called; a list goes with several clients")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()  # type: ignore[operator]
        # All groups are looked at before any of them moves: an error leaves everything as it was, and a curvature is
        # that of one point.
        found = [(group, *self._with_gradients(group)) for group in self.param_groups]
        for group, _, _, states in found:
            by_name(group["preconditioner"]).ready(group, states, curvature)
        jobs = [(group, *_counted(group, p, g, states, curvature)) for group, p, g, states in found if p]
        for group, entries, works in jobs:
            if group["metric"]:
                _server.step(group, entries, works)
                continue
            for work in works:
                engine_for(group, work.params).step(work, work.rule or rule_of(group))
        return loss

    def _with_gradients(self, group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor], list[dict[str, Tensor]]]:
        """Return the parameters of ``group`` that have a gradient, their gradients and their states."""
        params: list[Tensor] = []
        gradients: list[Tensor] = []
        self._init_group(group, params, gradients)
        return params, gradients, [self.state[param] for param in params]

    def _init_group(self, group: dict[str, Any], params: list[Tensor], gradients: list[Tensor]) -> None:
        """Collect the parameters of ``group`` that have a gradient; state is made where it is missing.

        The name is the one that torch.compile knows: it runs this function and does not trace it.
        """
        for param in group["params"]:
            gradient = param.grad
            if gradient is None:
                continue
            if gradient.layout != torch.strided:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            params.append(param)
            gradients.append(gradient)
            state = self.state[param]
            if not state:
                state.update(first_state(group, param, gradient))
            elif state["multiplier"].shape != as_real(param).shape:
                raise ValueError(f"params: {shape_error(param, state['multiplier'])}")


def _counted(
    group: dict[str, Any],
    params: list[Tensor],
    gradients: list[Tensor],
    states: list[dict[str, Tensor]],
    curvature: Product | None,
) -> tuple[list[Entry], list[Work]]:
    """Return the entries of one step on ``params``, which it counts, and the clients' work on them."""
    count([state["step"] for state in states])
    if group["maximize"]:
        gradients = [-gradient for gradient in gradients]
    if any(param.is_complex() for param in params):
        params, gradients = [as_real(param) for param in params], [as_real(gradient) for gradient in gradients]
    entries = list(map(Entry, params, gradients, states))
    return entries, by_name(group["preconditioner"]).works(entries, group, curvature)

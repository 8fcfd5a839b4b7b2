r"""What an optimiser with several clients carries from round to round, and the two halves of a round.

$$u = \sum_{i\ \text{here}} \alpha_i(\pi_i - 2\sigma_i q_i),\qquad w \leftarrow w + \mathrm{lr}\,\frac{\sum u -
\lambda w}{\sum_i \alpha_i\sigma_i + \mathrm{lr}\,\lambda},$$

with α divided by their sum over all clients. Both sums of scalars are exchanged once, and again when σ changes. Source:
MATHEMATICS.md#algorithm, I2.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from pisa_lab.torch import _agreement, _messages, _server
from pisa_lab.torch._closures import at_rest
from pisa_lab.torch._engines import engine_for
from pisa_lab.torch._layout import layout_of, one_client
from pisa_lab.torch._metric import aggregate_gradients, is_clients
from pisa_lab.torch._preconditioners import by_name
from pisa_lab.torch._settings import Clients, Rule, rule_of
from pisa_lab.torch._sharding import local
from pisa_lab.torch._state import as_real, first_state, shape_error
from pisa_lab.torch._work import Entry, Product, Work

HELD = 4
"""Clients of a process whose gradients are kept to be worked on at once: a pass over all reads no messages back."""


class Held(NamedTuple):
    """Work that the clients with ``weights`` have on the same parameters, not yet done."""

    number: int
    rule: Rule
    served: list[Tensor]
    works: list[Work]
    weights: list[float]


class Round:
    """The buckets, the weights and the progress of the present round; rebuilt when the parameters change."""

    def __init__(self, optimizer: Optimizer, clients: Clients) -> None:
        self.clients = clients
        self.follow(optimizer)
        self.groups = groups_of(optimizer)
        self.shapes = [param.shape for param in self.groups]
        if not self.groups:
            raise ValueError("params: none of them requires a gradient")
        pieces = [(param, local(as_real(param.detach()))) for param in self.groups]
        self.device = pieces[0][1].device
        self.layout = layout_of(clients, self.device)
        self.buckets = _messages.buckets(pieces, clients.message_dtype, _messages.BUCKET_BYTES)
        self.penalties: tuple[float, ...] = ()
        self.shares: list[float] = []
        self.totals: list[float] = []
        self.agreed = self.layout.mesh is None
        self.hooked: set[Tensor] = set()
        self.new: set[Tensor] = set()
        self.rules: dict[Tensor, Rule] = {}
        self.held: dict[Any, Held] = {}
        self.spoken = False
        self.warned = False
        self.rounds = 0
        self.curvatures: Sequence[Product | None] = [None] * clients.count
        self.seen: dict[Tensor, tuple[tuple[Tensor, ...], list[dict[str, Tensor]]]] = {}

    def follow(self, optimizer: Optimizer) -> None:
        """Look at what ``optimizer`` holds now: loading replaces it. Holding ``optimizer`` would be a cycle."""
        self.param_groups, self.state = optimizer.param_groups, optimizer.state

    def open(self) -> None:
        """Start a round: empty buckets, weights as they hold now, and at the first move the same w on all ranks."""
        for bucket in self.buckets:
            bucket.clear()
        self.new, self.rules, self.held, self.spoken = set(), {}, {}, False
        # First: a rank whose σ alone changed would else take part in a sum that the others do not know of.
        self.rounds += 1
        _agreement.check_settings(self)
        penalties = tuple(group["penalty"] for group in self.param_groups)
        if penalties != self.penalties:
            own = sum(self.weights)
            sums = self.reduced([own, *(own * penalty for penalty in penalties)])
            self.shares = [weight / sums[0] for weight in self.weights]
            self.totals = [total / sums[0] for total in sums[1:]]
            self.penalties = penalties
        # Before lr moves anything the ranks may differ: a checkpoint is loaded into such a model.
        if not self.agreed and not at_rest(self.param_groups):
            _agreement.check_parameters(self)
            self.agreed = True

    @property
    def weights(self) -> tuple[float, ...]:
        """α of the clients here, as they were given."""
        given: Any = self.clients.weights
        return tuple(given)

    @functools.cached_property
    def message_of(self) -> dict[Tensor, Tensor]:
        """The message of every parameter, its part of a bucket."""
        return {param: slot.within(bucket.sums) for bucket in self.buckets for param, slot in bucket.slots.items()}

    def send(self, place: int, gradients: Mapping[Tensor, Tensor]) -> None:
        """Take up the work of client ``place`` of this rank; `speak` or `settle` does it, for some clients at once.

        ``gradients`` are kept until then, and must not change.
        """
        if not gradients:
            return
        if max((len(held.works) for held in self.held.values()), default=0) >= HELD:
            self.speak()
        self._begin(place, gradients)
        for number, group in enumerate(self.param_groups):
            params = [param for param in gradients if self.groups[param] == number]
            if not params:
                continue
            entries = [self._entry(param, gradients[param], place) for param in params]
            owner = {id(entry.state["multiplier"]): param for entry, param in zip(entries, params, strict=True)}
            for work in by_name(group["preconditioner"]).works(entries, group, self.curvatures[place]):
                rule = work.rule or rule_of(group)
                served = [owner[id(multiplier)] for multiplier in work.multipliers]
                held = self.held.setdefault(
                    (number, rule, work.form, *map(id, served)), Held(number, rule, served, [], [])
                )
                held.works.append(work)
                held.weights.append(self.shares[place])
                self.rules.update(dict.fromkeys(served, rule))

    def speak(self, message_of: Mapping[Tensor, Tensor] | None = None) -> None:
        """Do the clients' half of all work taken up, and add what they send to the messages."""
        if not self.held:
            return
        message_of = self.message_of if message_of is None else message_of
        for held in self.held.values():
            engine = engine_for(self.param_groups[held.number], held.works[0].params)
            engine.client(held.works, held.rule, held.weights, [message_of[param] for param in held.served])
        self.held, self.spoken = {}, True

    def settle(self) -> set[Tensor]:
        """Do both halves where all clients' work is at hand, and return the parameters moved: one pass, no messages."""
        moved: set[Tensor] = set()
        if self.layout.mesh is None and not self.spoken:
            # A metric asks for the messages: they are what the server knows of the aggregate gradient.
            whole = {
                key: held
                for key, held in self.held.items()
                if len(held.works) == self.layout.count and not self.param_groups[held.number]["metric"]
            }
            for key, held in whole.items():
                engine = engine_for(self.param_groups[held.number], held.works[0].params)
                engine.round(held.works, held.weights, held.rule, self.totals[held.number])
                moved.update(held.served)
                del self.held[key]
        return moved

    def serve(self, params: Iterable[Tensor], arrived: Callable[[_messages.Bucket], Mapping[Tensor, Tensor]]) -> None:
        """Do the server's half for ``params``, whose messages, summed over all clients, ``arrived`` returns."""
        served = set(params)
        for bucket in self.buckets:
            if served.isdisjoint(bucket.slots):
                continue
            messages = arrived(bucket)
            alike: dict[tuple[int, Rule], list[Tensor]] = {}
            for param in bucket.slots:
                if param in served:
                    alike.setdefault((self.groups[param], self.rules[param]), []).append(param)
            for (number, rule), found in alike.items():
                group, sent = self.param_groups[number], [messages[param] for param in found]
                if group["metric"]:
                    _server.serve(group, self._pulls(group, found, sent))
                    continue
                pieces = [local(as_real(param)) for param in found]
                engine_for(group, pieces).server(pieces, sent, rule, self.totals[number])

    def _pulls(
        self, group: Mapping[str, Any], params: Sequence[Tensor], messages: Sequence[Tensor]
    ) -> list[_server.Pull]:
        """Return what the metric of ``group`` works on, after moving the server's Π by the ``messages``."""
        sums = [local(self.state[param]["aggregate"]) for param in params]
        warm = [bool(group["warm"]) and param in self.new for param in params]
        gradients = aggregate_gradients(group, messages, sums, warm)
        return [
            _server.Pull(as_real(param), message, gradient, self.state[param])
            for param, message, gradient in zip(params, messages, gradients, strict=True)
        ]

    def _begin(self, place: int, gradients: Mapping[Tensor, Tensor]) -> None:
        """Make the state that is missing, and count the round once for every parameter."""
        for param, gradient in gradients.items():
            group, state = self.param_groups[self.groups[param]], self.state[param]
            if not state:
                first = first_state(group, param, gradient)
                own = {name: is_clients(group, name) for name in first}
                state.update({name: self.layout.kept(v) if own[name] else v for name, v in first.items()})
                if group["metric"]:
                    state["aggregate"] = torch.zeros_like(first["multiplier"], memory_format=torch.preserve_format)
                self.new.add(param)
            elif state["multiplier"].shape[1:] != as_real(param).shape:
                raise ValueError(f"params: {shape_error(param, state['multiplier'][0])}")
            elif group["warm"] and param in self.new:
                first = first_state(group, param, gradient)
                local(state["multiplier"])[place].copy_(local(first["multiplier"]))
        fresh = [param for param in gradients if param not in self.rules]
        for number, group in enumerate(self.param_groups):
            states = [self.state[param] for param in fresh if self.groups[param] == number]
            by_name(group["preconditioner"]).ready(group, states, self.curvatures[place])
        if fresh:
            torch._foreach_add_([self.state[param]["step"] for param in fresh], 1)

    def _entry(self, param: Tensor, gradient: Tensor, place: int) -> Entry:
        maximize, gradient = self.param_groups[self.groups[param]]["maximize"], as_real(gradient)
        return Entry(as_real(param), -gradient if maximize else gradient, self._views(param)[place])

    def _views(self, param: Tensor) -> list[dict[str, Tensor]]:
        """Return every client's slices of the state of ``param``, made once for the same tensors."""
        state, group = self.state[param], self.param_groups[self.groups[param]]
        kept, views = self.seen.get(param, ((), []))
        if len(kept) != len(state) or not all(map(operator.is_, kept, state.values())):
            real = as_real(param)
            views = [
                {
                    name: one_client(value, place, real) if is_clients(group, name) else value
                    for name, value in state.items()
                }
                for place in range(self.layout.count)
            ]
            for place, view in enumerate(views):
                # A plain tensor, which `elementwise` hands on as it is: its identity says whose work it is.
                view["multiplier"] = local(state["multiplier"])[place]
            self.seen[param] = tuple(state.values()), views
        return views

    def reduced(self, numbers: list[float], op: Any = None) -> list[float]:
        """Return ``numbers`` summed over the ranks (or reduced by ``op``)."""
        if self.layout.mesh is None:
            return numbers
        reduced = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        try:
            torch.distributed.all_reduce(reduced, op or torch.distributed.ReduceOp.SUM, group=self.layout.group)
        except RuntimeError as error:
            raise _messages.lost(error) from error
        found: list[float] = reduced.tolist()
        return found


def groups_of(optimizer: Optimizer) -> dict[Tensor, int]:
    """Return the number of the group of every parameter that requires a gradient."""
    return {
        param: number
        for number, group in enumerate(optimizer.param_groups)
        for param in group["params"]
        if param.requires_grad
    }


def round_of(optimizer: Optimizer, clients: Clients) -> Round:
    """Return the round of ``optimizer``, a new one at first and after its parameters changed."""
    kept: Any = vars(optimizer)
    present = kept.get("_round")
    groups = groups_of(optimizer)
    if (
        not isinstance(present, Round)
        or list(map(id, present.groups)) != list(map(id, groups))
        or present.shapes != [param.shape for param in groups]
    ):
        present = kept["_round"] = Round(optimizer, clients)
    if present.state is not optimizer.state:
        # What was loaded takes the place of what the slices show, which else would be kept beside it.
        present.seen.clear()
    present.follow(optimizer)
    return present

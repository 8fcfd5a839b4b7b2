r"""The server's half of a round where a metric is set: entry by entry, or along an orthogonalised message.

$$O = \mathrm{NS}\Bigl(\sum_i\alpha_i(2\pi_i^+-\pi_i) - \lambda w\Bigr),\quad N = \langle\,\cdot\,, O\rangle/\theta,$$

"constant": $w \leftarrow w + \frac{\mathrm{lr}}{\sigma}\sqrt{\max(1, \text{rows}/\text{columns})}\,O$; "nuclear":
$w \leftarrow w + \frac{\mathrm{lr}}{\sigma}\frac N\theta O$; "clipped": $w \leftarrow w + \frac{\mathrm{lr}}{\sigma}
\frac{\min(N, \tau)}\theta O$. One Newton–Schulz a round whatever the number of clients; over ranks each of them makes
it on the reduced message, so that nothing but the message travels, and the work is that of one client's NSISA. Of a
sharded matrix every rank gathers the message first, one all-gather of its size. Source: MATHEMATICS.md#N6.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pisa_lab.torch._descent import Descent, Job, by_core, by_lists, by_pieces, descend
from pisa_lab.torch._engines import engine_for
from pisa_lab.torch._foreach import FOREACH
from pisa_lab.torch._functional import SINGLE, lifted
from pisa_lab.torch._in_place import IN_PLACE
from pisa_lab.torch._metric import by_name
from pisa_lab.torch._orthogonal import orthogonalised
from pisa_lab.torch._pass import taken
from pisa_lab.torch._settings import Rule, rule_of
from pisa_lab.torch._sharding import local, local_all, own_piece, shard_of, whole
from pisa_lab.torch._work import Engine, Entry, Work

THETA = 1.2024
"""The largest singular value that five Newton–Schulz steps leave."""
_WAYS: dict[Engine, Descent] = {SINGLE: by_core, FOREACH: by_lists, IN_PLACE: by_pieces}


class Pull(NamedTuple):
    """One parameter, the sum of the clients' messages to it, the aggregate gradient and the server's state.

    ``param`` may be sharded; message and gradient are this rank's pieces.
    """

    param: Tensor
    message: Tensor
    gradient: Tensor
    state: Mapping[str, Tensor]


def step(group: Mapping[str, Any], entries: Sequence[Entry], works: Sequence[Work]) -> None:
    """Do both halves of a single client, whose half on ``entries`` is ``works``."""
    keeps, rule = by_name(group["metric"]).keeps, rule_of(group)
    (work,) = works
    engine = engine_for(group, work.params)
    entrywise = [place for place, entry in enumerate(entries) if keeps[0] in entry.state]
    if entrywise:
        states = [entries[place].state for place in entrywise]
        part = taken(work, entrywise)
        job = Job(part.params, part.directions, [], part.multipliers, *_kept(keeps, states))
        _descend(group, engine, job, rule)
    others = [place for place, entry in enumerate(entries) if keeps[0] not in entry.state]
    if others:
        part = taken(work, others)
        messages = [torch.zeros_like(param) for param in part.params]
        engine.client([part], rule, [1.0], messages)
        _along(group, [entries[place].param for place in others], messages, rule)


def serve(group: Mapping[str, Any], pulls: Sequence[Pull]) -> None:
    """Do the server's half of several clients."""
    keeps, rule = by_name(group["metric"]).keeps, rule_of(group)
    entrywise = [pull for pull in pulls if keeps[0] in pull.state]
    if entrywise:
        params = local_all([pull.param for pull in entrywise])
        messages, gradients = [pull.message for pull in entrywise], [pull.gradient for pull in entrywise]
        extras, steps = _kept(keeps, [pull.state for pull in entrywise])
        _descend(group, engine_for(group, params), Job(params, gradients, messages, [], extras, steps), rule)
    others = [pull for pull in pulls if keeps[0] not in pull.state]
    if others:
        _along(group, [pull.param for pull in others], [pull.message for pull in others], rule)


def _kept(keeps: Sequence[str], states: Sequence[Mapping[str, Tensor]]) -> tuple[list[list[Tensor]], list[Tensor]]:
    """Return what the metric keeps, one list for each name, and the counts."""
    return [local_all([state[name] for state in states]) for name in keeps], [state["step"] for state in states]


def _descend(group: Mapping[str, Any], engine: Engine, job: Job, rule: Rule) -> None:
    factor = group.get("elementwise_lr", 1.0)
    own = dataclasses.replace(rule, lr=rule.lr * factor)
    descend(_WAYS[engine], job, group["metric"], group["eps"], float(group["momentum"]), own, rule.penalty)


def _along(group: Mapping[str, Any], params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule) -> None:
    """Move ``params``, matrices, along their orthogonalised messages."""
    constant, pulls = group["scale"] == "constant", {}

    def pull(place: int) -> Tensor:
        param, message = params[place], lifted(messages[place])
        found = whole(shard_of(message - rule.ridge * lifted(local(param)), param))
        if not constant:
            pulls[place] = found
        return found

    turned = orthogonalised(params, steps=group["ns_steps"], dtype=group["ns_dtype"], seen=pull, scaled=constant)
    for place, (param, direction) in enumerate(zip(params, turned, strict=True)):
        length = 1.0 if constant else _length(pulls[place], direction, group)
        piece, moved = local(param), own_piece(direction, param)
        piece.copy_(lifted(piece.clone()) + (rule.lr / rule.penalty) * length * moved)


def _length(pull: Tensor, direction: Tensor, group: Mapping[str, Any]) -> Tensor:
    r"""Return $N/\theta$, of "clipped" $\min(N, \tau)/\theta$."""
    nuclear = torch.sum(pull * direction) / THETA
    return (nuclear.clamp(max=group["tau"]) if group["scale"] == "clipped" else nuclear) / THETA

r"""One step on lists of tensors, by the equations of the core.

With one client a step is client_update, then server_update, in increments and with nothing divided by lr:

$$q = (\sigma I + \rho Q)^{-1}(\pi+g),\qquad w \leftarrow w + \mathrm{lr}\,\frac{\pi - 2\sigma q - \lambda w}{\sigma +
\mathrm{lr}\,\lambda},\qquad \pi \leftarrow \pi - \sigma q,$$

π on the right the old one; σ and ρ of the core are σ/lr and ρ/lr here. Tensors in half precision are computed with in
float32 and rounded where they are stored. Source: MATHEMATICS.md#I2, sections 2 and 3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from pisa_lab import updates
from pisa_lab.preconditioners.second_moment import SecondMoment
from pisa_lab.torch._pass import computed, recorded
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import DIAGONAL, IDENTITY, MAGNITUDE, MOMENT, SOLUTION, Engine, Work


def _solve(work: Work, place: int, rule: Rule) -> tuple[Tensor, Tensor]:
    """Return q and the new multiplier of one parameter; a moment is updated in place."""
    # The core's client axis, of length one.
    multiplier = lifted(work.multipliers[place])[None]
    penalty = multiplier.new_full((1,), rule.penalty)
    if work.form == SOLUTION:
        solution = lifted(work.extras[place])[None]
    else:
        direction = multiplier + lifted(work.directions[place])[None]
        solution = updates.diagonal_solve(direction, penalty, rule.rho, _diagonal(work, place, rule, direction))
    updated = updates.multiplier_step(multiplier, penalty, updates.local_deviation(solution))
    return solution[0], updated[0]


def _diagonal(work: Work, place: int, rule: Rule, direction: Tensor) -> Tensor:
    """Return the diagonal of Q with the client axis."""
    if work.form == MOMENT:
        moment = work.extras[place]
        used = SecondMoment(rule.scheme, rule.beta, rule.clip)
        root: Tensor
        root, kept = used.advance(lifted(moment)[None], direction, iteration(work.steps[place]))
        moment.copy_(kept[0])
        return root
    if work.form == MAGNITUDE:
        return direction.abs() if rule.clip is None else direction.abs().clamp(max=rule.clip)
    if work.form == DIAGONAL:
        return lifted(work.extras[place])[None]
    assert work.form == IDENTITY, work.form
    return direction.new_ones(direction.shape)


def iteration(step: Tensor) -> int:
    """Return the core's count, from zero: in float64 where it must stay a tensor, for 1 − β^ℓ cancels in float32."""
    if recorded([step]):
        count: int = step.to(torch.float64) - 1  # type: ignore[assignment]
        return count
    return int(step) - 1


def lifted(tensor: Tensor) -> Tensor:
    """Return ``tensor`` in the type that it is computed with in."""
    return tensor.to(computed(tensor.dtype))


def _step(work: Work, rule: Rule) -> None:
    for place, param in enumerate(work.params):
        solution, multiplier = _solve(work, place, rule)
        # A copy: where gradients flow, through lr too, what the step overwrites is needed behind it.
        consensus = lifted(param.clone())
        increment = updates.consensus_step(
            consensus,
            (-rule.lr * solution)[None],
            (rule.lr * multiplier)[None],
            consensus.new_full((1,), rule.penalty),
            consensus.new_ones(1),
            rule.lr * rule.ridge,  # type: ignore[arg-type]
        )
        work.multipliers[place].copy_(multiplier)
        param.copy_(consensus + increment)


def _client(works: Sequence[Work], rule: Rule, weights: Sequence[float], messages: Sequence[Tensor]) -> None:
    for work, weight in zip(works, weights, strict=True):
        for place, message in enumerate(messages):
            solution, multiplier = _solve(work, place, rule)
            message.copy_(lifted(message) + weight * (multiplier - rule.penalty * solution))
            work.multipliers[place].copy_(multiplier)


def _server(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    for param, message in zip(params, messages, strict=True):
        moved = lifted(param)
        pull = rule.lr * (lifted(message) - rule.ridge * moved) / (total + rule.lr * rule.ridge)
        param.copy_(moved + pull)


def _round(works: Sequence[Work], weights: Sequence[float], rule: Rule, total: float) -> None:
    messages = [lifted(torch.zeros_like(param)) for param in works[0].params]
    _client(works, rule, weights, messages)
    _server(works[0].params, messages, rule, total)


SINGLE = Engine(_step, _client, _server, _round)
"""The oracle of the others: the core's own lines, one parameter at a time."""

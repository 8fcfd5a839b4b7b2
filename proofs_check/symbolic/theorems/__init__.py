"""The project's own theorems, for every number of steps: statements, named inequalities and exact certificates."""

from proofs_check.claim import Claim
from proofs_check.symbolic.theorems import (
    adaptive_bias,
    finite,
    floors,
    last_iterate,
    matching,
    minibatch,
    newton_schulz,
    oblivious,
    potentials,
    preconditioned,
    quadratics,
    schedules,
    sectors,
    stationary,
    stochastic,
)

CLAIMS_THEOREMS: tuple[Claim, ...] = (
    *potentials.CLAIMS,
    *finite.CLAIMS,
    *matching.CLAIMS,
    *last_iterate.CLAIMS,
    *stochastic.CLAIMS,
    *schedules.CLAIMS,
    *stationary.CLAIMS,
    *floors.CLAIMS,
    *preconditioned.CLAIMS,
    *sectors.CLAIMS,
    *minibatch.CLAIMS,
    *adaptive_bias.CLAIMS,
    *oblivious.CLAIMS,
    *quadratics.CLAIMS,
    *newton_schulz.CLAIMS,
)

"""Deliberately wrong methods: each makes the claims that are named lose their expected verdicts."""

import numpy as np
import pytest

from pisa_lab import _array, lagrangian, loop, measures, residuals, updates
from pisa_lab.method import PISA
from pisa_lab.preconditioners import SecondMoment, forms
from pisa_lab.preconditioners.forms import Diagonal
from pisa_lab.preconditioners.second_moment import Moment
from pisa_lab.schedules import Geometric, Polynomial
from proofs_check import table

pytestmark = pytest.mark.slow

RIGHT_STEP = PISA.client_update
RIGHT_INIT = PISA.init


def negative_multiplier(multiplier, penalty, deviation):
    return multiplier - _array.column(penalty, deviation) * deviation


def mean_penalty_multiplier(multiplier, penalty, deviation):
    mean = np.mean(penalty, axis=-1, keepdims=True) + 0 * penalty
    return multiplier + _array.column(mean, deviation) * deviation


def frozen_multiplier(multiplier, penalty, deviation):
    return multiplier


def unweighted_consensus(consensus, deviation, multiplier, penalty, weights, ridge):
    return RIGHT_CONSENSUS(consensus, deviation, multiplier, penalty, 0 * weights + 1 / weights.size, ridge)


def ridgeless_consensus(consensus, deviation, multiplier, penalty, weights, ridge):
    return RIGHT_CONSENSUS(consensus, deviation, multiplier, penalty, weights, 0.0)


def consensus_without_multipliers(consensus, deviation, multiplier, penalty, weights, ridge):
    return RIGHT_CONSENSUS(consensus, deviation, 0 * multiplier, penalty, weights, ridge)


RIGHT_CONSENSUS = updates.consensus_step


def stale_penalty_step(self, state, at):
    """Store the multiplier with the σ of the round before."""
    new = RIGHT_STEP(self, state, at)
    return new._replace(multiplier=updates.multiplier_step(state.multiplier, state.penalty, new.deviation))


def clients_first(self, state, oracle):
    return self.server_update(self.client_update(state, oracle(state.shared)))


def local_gradient_step(self, state, oracle):
    state = self.server_update(state)
    return self.client_update(state, oracle(state.local))


def stale_gradient_step(self, state, oracle):
    """Take the gradient at the consensus point of the round before."""
    return self.client_update(self.server_update(state), oracle(state.shared))


def deviation_of_old_point(self, state):
    """Keep w_i − w as it was before the server moved w."""
    right = RIGHT_SERVER(self, state)
    return right._replace(deviation=state.deviation)


RIGHT_SERVER = PISA.server_update


def doubled_correction(self, moment, direction, iteration):
    root, moment = RIGHT_ADVANCE(self, moment, direction, iteration)
    return root / np.sqrt(1 - self.beta ** (iteration + 1)), moment


def swapped_decay(self, moment, direction, iteration):
    if self.scheme == "I":
        return RIGHT_ADVANCE(self, moment, direction, iteration)
    moment = (1 - self.beta) * moment + self.beta * direction**2
    return np.sqrt(moment), moment


RIGHT_ADVANCE = SecondMoment.advance


def moment_of_gradient(self, state, at):
    """Square g instead of π + g."""
    root, moment = self.advance(state.moment, at.gradient, at.iteration)
    return at.gradient, Moment(moment, Diagonal(root))


def never_clipped(self, moment, direction, iteration):
    return RIGHT_ADVANCE(SecondMoment(self.scheme, self.beta), moment, direction, iteration)


def solve_without_rho(rhs, penalty, rho, diagonal):
    return rhs / (_array.column(penalty, rhs) + 0 * diagonal)


def wrong_warm_start(self, problem, w, *, replicates=None):
    state = RIGHT_INIT(self, problem, w, replicates=replicates)
    return state._replace(multiplier=-state.multiplier)


def cold_warm_start(self, problem, w, *, replicates=None):
    state = RIGHT_INIT(self, problem, w, replicates=replicates)
    return state._replace(multiplier=0 * state.multiplier)


def shrinking_penalty(self, initial, state):
    return state.penalty * self.ratio


def constant_penalty(self, initial, state):
    return initial


def one_batch_for_ever(rule, problem, seeds, *, experiment, number):
    return RIGHT_DRAW(rule, problem, seeds, experiment=experiment, number=0)


RIGHT_DRAW = loop.draw_batch


def consensus_residual_for_aggregate(problem, state):
    return residuals.consensus_residual(problem, state)


def lagrangian_without_penalty(problem, state):
    return RIGHT_LAGRANGIAN(problem, state._replace(penalty=0 * state.penalty))


RIGHT_LAGRANGIAN = lagrangian.augmented_lagrangian

MUTANTS = [
    # name, where, what, by what, claims that must lose their verdict
    ("sign of the π step", updates, "multiplier_step", negative_multiplier, ["algorithm-by-hand", "I1", "I3"]),
    ("π step with the mean σ", updates, "multiplier_step", mean_penalty_multiplier, ["algorithm-by-hand", "I1", "I3"]),
    ("π never moves", updates, "multiplier_step", frozen_multiplier, ["algorithm-by-hand", "I1", "I4"]),
    ("π stored with a stale σ", PISA, "client_update", stale_penalty_step, ["algorithm-by-hand", "I1", "I3"]),
    ("α_i missing", updates, "consensus_step", unweighted_consensus, ["algorithm-by-hand", "I2", "I4", "I7"]),
    ("ridge dropped", updates, "consensus_step", ridgeless_consensus, ["algorithm-by-hand", "I2", "I7"]),
    ("server without π", updates, "consensus_step", consensus_without_multipliers, ["algorithm-by-hand", "I2", "I4"]),
    ("half-steps swapped", PISA, "step", clients_first, ["algorithm-by-hand", "I1", "I4"]),
    ("gradient at the local w_i", PISA, "step", local_gradient_step, ["algorithm-by-hand", "I1", "I4"]),
    ("gradient a round late", PISA, "step", stale_gradient_step, ["algorithm-by-hand", "I1", "I4"]),
    ("deviation of the old w", PISA, "server_update", deviation_of_old_point, ["I7"]),
    ("bias corrected twice", SecondMoment, "advance", doubled_correction, ["algorithm-by-hand"]),
    ("β and 1 − β swapped", SecondMoment, "advance", swapped_decay, ["algorithm-by-hand"]),
    ("moment of g, not of π + g", SecondMoment, "update", moment_of_gradient, ["algorithm-by-hand"]),
    ("no clip", SecondMoment, "advance", never_clipped, ["algorithm-by-hand", "V8-without-clip"]),
    ("Q left out of the solve", forms, "diagonal_solve", solve_without_rho, ["algorithm-by-hand", "I1"]),
    ("warm start of the wrong sign", PISA, "init", wrong_warm_start, ["algorithm-by-hand", "I4", "V6-warm-start-pair"]),
    ("warm start left out", PISA, "init", cold_warm_start, ["algorithm-by-hand", "I4", "V6-warm-start-pair"]),
    ("σ shrinks by γ", Geometric, "next", shrinking_penalty, ["algorithm-by-hand", "V1-rate-of-the-penalty"]),
    ("γ ignored", Geometric, "next", constant_penalty, ["V1-rate-of-the-penalty", "V2-limit-not-stationary"]),
    ("growth ignored", Polynomial, "next", constant_penalty, ["V4-growing-penalty-repairs"]),
    (
        "one batch for ever",
        loop,
        "draw_batch",
        one_batch_for_ever,
        ["V4-variance-floor"],
    ),
    ("another residual", measures.MEASURES, "aggregate", consensus_residual_for_aggregate, ["V2-kkt-split-digits"]),
]
"""Where and what monkeypatch replaces; a claim is named by the start of its name."""


def inject(monkeypatch, where, what, wrong):
    if isinstance(where, dict):
        monkeypatch.setitem(where, what, wrong)
    else:
        monkeypatch.setattr(where, what, wrong)


def named(start):
    (claim,) = [claim for claim in table.CLAIMS if claim.kind == "measured" and claim.name.startswith(start)][:1]
    return claim


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant[0] for mutant in MUTANTS])
def test_a_wrong_method_is_caught(monkeypatch, mutant):
    _, where, what, wrong, caught_by = mutant
    inject(monkeypatch, where, what, wrong)
    missed = [start for start in caught_by if named(start).run(0, "quick").as_expected]
    assert not missed


@pytest.mark.parametrize("start", sorted({start for mutant in MUTANTS for start in mutant[4]}))
def test_the_right_method_is_not_caught(start):
    assert named(start).run(0, "quick").as_expected


def test_a_wrong_lagrangian_is_caught(monkeypatch):
    from proofs_check.measured import identities

    monkeypatch.setattr(identities, "augmented_lagrangian", lagrangian_without_penalty)
    assert not named("I7").run(0, "quick").as_expected

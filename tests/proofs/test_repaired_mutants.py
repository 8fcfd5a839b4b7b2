"""Deliberately wrong repaired methods: each makes the claims that are named lose their expected verdicts."""

import numpy as np
import pytest

from pisa_lab._array import column
from pisa_lab.backtracking import Backtracking, rounds
from pisa_lab.metrics import AdaGradNorm, Metric, SpectralDescent
from pisa_lab.preconditioners import newton_schulz
from pisa_lab.schedules import Polynomial
from pisa_lab.state import State
from proofs_check import table

pytestmark = pytest.mark.slow

RIGHT_ROUND = rounds._Round.__init__
RIGHT_BOUND = rounds.bound
RIGHT_DIFFERENCES = rounds.differences
RIGHT_CONSTANTS = Backtracking.__post_init__
RIGHT_SUMS = AdaGradNorm.update


def keep_the_operator(self, rule, method, problem, state):
    """Try the operator's own step after a restart too, as the rule without a flag does where it does not vanish."""
    RIGHT_ROUND(self, rule, method, problem, state)
    self._restarted = self._proposed


def restart_always(self, rule, method, problem, state):
    RIGHT_ROUND(self, rule, method, problem, state)
    self._fresh = np.ones_like(self._fresh)


def accept_all(rule, metric, problem, old, new, fresh):
    return RIGHT_BOUND(rule, metric, problem, old, new, fresh) + np.inf


def forget_the_errors(rule, metric, problem, old, new, fresh):
    """Ask for less: a hundredth of the gradient, and nothing of the errors."""
    return -rule.decrease / 100 * np.sum(old.total**2) / (np.sum(new.state.penalty) + new.state.ridge) + 0 * old.value


def trust_values(old, new, noise):
    """Take differences of values at their word, however few digits they have."""
    return new.value - old.value, RIGHT_DIFFERENCES(old, new, noise)[1] + np.inf


def restless(self):
    RIGHT_CONSTANTS(self)
    object.__setattr__(self, "relaxation", 0.5)


def rise_for_good(self):
    RIGHT_CONSTANTS(self)
    object.__setattr__(self, "relaxation", 0.0)
    object.__setattr__(self, "factor", 1000.0)


def step_without_metric(self, state, pull, total, ridge):
    return pull / (column(total, pull) + ridge)


def descent_of_one_length(self, pull, total):
    return newton_schulz(pull, steps=self.steps) / column(total, pull)


def sums_that_stay(self, state, at):
    gradient, new = RIGHT_SUMS(self, state, at)
    return gradient, (new if at.iteration < 2 else state)


def constant_penalty(self, initial, state):
    return initial


MUTANTS = [
    ("operator kept after a restart", rounds._Round, "__init__", keep_the_operator, ["N1-auto", "N1-nsisa"]),
    ("every step passes", rounds, "bound", accept_all, ["N1-auto", "N1-linear", "N1-local-lip", "N1-penalty-needed"]),
    ("the test asks for less", rounds, "bound", forget_the_errors, ["N1-auto"]),
    ("values trusted below rounding", rounds, "differences", trust_values, ["N1-rounding"]),
    ("every round restarts", rounds._Round, "__init__", restart_always, ["auto-against-tuned"]),
    ("σ overshoots and stays", Backtracking, "__post_init__", rise_for_good, ["auto-against-t", "auto-against-o"]),
    ("σ falls too fast", Backtracking, "__post_init__", restless, ["auto-evaluations"]),
    (
        "server's step without its metric",
        Metric,
        "step",
        step_without_metric,
        ["N3-metric-descent-in", "N3-below", "metric-aligned", "metric-rotated", "N4-adagrad-norm-in"],
    ),
    (
        "length of the descent lost",
        SpectralDescent,
        "_descent",
        descent_of_one_length,
        ["N6-pot", "N6-below", "N6-fix"],
    ),
    ("sums that do not grow", AdaGradNorm, "update", sums_that_stay, ["N4-adagrad-norm-in", "N4-rate"]),
    ("growth ignored", Polynomial, "next", constant_penalty, ["N5-past-metric-c"]),
    ("mean of the local models is w", State, "local_mean", property(lambda self: self.consensus), ["local-mean-on"]),
]
"""Name, where and what monkeypatch replaces, by what, and the starts of the names of the claims that must notice."""


def named(start):
    found = [claim for claim in table.CLAIMS if claim.kind == "measured" and claim.name.startswith(start)]
    assert found
    return found


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant[0] for mutant in MUTANTS])
def test_a_wrong_method_is_caught(monkeypatch, mutant):
    _, where, what, wrong, caught_by = mutant
    monkeypatch.setattr(where, what, wrong)
    missed = [claim.name for start in caught_by for claim in named(start) if claim.run(0, "quick").as_expected]
    assert not missed


def test_every_claim_of_the_repaired_methods_has_a_mutant():
    from proofs_check.measured import (
        arenas,
        backtracking,
        local_curvature,
        local_means,
        metrics,
        mini_batches,
        spectral,
    )

    rows = (
        *backtracking.CLAIMS_BACKTRACKING,
        *local_curvature.CLAIMS_LOCAL_CURVATURE,
        *metrics.CLAIMS_METRICS,
        *mini_batches.CLAIMS_MINI_BATCHES,
        *spectral.CLAIMS_SPECTRAL,
        *local_means.CLAIMS_LOCAL_MEANS,
        *arenas.CLAIMS_ARENAS,
    )
    caught = tuple(start for mutant in MUTANTS for start in mutant[4])
    assert [claim.name for claim in rows if not claim.name.startswith(caught)] == []

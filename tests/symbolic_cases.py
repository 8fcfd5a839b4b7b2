"""Deliberately wrong algorithms and quintics, for the tests of the symbolic claims."""

import dataclasses
from fractions import Fraction

from proofs_check.kernel.algorithm import Algorithm
from proofs_check.symbolic.newton_schulz import MUON

ALGORITHM_MUTANTS = {
    "multiplier descends": Algorithm(ascend=lambda c, w, grown, d: c.multiplier - grown * d),
    "multiplier with the stale penalty": Algorithm(ascend=lambda c, w, grown, d: c.multiplier + c.penalty * d),
    "multiplier twice as far": Algorithm(ascend=lambda c, w, grown, d: c.multiplier + 2 * grown * d),
    "solve with the stale penalty": Algorithm(metric=lambda c, grown: c.penalty + c.rho * c.curvature),
    "solve without the penalty of rho": Algorithm(metric=lambda c, grown: grown + c.curvature),
    "solve with the preconditioner's sign": Algorithm(metric=lambda c, grown: grown - c.rho * c.curvature),
    "force without the multiplier": Algorithm(force=lambda c, w: c.gradient),
    "force with the multiplier's sign": Algorithm(force=lambda c, w: c.gradient - c.multiplier),
    "penalty shrinks": Algorithm(grow=lambda c: c.penalty * c.ratio),
    "penalty grows twice": Algorithm(grow=lambda c: c.penalty / c.ratio**2),
    "server forgets the weights": Algorithm(weigh=lambda c: 1),
    "server with the multiplier's sign": Algorithm(
        pull=lambda c, w: c.penalty * (w - c.local) + c.multiplier + c.ridge * w
    ),
    "server forgets the ridge": Algorithm(pull=lambda c, w: c.penalty * (w - c.local) - c.multiplier),
    "server doubles the ridge": Algorithm(pull=lambda c, w: c.penalty * (w - c.local) - c.multiplier + 2 * c.ridge * w),
    "server forgets the multiplier": Algorithm(pull=lambda c, w: c.penalty * (w - c.local) + c.ridge * w),
    "server with the next penalty": Algorithm(
        pull=lambda c, w: c.penalty / c.ratio * (w - c.local) - c.multiplier + c.ridge * w
    ),
    "server averages without penalties": Algorithm(pull=lambda c, w: w - c.local - c.multiplier + c.ridge * w),
    "multiplier before the solve": Algorithm(
        force=lambda c, w: c.multiplier + c.penalty / c.ratio * (c.local - w) + c.gradient,
        ascend=lambda c, w, grown, d: c.multiplier + grown * (c.local - w),
    ),
}
QUINTIC_MUTANTS = {
    "sign of b": dataclasses.replace(MUON, b=Fraction("4.7750")),
    "the quintic that fixes 1": dataclasses.replace(MUON, a=Fraction(15, 8), b=Fraction(-10, 8), c=Fraction(3, 8)),
    "one step": dataclasses.replace(MUON, steps=1),
    "Gram matrix on the wrong side": dataclasses.replace(MUON, gram=lambda x, transposed: transposed * x),
    "a is 1": dataclasses.replace(MUON, a=Fraction(1)),
    "no cubic": dataclasses.replace(MUON, b=Fraction(0)),
}

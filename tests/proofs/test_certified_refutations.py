"""Worst cases and refutations in fractions: in their class exactly, and no refutation by a broken method."""

import json
from fractions import Fraction

import numpy as np
import pytest

from pisa_lab import updates
from pisa_lab.lagrangian import augmented_lagrangian
from proofs_check.certified import rising
from proofs_check.certified.exact_runs import agree, pisa_path
from proofs_check.certified.matching import PiecewiseSlope, in_class, matching_function, matching_value, visited_points
from proofs_check.certified.refutations import REFUTED_CLAIMS
from proofs_check.certified.setting import fedavg_setting, pisa_setting
from proofs_check.certified.witnesses import WITNESSES, witness
from proofs_check.claim import Verdict
from proofs_check.theory import nonconvex_rate, warm_start_rate

# --- functions in fractions ---


def test_a_function_outside_the_class_is_seen():
    setting = pisa_setting("nonconvex", 3)
    function = matching_function(setting)
    assert in_class(setting, function)
    steeper = PiecewiseSlope(tuple(x / 2 for x in function.breakpoints), function.slopes)
    assert not in_class(setting, steeper)
    below = PiecewiseSlope(function.breakpoints, (Fraction(0), *(-slope for slope in function.slopes[1:])))
    assert not in_class(setting, below)
    assert not in_class(pisa_setting("convex", 3), function)
    assert visited_points(setting, function) == visited_points(setting, None)


def test_what_matching_functions_attain_is_the_closed_form_for_every_n():
    for kappa in map(Fraction, ("2", "7/3", "5")):
        for rounds in range(1, 13):
            assert matching_value(pisa_setting("nonconvex", rounds, sigma=kappa)) == nonconvex_rate(rounds, kappa)
            for name in ("nonconvex", "convex"):
                warm = pisa_setting(name, rounds, sigma=kappa - 1, warm=True)
                assert matching_value(warm) == warm_start_rate(rounds, kappa - 1, convex=name == "convex")
    for setting in (
        pisa_setting("nonconvex", 2, method="admm"),
        fedavg_setting("convex", 2, local_steps=2),
        pisa_setting("convex", 2, clients=2, rho=(0, 1)),
        pisa_setting("convex", 3, warm=True, ridge="1/10"),
    ):
        with pytest.raises(ValueError, match="setting"):
            matching_value(setting)


# --- refutations on both sides ---


def broken_multiplier(multiplier, penalty, deviation):
    return multiplier - penalty[..., None] * deviation


def broken_deviation(solution):
    return -1.7 * solution


def not_a_number(solution):
    return np.full_like(solution, np.nan)


@pytest.mark.parametrize(
    ("name", "broken"),
    [("multiplier_step", broken_multiplier), ("local_deviation", broken_deviation), ("local_deviation", not_a_number)],
)
def test_a_broken_method_is_no_refutation(name, broken, monkeypatch):
    monkeypatch.setattr(updates, name, broken)
    for claim in REFUTED_CLAIMS:
        with np.errstate(all="ignore"):
            assert claim.run(0, "quick").evidence.verdict is not Verdict.REFUTED, claim.name


def test_a_broken_lagrangian_is_no_refutation(monkeypatch):
    monkeypatch.setattr(rising, "augmented_lagrangian", lambda problem, state: -augmented_lagrangian(problem, state))
    for claim in REFUTED_CLAIMS[:4]:
        assert claim.run(0, "quick").evidence.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", [name for name in WITNESSES if name.startswith("rise")])
def test_a_rising_round_obeys_every_hypothesis_exactly(name):
    kept = witness(name)
    found = rising.exact_round(kept)
    assert found.rise > 0
    assert float(found.rise) == kept["rise"]
    assert [float(x) for x in found.points] == [x for (x,) in kept["clients"][0]["points"]]
    for change, reason in (
        (lambda w: w["clients"][0]["values"].__setitem__(2, w["clients"][0]["values"][2] + 1.0), "clients"),
        (lambda w: w["clients"][0]["gradients"].__setitem__(1, [5.0]), "clients"),
        (lambda w: w["state"]["multiplier"].__setitem__(0, w["state"]["multiplier"][0] * -3), "state"),
        (lambda w: w.__setitem__("rho", 9.0), "state"),
    ):
        wrong = json.loads(json.dumps(kept))
        change(wrong)
        with pytest.raises(ValueError, match=f"^{reason}"):
            rising.exact_round(wrong)


def test_the_run_in_fractions_is_the_engines():
    setting = pisa_setting("nonconvex", 4, gamma="3/4", order="after_solve", rho="1/2", ridge="1/5")
    function = PiecewiseSlope((Fraction(-9), Fraction(9)), (Fraction(-9), Fraction(9)))  # F_λ = x²/2 near 0
    path = pisa_path(
        [lambda w: w + 1 - w / 5], Fraction(0), penalties=setting.penalties, rho=setting.rho,
        ridge=setting.ridge, order=setting.order,
    )  # fmt: skip
    shifted = PiecewiseSlope(tuple(x - 1 for x in function.breakpoints), function.slopes)
    assert tuple(path) == visited_points(setting, shifted)
    for found in ([1.0, 1.0], [1.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="growth"):
            agree("growth", found, [Fraction(1), Fraction(1000001, 1000000)])

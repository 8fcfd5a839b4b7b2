"""A worst case is printed as solved only where its gap is small against itself and no run attains more."""

from fractions import Fraction

import pytest

from proofs_check.certified import engine
from proofs_check.certified.engine import worst_case_value
from proofs_check.certified.quadratic_runs import attained_value
from proofs_check.certified.setting import fedavg_setting, pisa_setting

pytest.importorskip("clarabel")


@pytest.mark.parametrize(
    ("kind", "sigma", "ridge", "rounds"),
    [
        ("nonconvex", 2, 2, 20),
        ("nonconvex", 2, 3, 15),
        ("nonconvex", 2, 8, 10),
        ("nonconvex", 2, 20, 10),
        ("nonconvex", 2, 200, 3),
        ("nonconvex", 2, 1000, 1),
        ("nonconvex", 200, 200, 1),
        ("convex", 2, 1, 20),
        ("convex", Fraction(3, 2), 5, 15),
    ],
)
def test_a_cold_start_with_a_ridge_keeps_its_first_gradient(kind, sigma, ridge, rounds):
    setting = pisa_setting(kind, rounds, sigma=sigma, ridge=ridge)
    found = worst_case_value(setting)
    assert found.status == "solved"
    assert found.value == pytest.approx(2 * (1 + ridge), rel=1e-6)
    # In rationals, by F(w) = h(w - c)^2/2 with c far away: nothing below 2(1 + λ) can be right.
    assert attained_value(setting) >= (2 * (1 + ridge)) * (1 - Fraction(1, 10**8))


def test_the_warm_start_with_a_large_ridge_is_not_below_what_a_run_attains():
    found = worst_case_value(pisa_setting("nonconvex", 1, sigma=2, ridge=1000, warm=True))
    assert found.status == "solved"
    assert found.value >= 0.0179


@pytest.mark.parametrize("kind", ["nonconvex", "convex"])
@pytest.mark.parametrize("sigma", [Fraction(8, 5), 2, 10])
@pytest.mark.parametrize("rounds", [1, 5, 20])
def test_ordinary_settings_stay_solved_and_above_every_parabola(kind, sigma, rounds):
    setting = pisa_setting(kind, rounds, sigma=sigma)
    found = worst_case_value(setting)
    assert found.status == "solved"
    assert 0 < attained_value(setting) <= found.value * (1 + 1e-9)


@pytest.mark.parametrize(
    "setting",
    [
        fedavg_setting("convex", 4, step=Fraction(1, 4), local_steps=2, clients=2, heterogeneity=1),
        fedavg_setting("nonconvex", 3),
        pisa_setting("nonconvex", 3, method="admm", warm=True, clients=2),
        pisa_setting("convex", 3, method="admm"),
        pisa_setting("nonconvex", 4, sigma=3, rho=(0, 2), clients=2),
        pisa_setting("nonconvex", 4, gamma=Fraction(3, 4), order="after_solve"),
        pisa_setting("strongly-convex", 4, modulus=Fraction(1, 10), metric="last_value", initial="distance"),
    ],
    ids=str,
)
def test_every_method_of_the_program_is_above_what_its_own_run_attains(setting):
    found = worst_case_value(setting)
    assert found.status == "solved"
    assert 0 <= attained_value(setting) <= found.value * (1 + 1e-6)


def test_a_value_below_a_run_is_not_called_solved(monkeypatch):
    setting = pisa_setting("nonconvex", 2, sigma=2)
    monkeypatch.setattr(engine, "attained_value", lambda setting: Fraction(3))
    assert worst_case_value(setting).status == "NotTrusted (a run attains more)"


def test_gradient_descent_on_a_parabola_by_hand():
    """Step 1/4 on x²/2: the gradient falls by 3/4 a round, and ‖g‖² over the first gap starts at 2."""
    setting = fedavg_setting("convex", 3, step=Fraction(1, 4), metric="last_gradient")
    assert attained_value(setting) == max(2 * h * (1 - h / 4) ** 6 for h in (1, 1 - Fraction(1, 10**9), Fraction(1, 2)))

"""The worst-case engine, its lemma, its certificates and its witnesses."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest
from certified_cases import SOLVER, _symmetric

from proofs_check.certified.any_q_edge import PIECES, edge_facts, remainder
from proofs_check.certified.certificate import certify
from proofs_check.certified.checker import verify
from proofs_check.certified.decrease import best_decrease
from proofs_check.certified.engine import solve
from proofs_check.certified.one_step import block, round_of
from proofs_check.certified.setting import exact, fedavg_setting, pisa_setting


@pytest.mark.parametrize(
    ("function_class", "gamma", "order", "above", "below"),
    [
        ("nonconvex", 1, "before_solve", "1.691", "1.690"),
        ("convex", 1, "before_solve", "1.506", "1.504"),
        ("nonconvex", "9/10", "after_solve", "1.713", "1.711"),
        ("nonconvex", "3/4", "after_solve", "1.757", "1.756"),
        ("convex", "9/10", "after_solve", "1.539", "1.538"),
        ("convex", "3/4", "after_solve", "1.605", "1.603"),
        ("convex", "9/10", "before_solve", "1.434", "1.432"),
        ("convex", "3/4", "before_solve", "1.322", "1.320"),
    ],
)
def test_lagrangian_thresholds_of_the_record(function_class, gamma, order, above, below):
    for sigma, sign in ((above, 1), (below, -1)):
        question = round_of("lagrangian", function_class, sigma=sigma, gamma=gamma, order=order)
        assert sign * best_decrease(question).constant > 0


def test_any_q_potential_reaches_the_stability_edge():
    # 1.5L is the edge of F = x²/2, so that no potential can fall below it; with the ridge the edge is 1.5L − λ/2.
    for beta, ridge, edge in ((0, 0, 1.5), (1, 0, 1.5), (1, "1/10", 1.45)):
        for factor, sign in ((1.001, 1), (0.99, -1)):
            sigma = Fraction(edge * factor).limit_denominator(10**6)
            question = round_of("residual", sigma=sigma, q_bound=beta * sigma, ridge=ridge)
            answer = best_decrease(question, free_factor=True)
            assert (answer.status == "solved" and answer.constant > 1e-5) == (sign > 0)


@pytest.mark.parametrize(("kappa", "beta"), [(1.52, 1.0), (1.58, 0.7), (1.75, 1.0), (2.5, 1.0)])
def test_sharp_edge_theorem_holds_on_random_rounds(kappa, beta):
    piece = next(p for p in PIECES if p.lower < kappa and (p.upper is None or kappa <= p.upper))
    exact_kappa = exact(kappa)
    _random_rounds(kappa, beta, factor=float(piece.factor(exact_kappa)), constant=float(piece.constant(exact_kappa)))


def test_certified_potential_holds_on_random_rounds():
    answer = best_decrease(round_of("residual", sigma="7/4", q_bound="7/2"), free_factor=True, margin=1e-6)
    _random_rounds(1.75, 2.0, factor=answer.factor, constant=answer.constant)


def _random_rounds(sigma, beta, *, factor, constant):
    """Check the potential's fall on random quadratics, three clients, any Q: an oracle without any of the algebra."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        hessians = [_symmetric(rng, -1.0, 1.0) for _ in range(3)]
        shifts, weights = rng.standard_normal((3, 2)), rng.dirichlet(np.ones(3))
        w, pi = rng.standard_normal(2), rng.standard_normal((3, 2)) * 10.0 ** rng.uniform(-2, 2)

        def residuals(x, dual, hessians=hessians, shifts=shifts):
            return np.stack([h @ x + b + p for h, b, p in zip(hessians, shifts, dual, strict=True)])

        def potential(x, dual, hessians=hessians, shifts=shifts, weights=weights, residuals=residuals):
            value = sum(a * (x @ h @ x / 2 + b @ x) for a, h, b in zip(weights, hessians, shifts, strict=True))
            return value + factor / sigma * float(weights @ np.sum(residuals(x, dual) ** 2, axis=1))

        q = [_symmetric(rng, 0.0, beta * sigma) for _ in range(3)]
        d = np.stack([-np.linalg.solve(sigma * np.eye(2) + m, e) for m, e in zip(q, residuals(w, pi), strict=True)])
        new = pi + sigma * d
        move = weights @ (sigma * d + new) / sigma
        gradient = weights @ (residuals(w, pi) - pi)
        fall = potential(w, pi) - potential(w + move, new)
        # Rounding of sums of squares up to 1e4 times larger than the fall.
        assert fall >= constant * gradient @ gradient - 1e-9 * (1 + abs(potential(w, pi)))


def test_sharp_edge_theorem_is_proved_and_its_mutations_fail():
    assert all(holds for _, holds in edge_facts())
    middle = PIECES[1]
    for name, scale in (("constant", 8), ("sector", 2)):
        old = getattr(middle, name)
        wrong = dataclasses.replace(middle, **{name: lambda k, old=old, scale=scale: scale * old(k)})
        minors = [holds for fact, holds in edge_facts((wrong,)) if "minor" in fact]
        assert not all(minors)
    assert not dict(edge_facts(PIECES[1:2]))["the intervals cover every kappa > 3/2"]


@pytest.mark.parametrize("kappa", ["151/100", "17/10", "5"])
def test_sharp_edge_remainder_is_the_one_round_programs(kappa):
    kappa = Fraction(kappa)
    piece = next(p for p in PIECES if p.lower < kappa and (p.upper is None or kappa <= p.upper))
    question = round_of("residual", sigma=kappa, q_bound=kappa, factor=piece.factor(kappa))
    back, sector = float(piece.backward(kappa)), float(piece.sector(kappa))
    # Coordinates (g, e, u, h − g) here, (g, a, h, b, d, u, e, w) there.
    frame = np.zeros((8, 4))
    frame[0, 0] = frame[2, 0] = frame[2, 3] = frame[4, 1] = frame[5, 2] = 1.0
    for mean in (True, False):
        one = block(question, mean)
        whole = one.fall - float(piece.constant(kappa)) * one.goal - sector * one.rows["sector 0"]
        whole = whole - (1 + back) * one.rows["interpolation 0 1"] - back * one.rows["interpolation 1 0"]
        wanted = np.array(remainder(piece, exact(kappa), mean).tolist(), dtype=float)
        assert np.allclose(frame.T @ whole @ frame, wanted, atol=1e-12)


@pytest.mark.parametrize(
    "setting",
    [
        pisa_setting("nonconvex", 3, sigma="5/2"),
        pisa_setting("convex", 2, sigma=3, rho=(0, 1), clients=2, warm=True, ridge="1/4"),
        fedavg_setting("convex", 2, step="3/4"),
    ],
)
def test_certificates_are_within_their_slack(setting):
    text = certify(setting)
    bound = float(Fraction(json.loads(text)["bound"]))
    value = solve(setting).value
    assert verify(text)
    assert value - SOLVER <= bound <= value + 1e-4

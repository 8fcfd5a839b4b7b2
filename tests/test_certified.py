"""The worst-case engine, its lemma, its certificates and its witnesses."""

import dataclasses
import functools
import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("clarabel")

from proofs_check.certified import engine
from proofs_check.certified.__main__ import main
from proofs_check.certified.any_q_edge import EDGE_CLAIM, PIECES, edge_facts, remainder
from proofs_check.certified.certificate import certified, repaired
from proofs_check.certified.checker import verify
from proofs_check.certified.claims import CERTIFICATE_CLAIMS, CLAIMS_CERTIFIED, certificate_evidence
from proofs_check.certified.comparison import closed_form, descent_form
from proofs_check.certified.decrease import best_decrease, certified_decrease, steepest_rise
from proofs_check.certified.engine import solve, worst_case_value
from proofs_check.certified.interpolant import Interpolant, violation
from proofs_check.certified.lemma import applies, reduced
from proofs_check.certified.lemma_proof import merging_facts
from proofs_check.certified.one_step import block, round_of
from proofs_check.certified.refutations import REFUTED_CLAIMS
from proofs_check.certified.refute import replayed, replayed_round, rising_round, worst_function
from proofs_check.certified.rows import worst_case
from proofs_check.certified.setting import Setting, exact, fedavg_setting, pisa_setting
from proofs_check.certified.witnesses import WITNESSES, witness
from proofs_check.claim import Verdict

# The figure; the solver stops at 1e-9.
SOLVER = 1e-6
CLASSES = ("nonconvex", "convex")


@pytest.mark.parametrize("function_class", CLASSES)
@pytest.mark.parametrize("kappa", [2, 4])
def test_values_are_the_closed_forms(function_class, kappa):
    for rounds in range(1, 11):
        for clients in (1, 2, 3):
            answer = worst_case_value(pisa_setting(function_class, rounds, sigma=kappa, clients=clients))
            assert answer.value == pytest.approx(closed_form(function_class, kappa, rounds), abs=SOLVER)


def test_sixty_questions_are_twenty_programs():
    solve.cache_clear()
    for function_class, rounds, clients in itertools.product(CLASSES, range(1, 11), (1, 2, 3)):
        worst_case_value(pisa_setting(function_class, rounds, clients=clients))
    assert solve.cache_info().misses == 20


@pytest.mark.parametrize(
    ("setting", "value", "digits"),
    [
        (pisa_setting("nonconvex", 1, warm=True), 1.0667, 4),
        (pisa_setting("nonconvex", 10, warm=True), 0.2051, 4),
        (pisa_setting("nonconvex", 20, gamma="3/4"), 0.458, 3),
        (pisa_setting("nonconvex", 20, gamma="3/4", order="after_solve"), 0.443, 3),
        (pisa_setting("nonconvex", 10, sigma=3, rho=(0, 2), clients=2, warm=True), 0.288, 3),
        (pisa_setting("nonconvex", 4, sigma=3, rho=(0, 2), clients=2), 2.0, 6),
    ],
    ids=["warm-1", "warm-10", "geometric", "mixed", "unequal-warm", "unequal-cold"],
)
def test_values_are_those_of_the_record(setting, value, digits):
    # MATH.md section 6 and V6, to the digits printed there.
    assert worst_case_value(setting).value == pytest.approx(value, abs=0.5 * 10.0**-digits + SOLVER)


@pytest.mark.parametrize("function_class", CLASSES)
def test_fedavg_with_one_step_is_gradient_descent(function_class):
    for rounds in (1, 4, 9):
        answer = worst_case_value(fedavg_setting(function_class, rounds, clients=3))
        assert answer.value == pytest.approx(descent_form(function_class, rounds), abs=SOLVER)


def test_fedavg_of_one_client_is_gradient_descent_seen_every_other_step():
    # Two local steps of one client are two steps of descent; the metric sees every second iterate, so it is no smaller.
    local = solve(fedavg_setting("convex", 2, local_steps=2)).value
    assert local >= descent_form("convex", 4) - SOLVER
    assert local <= descent_form("convex", 2) + SOLVER


def test_exact_admm_has_the_values_of_its_first_table():
    # Nonconvex, two clients, warm, σ = 2L; PEPit gives the same for N = 3 (slow test), and its first move is PISA's.
    values = [solve(pisa_setting("nonconvex", n, method="admm", clients=2, warm=True)).value for n in (1, 2, 3)]
    assert values[0] == pytest.approx(worst_case_value(pisa_setting("nonconvex", 1, warm=True)).value, abs=SOLVER)
    assert values[0] > values[1] > values[2] > worst_case_value(pisa_setting("nonconvex", 3, warm=True)).value


def test_warm_start_has_the_worst_case_of_gradient_descent_with_step_one_over_sigma():
    for function_class, rounds in itertools.product(CLASSES, (1, 3, 6)):
        warm = worst_case_value(pisa_setting(function_class, rounds, warm=True)).value
        descent = worst_case_value(fedavg_setting(function_class, rounds, step="1/2")).value
        assert warm == pytest.approx(descent, abs=SOLVER)


def test_a_last_gradient_without_uniform_bound_is_unbounded():
    answer = worst_case_value(pisa_setting("nonconvex", 4, sigma=3, rho=(0, 2), clients=2, metric="last_gradient"))
    assert answer.status == "unbounded"
    assert answer.value == float("inf")


def test_a_failing_solver_is_named(monkeypatch):
    class Answer:
        status, obj_val, obj_val_dual, r_prim, r_dual = "MaxIterations", 0.3, 0.3, 1.0, 1.0
        x, z = np.zeros(30), np.zeros(60)

    monkeypatch.setattr(engine, "_clarabel", lambda *arguments: (Answer(), 1.0))
    answer = solve.__wrapped__(pisa_setting("nonconvex", 1))
    assert answer.status == "MaxIterations"
    assert np.isnan(answer.value)


EQUAL = {
    "plain": {},
    "rho": {"rho": 1},
    "warm": {"warm": True},
    "ridge": {"warm": True, "ridge": "1/10", "sigma": 3},
    "geometric": {"gamma": "3/4"},
    "mixed": {"gamma": "3/4", "order": "after_solve", "rho": "1/2"},
    "lipschitz": {"lipschitz": ("1/2", "3/2")},
    "sigma": {"sigma": (1, 3)},
    "distance": {"initial": "distance"},
}


@pytest.mark.parametrize("name", EQUAL)
@pytest.mark.parametrize("function_class", CLASSES)
def test_lemma_gives_the_lifted_value(name, function_class):
    setting = pisa_setting(function_class, 2, clients=2, **EQUAL[name])
    assert applies(setting)
    assert reduced(setting).clients == 1
    lifted = worst_case_value(setting, lemma=False)
    assert lifted.value == pytest.approx(worst_case_value(setting).value, abs=SOLVER)


@pytest.mark.parametrize(
    "setting",
    [
        pisa_setting("nonconvex", 3, clients=2, rho=(0, 1)),
        pisa_setting("nonconvex", 3, clients=2, sigma=(1, 3), rho=1),
        pisa_setting("nonconvex", 3, clients=2, method="admm"),
        fedavg_setting("nonconvex", 3, clients=2, local_steps=2),
        pisa_setting("nonconvex", 3, clients=2, lipschitz=(1, 2), heterogeneity=1),
        pisa_setting("nonconvex", 3, clients=2, sigma=(1, 3), gamma=("1/2", "3/4")),
    ],
)
def test_lemma_does_not_apply(setting):
    assert not applies(setting)
    assert reduced(setting) is setting


@pytest.mark.slow
@pytest.mark.parametrize("function_class", CLASSES)
@pytest.mark.parametrize("clients", [2, 3])
def test_every_value_without_the_lemma(function_class, clients):
    for rounds in range(1, 11):
        lifted = worst_case_value(pisa_setting(function_class, rounds, clients=clients), lemma=False)
        assert lifted.status == "solved"
        assert lifted.value == pytest.approx(closed_form(function_class, 2, rounds), abs=SOLVER)


def test_merging_lemma_is_proved_and_its_control_fails():
    assert all(holds for _, holds in merging_facts())
    assert sum(not holds for _, holds in merging_facts(equal_rho=False)) == 2


def _pepit_value(setting):
    """Return the worst case of a PISA, FedAvg or ADMM setting by PEPit, written anew with its own objects."""
    import warnings

    from PEPit import PEP
    from PEPit.functions import SmoothConvexFunction, SmoothFunction, SmoothStronglyConvexFunction
    from PEPit.primitive_steps import proximal_step

    kinds = {
        "nonconvex": lambda smooth: (SmoothFunction, {"L": smooth}),
        "convex": lambda smooth: (SmoothConvexFunction, {"L": smooth}),
        "strongly-convex": lambda smooth: (SmoothStronglyConvexFunction, {"mu": float(setting.modulus), "L": smooth}),
    }
    pep = PEP()
    functions = [
        pep.declare_function(kind, **values)
        for kind, values in (kinds[setting.function_class](float(smooth)) for smooth in setting.lipschitz)
    ]
    weights, ridge = [float(a) for a in setting.weights], float(setting.ridge)
    total = functools.reduce(lambda x, y: x + y, [a * f for a, f in zip(weights, functions, strict=True)])
    w = pep.set_initial_point()

    def gradient(x):
        return total.gradient(x) + ridge * x

    def value(x):
        return total(x) + ridge / 2 * x**2

    if setting.minimiser:
        assert not ridge
        best = total.stationary_point()
        infimum = value(best)
    else:
        from PEPit import Expression

        infimum = Expression()
    start = w
    g = [f.gradient(w) for f in functions]
    pi = [-x if setting.warm else 0 * x for x in g]
    iterates = [w]
    for k in range(1, setting.rounds + 1):
        if setting.method == "fedavg":
            step, ends = float(setting.step), []
            for f in functions:
                x = w
                for _ in range(setting.local_steps):
                    x = x - step * (f.gradient(x) + ridge * x)
                ends.append(x)
            w = functools.reduce(lambda x, y: x + y, [a * x for a, x in zip(weights, ends, strict=True)])
        else:
            server = [float(s) for s in setting.penalties[k]]
            client = server if setting.order == "before_solve" else [float(s) for s in setting.penalties[k - 1]]
            pull = -ridge * w
            for i, s in enumerate(client):
                if setting.method == "admm" and setting.warm and k == 1:
                    d = 0 * w
                elif setting.method == "admm":
                    d = proximal_step(w - pi[i] / s, functions[i], 1 / s)[0] - w
                else:
                    d = -(1 / (s + float(setting.rho[i]))) * (pi[i] + g[i])
                pi[i] = pi[i] + s * d
                pull = pull + weights[i] * (server[i] * d + pi[i])
            w = w + pull / (sum(a * s for a, s in zip(weights, server, strict=True)) + ridge)
        g = [f.gradient(w) for f in functions]
        iterates.append(w)
    if setting.initial == "distance":
        pep.set_initial_condition((start - best) ** 2 <= 1)
    else:
        pep.set_initial_condition(value(start) - infimum <= 1)
    for x in iterates:
        pep.add_constraint(value(x) - gradient(x) ** 2 / (2 * float(setting.smoothness)) >= infimum)
    if setting.metric == "last_value":
        pep.set_performance_metric(value(w) - infimum)
    else:
        for x in iterates if setting.metric == "min_gradient" else iterates[-1:]:
            pep.set_performance_metric(gradient(x) ** 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pep.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0)


ORACLE = {
    "nonconvex": pisa_setting("nonconvex", 2),
    "two clients": pisa_setting("nonconvex", 2, sigma=3, rho=(0, 2), clients=2, warm=True),
    "mixed": pisa_setting("convex", 2, gamma="3/4", order="after_solve", rho=1),
    "ridge": pisa_setting("nonconvex", 2, warm=True, ridge="1/10"),
    "strong": pisa_setting("strongly-convex", 2, modulus="1/10", metric="last_value"),
    "distance": pisa_setting("convex", 2, initial="distance", metric="last_gradient"),
    "fedavg": fedavg_setting("convex", 2, step="1/2", local_steps=2, clients=2),
    "admm": pisa_setting("convex", 2, method="admm"),
}
LARGER = {
    "nonconvex": pisa_setting("nonconvex", 6, sigma=4),
    "geometric": pisa_setting("nonconvex", 6, gamma="3/4"),
    "three clients": pisa_setting("convex", 3, sigma=(1, 2, 3), rho=(0, 1, 2), clients=3, warm=True),
    "unequal L": pisa_setting("nonconvex", 4, rho=(0, 1), clients=2, lipschitz=("1/2", "2"), warm=True, sigma=3),
    "strong": pisa_setting("strongly-convex", 5, modulus="1/10", initial="distance", metric="last_value"),
    "fedavg": fedavg_setting("nonconvex", 3, step="1/4", local_steps=3, clients=2),
    "admm": pisa_setting("nonconvex", 3, method="admm", clients=2, warm=True),
}


@pytest.mark.parametrize("name", ORACLE)
def test_pepit_agrees(name):
    pytest.importorskip("PEPit")
    # Both solvers stop near 1e-8, and PEPit's formulation has another scaling.
    assert _pepit_value(ORACLE[name]) == pytest.approx(solve(ORACLE[name]).value, abs=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGER)
def test_pepit_agrees_on_larger_questions(name):
    pytest.importorskip("PEPit")
    assert _pepit_value(LARGER[name]) == pytest.approx(solve(LARGER[name]).value, abs=1e-5)


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


def _symmetric(rng, low, high):
    rotation, _ = np.linalg.qr(rng.standard_normal((2, 2)))
    return rotation @ np.diag(rng.choice([low, high, rng.uniform(low, high)], size=2)) @ rotation.T


@pytest.mark.parametrize(
    "setting",
    [
        pisa_setting("nonconvex", 3, sigma="5/2"),
        pisa_setting("convex", 2, sigma=3, rho=(0, 1), clients=2, warm=True, ridge="1/4"),
        fedavg_setting("convex", 2, step="3/4"),
    ],
)
def test_certificates_are_within_their_slack(setting):
    text = certified(setting)
    bound = float(Fraction(json.loads(text)["bound"]))
    value = solve(setting).value
    assert verify(text)
    assert value - SOLVER <= bound <= value + 1e-4


def test_nothing_is_certified_where_there_is_no_bound():
    with pytest.raises(ValueError, match="unbounded"):
        certified(pisa_setting("nonconvex", 4, sigma=3, rho=(0, 2), clients=2, metric="last_gradient"))
    with pytest.raises(ValueError, match="no decrease"):
        certified_decrease(round_of("lagrangian", sigma="8/5"))


def test_repair_solves_exactly_or_says_none():
    one, two = Fraction(1), Fraction(2)
    columns = [{"a": one, "b": -one}, {"b": two}, {"a": one}]
    solution = repaired(columns, [0.3, 0.15, 0.7], {"a": one}, digits=3)
    assert sum(c.get("a", 0) * y for c, y in zip(columns, solution, strict=True)) == 1
    assert sum(c.get("b", 0) * y for c, y in zip(columns, solution, strict=True)) == 0
    assert solution == pytest.approx([0.3, 0.15, 0.7], abs=1e-3)
    assert repaired([{"a": one}], [0.5], {"a": -one}, digits=3) is None


def test_regeneration_writes_what_the_checker_accepts(tmp_path, capsys, monkeypatch):
    from proofs_check.certified import catalogue, witnesses

    monkeypatch.setattr(catalogue, "THEOREMS", catalogue.THEOREMS[:2])
    monkeypatch.setattr(witnesses, "WITNESSES", {"rise-convex": WITNESSES["rise-convex"]})
    assert main([str(tmp_path)]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.parent.name for path in paths] == ["theorems", "theorems", "witnesses"]
    assert all(verify(path.read_text(encoding="utf-8")) for path in paths[:2])
    assert main(["--help"]) == 2


@pytest.mark.parametrize("name", WITNESSES)
def test_witnesses_show_what_they_are_kept_for(name):
    kept = witness(name)
    if "state" in kept:
        found = replayed_round(kept)
        assert found["rise"] == pytest.approx(kept["rise"], abs=1e-6)
        assert found["rise"] > 1e-3
    else:
        found = replayed(kept)
        assert found["gap"] == pytest.approx(1.0, abs=1e-6)
        assert found["attained"] == pytest.approx(found["value"], abs=1e-6)


def test_fresh_witnesses_are_attained():
    # Unequal ρ, two clients: F* is not read off the program there, only the ratio to its own gap.
    setting = pisa_setting("nonconvex", 3, sigma=3, rho=(0, 2), clients=2, warm=True)
    instance = json.loads(json.dumps(worst_function(solve(setting))))
    assert replayed(instance)["attained"] == pytest.approx(instance["value"], abs=1e-6)
    rising = json.loads(json.dumps(rising_round(round_of("lagrangian", "convex", sigma="7/5"))))
    assert replayed_round(rising)["rise"] == pytest.approx(
        steepest_rise(round_of("lagrangian", "convex", sigma="7/5")).rise
    )


def test_witnesses_that_cannot_be_had_say_why():
    with pytest.raises(ValueError, match=r"^question"):
        rising_round(round_of("lagrangian", sigma=2))
    with pytest.raises(ValueError, match=r"^question"):
        rising_round(round_of("residual", sigma=2, factor="1/2"))
    with pytest.raises(ValueError, match=r"^answer"):
        worst_function(solve(fedavg_setting("convex", 1)))
    with pytest.raises(ValueError, match=r"^name"):
        witness("absent")


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 2.0), (0.5, 1.5)])
def test_interpolant_passes_through_its_data_and_stays_in_its_class(low, high):
    rng = np.random.default_rng(3)
    hessian = _symmetric(rng, low, high)
    points = rng.standard_normal((5, 2))
    gradients, values = points @ hessian, np.sum(points @ hessian * points, axis=1) / 2
    assert violation(points, gradients, values, low=low, high=high) <= 1e-12
    data = (tuple(map(tuple, points)), tuple(map(tuple, gradients)), tuple(values))
    function = Interpolant(*data, low, high)
    for x, g, f in zip(points, gradients, values, strict=True):
        assert function.value(x) == pytest.approx(f, abs=1e-10)
        assert function.gradient(x) == pytest.approx(g, abs=1e-8)
    others = rng.standard_normal((12, 2)) * 3
    found = np.stack([function.gradient(x) for x in others])
    heights = np.array([function.value(x) for x in others])
    assert violation(others, found, heights, low=low, high=high) <= 1e-8
    # The largest of its class lies above the quadratic that made the data.
    assert np.all(heights >= np.sum(others @ hessian * others, axis=1) / 2 - 1e-9)
    shift = 1e-5 * np.array([1.0, -2.0])
    slope = (function.value(others[0] + shift) - function.value(others[0] - shift)) / 2
    assert slope == pytest.approx(float(function.gradient(others[0]) @ shift), abs=1e-9)


def test_violation_sees_data_that_no_function_has():
    points, gradients = np.array([[0.0], [1.0]]), np.array([[0.0], [3.0]])
    assert violation(points, gradients, np.array([0.0, 1.5]), low=-1.0, high=1.0) > 0.1


@pytest.mark.parametrize("claim", [*CERTIFICATE_CLAIMS, EDGE_CLAIM, *REFUTED_CLAIMS], ids=lambda claim: claim.name)
def test_claims_have_their_verdicts(claim):
    finding = claim.run(0, "quick")
    assert finding.as_expected, finding.evidence.detail
    if claim.trial is not None:
        assert float(claim.trial(finding.evidence.instance)["margin"]) == pytest.approx(finding.evidence.margin)


def test_solver_claims_have_their_verdicts_and_figure():
    claims = [claim for claim in CLAIMS_CERTIFIED if "clarabel" in claim.requires]
    assert len(claims) == 2
    for claim in claims:
        assert claim.run(0, "quick").as_expected
    figure = claims[1].run(0, "quick").evidence.figure
    assert {"title", "x_label", "y_label", "log", "curves"} <= set(figure)
    assert len({len(curve["x"]) for curve in figure["curves"]} | {len(curve["y"]) for curve in figure["curves"]}) == 1


def test_solver_claims_without_a_solver_are_inconclusive(monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "clarabel" else found(name))
    for claim in CLAIMS_CERTIFIED:
        verdict = claim.run(0, "quick").evidence.verdict if claim.requires == ("clarabel", "scipy") else None
        assert verdict in (None, Verdict.INCONCLUSIVE)


def test_certificates_need_no_solver(monkeypatch):
    monkeypatch.setattr(engine, "_clarabel", lambda *arguments: pytest.fail("the solver was called"))
    solve.cache_clear()
    assert CERTIFICATE_CLAIMS[0].run(0, "quick").evidence.verdict is Verdict.PROVED


def test_a_missing_or_foreign_certificate_is_inconclusive(monkeypatch, tmp_path):
    from proofs_check.certified import catalogue

    theorems = [theorem for theorem in catalogue.THEOREMS if theorem.claim == "B-warm-start"]
    other = next(theorem for theorem in catalogue.THEOREMS if theorem.claim == "B-nonconvex-kappa-2")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    assert "not accepted" in certificate_evidence(theorems).detail
    text = (Path(catalogue.__file__).parent / "theorems" / other.path.name).read_text(encoding="utf-8")
    for theorem in theorems:
        theorem.path.write_text(text, encoding="utf-8")
    evidence = certificate_evidence(theorems)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "another theorem" in evidence.detail


def test_claim_names_are_unique():
    names = [claim.name for claim in CLAIMS_CERTIFIED]
    assert len(names) == len(set(names))


def test_row_of_a_worst_case(tmp_path):
    path = tmp_path / "theorem.json"
    found = worst_case("convex", sigma="2", rounds=3, clients=2, certificate=path)
    assert list(found.row) == [
        "class", "clients", "rounds", "sigma", "rho", "gamma", "ridge", "value", "status", "seconds"
    ]  # fmt: skip
    assert found.row["value"] == pytest.approx(0.4, abs=SOLVER)
    assert json.loads(path.read_text(encoding="utf-8"))["parameters"]["weights"] == ["1/2", "1/2"]
    assert verify(path.read_text(encoding="utf-8"))
    unbounded = worst_case(rounds=4, sigma=3, rho=(0, 2), clients=2, metric="last_gradient")
    assert unbounded.row["status"] == "unbounded"
    assert unbounded.row["value"] is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("function_class", {"function_class": "smooth"}),
        ("rounds", {"rounds": 0}),
        ("clients", {"clients": 0}),
        ("sigma", {"sigma": 0}),
        ("sigma", {"sigma": (1, 2), "clients": 3}),
        ("gamma", {"gamma": "5/4"}),
        ("rho", {"rho": (0, 1), "clients": 3}),
        ("order", {"order": "never"}),
        ("metric", {"metric": "loss"}),
        ("initial", {"initial": "near"}),
        ("modulus", {"function_class": "strongly-convex"}),
        ("heterogeneity", {"heterogeneity": -1}),
    ],
)
def test_bad_requests_name_their_argument(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}"):
        worst_case(**arguments)


def test_bad_settings_name_their_argument():
    for name, fields in (
        ("weights", {"weights": (Fraction(1, 2),)}),
        ("penalties", {"penalties": ()}),
        ("penalties", {"penalties": ((Fraction(0),), (Fraction(1),))}),
        ("lipschitz", {"lipschitz": (Fraction(0),), "penalties": ((Fraction(1),),) * 2}),
    ):
        with pytest.raises(ValueError, match=f"^{name}"):
            Setting(**fields)
    with pytest.raises(ValueError, match=r"^curvature"):
        round_of("lagrangian", sigma=0)
    with pytest.raises(ValueError, match=r"^q_bound"):
        round_of("lagrangian", sigma=2, q_bound=-1)


def test_numbers_are_taken_by_their_decimal_digits():
    assert exact(0.1) == Fraction(1, 10)
    assert exact("3/4") == Fraction(3, 4)
    assert exact(2) == 2


def test_command_writes_row_and_certificate(tmp_path, capsys):
    command = pytest.importorskip("pisa_lab.cli.worst_case").command
    row, theorem = tmp_path / "row.json", tmp_path / "theorem.json"
    assert command("nonconvex", sigma="2", gamma="1", rounds=2, certificate=theorem, json_file=row) == 0
    assert json.loads(row.read_text(encoding="utf-8"))["value"] == pytest.approx(16 / 27, abs=SOLVER)
    assert verify(theorem.read_text(encoding="utf-8")) in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"^--sigma"):
        command(sigma="two")

"""The worst-case engine, its lemma, its certificates and its witnesses."""

import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest
from certified_cases import SOLVER

from proofs_check.certified import engine, inequalities
from proofs_check.certified.comparison import RATES
from proofs_check.certified.engine import solve, worst_case_value
from proofs_check.certified.lemma import applies, merge_clients
from proofs_check.certified.lemma_proof import merging_facts
from proofs_check.certified.setting import fedavg_setting, pisa_setting
from proofs_check.theory import gradient_descent_rate

CLASSES = ("nonconvex", "convex")


@pytest.mark.parametrize("function_class", CLASSES)
@pytest.mark.parametrize("kappa", [2, 4])
def test_values_are_the_closed_forms(function_class, kappa):
    for rounds in range(1, 11):
        for clients in (1, 2, 3):
            answer = worst_case_value(pisa_setting(function_class, rounds, sigma=kappa, clients=clients))
            assert answer.value == pytest.approx(RATES[function_class](rounds, kappa), abs=SOLVER)


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
    # MATHEMATICS.md#worst-cases and V6, to the digits printed there.
    assert worst_case_value(setting).value == pytest.approx(value, abs=0.5 * 10.0**-digits + SOLVER)


@pytest.mark.parametrize("function_class", CLASSES)
def test_fedavg_with_one_step_is_gradient_descent(function_class):
    for rounds in (1, 4, 9):
        answer = worst_case_value(fedavg_setting(function_class, rounds, clients=3))
        assert answer.value == pytest.approx(
            gradient_descent_rate(rounds, convex=function_class == "convex"), abs=SOLVER
        )


def test_fedavg_of_one_client_is_gradient_descent_seen_every_other_step():
    # Two local steps of one client are two steps of descent; the metric sees every second iterate, so it is no smaller.
    local = solve(fedavg_setting("convex", 2, local_steps=2)).value
    assert local >= gradient_descent_rate(4, convex=True) - SOLVER
    assert local <= gradient_descent_rate(2, convex=True) + SOLVER


def test_exact_admm_has_the_values_of_its_first_table():
    # Nonconvex, two clients, warm, σ = 2L; PEPit gives the same for N = 3 (slow test), and its first move is PISA's.
    values = [solve(pisa_setting("nonconvex", n, method="admm", clients=2, warm=True)).value for n in (1, 2, 3)]
    assert values[0] == pytest.approx(worst_case_value(pisa_setting("nonconvex", 1, warm=True)).value, abs=SOLVER)
    assert values[0] > values[1] > values[2] > worst_case_value(pisa_setting("nonconvex", 3, warm=True)).value


def test_the_program_of_exact_admm_with_one_client_is_exact(monkeypatch):
    # Its rows ask F ≥ inf F through gradient steps from the server's points alone; asking it from the clients' points
    # too makes the data those of a function with that infimum, and changes nothing.
    questions = [pisa_setting("nonconvex", n, method="admm", warm=True) for n in (2, 3, 4)]
    values = [solve(question).value for question in questions]
    assert values == pytest.approx([0.7997060, 0.6080473, 0.4922669], abs=SOLVER)
    plain = inequalities.Rows._lower

    def everywhere(self):
        yield from plain(self)
        for place in set(range(len(self.path.points[0]))) - set(self.path.iterates):
            value, quadratic = self.above(place)
            decrease = self.square(self.gradient(place)) / (2 * float(self.setting.smoothness))
            yield inequalities.Row("infimum", (place,), Fraction(0), value, quadratic - decrease)

    monkeypatch.setattr(inequalities.Rows, "_lower", everywhere)
    solve.cache_clear()
    assert [solve(question).value for question in questions] == pytest.approx(values, abs=SOLVER)
    solve.cache_clear()


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
    assert merge_clients(setting).clients == 1
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
    assert merge_clients(setting) is setting


@pytest.mark.slow
@pytest.mark.parametrize("function_class", CLASSES)
@pytest.mark.parametrize("clients", [2, 3])
def test_every_value_without_the_lemma(function_class, clients):
    for rounds in range(1, 11):
        lifted = worst_case_value(pisa_setting(function_class, rounds, clients=clients), lemma=False)
        assert lifted.status == "solved"
        assert lifted.value == pytest.approx(RATES[function_class](rounds, 2), abs=SOLVER)


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

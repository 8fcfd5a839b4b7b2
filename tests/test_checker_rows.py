"""The checker accepts what is proved, alone and with the standard library, and nothing that was changed."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.certified import checker
from proofs_check.certified.algorithms import trajectory
from proofs_check.certified.catalogue import THEOREMS
from proofs_check.certified.certificate import parameters_of
from proofs_check.certified.inequalities import Rows
from proofs_check.certified.one_step import Round, block
from proofs_check.certified.setting import fedavg_setting, pisa_setting


def _checker_names(setting, path):
    """Return the engine's names of basis vectors and values in the checker's words."""
    names = {"w0": "w0", "w*": "w*", "F*": "inf"}
    for client, points in enumerate(path.points):
        for place, point in enumerate(points):
            last = path.minimiser and place == len(points) - 1
            label = f"{client}*" if last else f"{client}.{place}"
            names[point.value] = f"f{label}"
            if len(point.gradient) == 1:
                names.setdefault(next(iter(point.gradient)), f"g{label}")
    return names


@pytest.mark.parametrize(
    "setting",
    [
        pisa_setting(
            "nonconvex", 2, gamma="3/4", order="after_solve", clients=2, rho=(0, 2), sigma=(1, 3), ridge="1/3"
        ),
        pisa_setting(
            "convex", 2, clients=2, rho=(1, 2), warm=True, ridge="1/5", metric="last_value", heterogeneity="2/3"
        ),
        pisa_setting("strongly-convex", 2, modulus="1/4", initial="distance", metric="last_gradient", lipschitz="3/2"),
        pisa_setting("strongly-convex", 1, modulus="1/4", clients=3, rho=(0, 1, 2), ridge="1/2", lipschitz=(1, 2, 3)),
        fedavg_setting("nonconvex", 2, step="1/3", local_steps=3, clients=2, ridge="1/7"),
        pisa_setting("nonconvex", 2, method="admm", clients=2, sigma=(2, 5)),
        pisa_setting("convex", 2, method="admm", clients=2, warm=True, ridge="1/2", initial="distance"),
    ],
    ids=["mixed", "warm", "strong", "three", "fedavg", "admm", "admm-warm"],
)
def test_engine_and_checker_build_the_same_rows(setting):
    # Two implementations that share no line: every row as a polynomial at random vectors and values.
    path = trajectory(setting)
    builder = Rows(setting, path)
    _, exact = checker.worst_case(checker.parsed(parameters_of(setting)), Fraction(1))
    names = _checker_names(setting, path)
    rng = np.random.default_rng(0)
    vectors = {names[name]: rng.standard_normal(3) for name in path.basis}
    frame = np.stack([vectors[names[name]] for name in path.basis])
    numbers = {name: float(rng.standard_normal()) for name in [*names.values(), "metric"]}
    vectors_there, numbers_there = dict(vectors), dict(numbers)
    ridge = float(setting.ridge)
    for name in [*vectors, *numbers]:  # at w* the checker's unknowns are those of F_i + λ‖·‖²/2
        if name.startswith("g") and name.endswith("*"):
            vectors_there[name] = vectors[name] + ridge * vectors["w*"]
        if name.startswith("f") and name.endswith("*"):
            numbers_there[name] = numbers[name] + ridge / 2 * float(vectors["w*"] @ vectors["w*"])

    def evaluated(polynomial):
        total = 0.0
        for key, value in polynomial.items():
            if isinstance(key, tuple):
                total += float(value) * float(vectors_there[key[0]] @ vectors_there[key[1]])
            else:
                total += float(value) * (1.0 if key == "" else numbers_there[key])
        return total

    rows = [*builder.metric(), *builder.constraints()]
    assert len(rows) > 4
    for row in rows:
        wanted = float(row.constant) + float(np.sum(row.quadratic * (frame @ frame.T)))
        wanted += sum(float(value) * numbers[names[name]] for name, value in row.values.items())
        wanted -= numbers["metric"] * (row.kind == "metric")
        # Both are sums of some hundred products of order one.
        assert evaluated(exact[row.kind](*row.index)) == pytest.approx(wanted, abs=1e-10), (row.kind, row.index)


@pytest.mark.parametrize("theorem", [t for t in THEOREMS if isinstance(t.question, Round)], ids=lambda t: t.name)
@pytest.mark.parametrize("mean", [0, 1])
def test_engine_and_checker_build_the_same_rounds(theorem, mean):
    question = theorem.question
    parameters = checker.parsed({**question.parameters, "factor": str(question.factor)})
    left, exact = checker.one_round(parameters, Fraction(1), mean)
    one = block(question, bool(mean))
    places = dict(zip(("g", "a", "h", "b", "d", "u", "e", "X"), range(8), strict=True))

    def matrix(polynomial):
        result = np.zeros((8, 8))
        for key, value in polynomial.items():
            if isinstance(key, tuple):
                result[places[key[0]], places[key[1]]] += float(value)
        return (result + result.T) / 2

    assert np.allclose(matrix(left), one.fall - one.goal, atol=1e-12)
    for name, quadratic in one.rows.items():
        kind, *index = name.split()
        assert np.allclose(matrix(exact[kind](*map(int, index))), quadratic, atol=1e-12), name

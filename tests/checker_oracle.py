"""The engine's rows in the checker's words: two implementations that share no line, compared as polynomials."""

from fractions import Fraction

import numpy as np

from proofs_check.certified import checker
from proofs_check.certified.algorithms import trajectory
from proofs_check.certified.catalogue import THEOREMS
from proofs_check.certified.certificate import parameters_of
from proofs_check.certified.inequalities import Rows
from proofs_check.certified.one_step import Round, block
from proofs_check.certified.setting import fedavg_setting, pisa_setting

ROUNDS = [theorem for theorem in THEOREMS if isinstance(theorem.question, Round)]
ROUNDING = 1e-10
"""Both sides are sums of some hundred products of order one."""

SETTINGS = {
    "mixed": pisa_setting(
        "nonconvex", 2, gamma="3/4", order="after_solve", clients=2, rho=(0, 2), sigma=(1, 3), ridge="1/3"
    ),
    "warm": pisa_setting(
        "convex", 2, clients=2, rho=(1, 2), warm=True, ridge="1/5", metric="last_value", heterogeneity="2/3"
    ),
    "strong": pisa_setting(
        "strongly-convex", 2, modulus="1/4", initial="distance", metric="last_gradient", lipschitz="3/2"
    ),
    "three": pisa_setting(
        "strongly-convex", 1, modulus="1/4", clients=3, rho=(0, 1, 2), ridge="1/2", lipschitz=(1, 2, 3)
    ),
    "fedavg": fedavg_setting("nonconvex", 2, step="1/3", local_steps=3, clients=2, ridge="1/7"),
    "admm": pisa_setting("nonconvex", 2, method="admm", clients=2, sigma=(2, 5)),
    "admm-warm": pisa_setting("convex", 2, method="admm", clients=2, warm=True, ridge="1/2", initial="distance"),
}


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


def run_distance(setting, module=checker):
    """Return how far a row of N rounds is from the engine's at random vectors and values, at most."""
    path = trajectory(setting)
    builder = Rows(setting, path)
    _, exact = module.identity(module.read_parameters(parameters_of(setting)), Fraction(1))
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
        if not {name for key in polynomial if isinstance(key, tuple) for name in key} <= vectors_there.keys():
            return np.inf  # a gradient that the engine never asks for
        total = 0.0
        for key, value in polynomial.items():
            if isinstance(key, tuple):
                total += float(value) * float(vectors_there[key[0]] @ vectors_there[key[1]])
            else:
                total += float(value) * (1.0 if key == "" else numbers_there[key])
        return total

    worst = 0.0
    for row in [*builder.metric(), *builder.constraints()]:
        wanted = float(row.constant) + float(np.sum(row.quadratic * (frame @ frame.T)))
        wanted += sum(float(value) * numbers[names[name]] for name, value in row.values.items())
        wanted -= numbers["metric"] * (row.kind == "metric")
        worst = max(worst, abs(evaluated(exact[row.kind](*row.index)) - wanted))
    return worst


def round_distance(theorem, mean, module=checker):
    """Return how far the left side or a row of one round is from the engine's, at most."""
    question = theorem.question
    left, exact = module.identity(module.read_parameters(question.parameters), Fraction(1), mean)
    one = block(question, bool(mean))
    lagrangian = ("∇F(w)", "∇F(w_i)", "∇F(new w)", "∇F(new w_i)", "d", "u", "new d", "w")
    residual = {"∇f(w)": 0, "∇f(new w)": 2, "r": 4, "u": 5}
    places = residual if question.potential == "residual" else dict(zip(lagrangian, range(8), strict=True))

    def matrix(polynomial):
        result = np.zeros((8, 8))
        for key, value in polynomial.items():
            if isinstance(key, tuple):
                result[places[key[0]], places[key[1]]] += float(value)
        return (result + result.T) / 2

    distances = [matrix(left) - one.fall + one.goal]
    for name, quadratic in one.rows.items():
        kind, *index = name.split()
        distances.append(matrix(exact[kind](*map(int, index))) - quadratic)
    return float(np.max(np.abs(distances)))

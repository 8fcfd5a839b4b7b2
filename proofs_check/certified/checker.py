"""Verify certificates of theorems on PISA with the Python standard library alone: ``python checker.py FILE…``.

A proof is one identity of polynomials in unknown function values and inner products of unknown vectors: left side =
Σ multiplier · row + ⟨S, Gram matrix⟩, multipliers > 0, rows ≥ 0 by the hypotheses, S positive semidefinite; so left
side ≥ 0. All but multipliers and bound is rebuilt from the parameters, in exact fractions; S is what the identity
leaves. The seal shows edits, it proves nothing. One line a file; exit status 1 if one is rejected, 2 if none is named.
"""

import hashlib
import json
import re
import sys
from fractions import Fraction
from functools import partial
from typing import Any

COMMON = "theorem curvature lipschitz ridge "
RUN, ROUND = COMMON + "weights rounds metric initial heterogeneity ", COMMON + "sigma q_bound "
FIELDS = {"pisa": RUN + "penalties warm rho order", "admm": RUN + "penalties warm", "fedavg": RUN + "step local_steps"}
FIELDS |= {"lagrangian": ROUND + "next_sigma order", "residual": ROUND + "factor"}
NUMBERS = {"ridge": "≥ 0", "sigma": "> 0", "next_sigma": "> 0", "q_bound": "≥ 0", "factor": "≥ 0", "step": "> 0"}
PER_CLIENT = {"curvature": "real", "lipschitz": "> 0", "weights": "> 0", "rho": "≥ 0", "penalties": "> 0"}
METHODS = {"pisa": "PISA with Q_i = I", "admm": "exact consensus ADMM", "fedavg": "FedAvg"}
METRICS = {"min_gradient": "min_{k≤N}‖∇F_λ(w^k)‖²", "last_gradient": "‖∇F_λ(w^N)‖²", "last_value": "F_λ(w^N) - inf F_λ"}
INITIALS = {"value": "F_λ(w^0) - inf F_λ ≤ 1", "distance": "‖w^0 - w*‖² ≤ 1 for a minimiser w* of F_λ"}
WORDS = {"theorem": FIELDS, "metric": METRICS, "initial": INITIALS, "order": ["before_solve", "after_solve"]}
LONGEST_RUN = 60


class Form(dict[Any, Fraction]):
    """A vector (unknown vector → coefficient) or polynomial ("", unknown number or pair of vectors → coefficient)."""

    def __add__(self, other: "Form") -> "Form":
        total = {key: self.get(key, Fraction(0)) + other.get(key, Fraction(0)) for key in {**self, **other}}
        return Form({key: value for key, value in total.items() if value})

    def __mul__(self, factor: Fraction | int) -> "Form":
        require(type(factor) in (Fraction, int), "a factor is no exact number")
        return Form({key: value * factor for key, value in self.items() if factor})

    def __sub__(self, other: "Form") -> "Form":
        return self + other * -1

    def __matmul__(self, other: "Form") -> "Form":
        return Form({(a, b): x * y for a, x in self.items() for b, y in other.items()})


Point = tuple[Form, Form, Form]  # of a function f, what is known at one point: x, ∇f(x), f(x)
Parameters = dict[str, Any]


def require(condition: Any, reason: str) -> None:
    """Raise ValueError with ``reason`` unless ``condition`` holds."""
    if not condition:
        raise ValueError(reason)


def unknown(name: str) -> Form:
    """Return an unknown vector or number; the one called "" is the number 1."""
    return Form({name: Fraction(1)})


def mean(weights: list[Fraction], forms: list[Form]) -> Form:
    """Return Σ weight · form."""
    return sum((form * weight for weight, form in zip(weights, forms, strict=True)), Form())


def read_object(pairs: list[tuple[str, Any]]) -> Parameters:
    """Return a JSON object that names no key twice."""
    require(len(dict(pairs)) == len(pairs), "a key occurs twice")
    return dict(pairs)


def read_fraction(name: str, value: Any, domain: str) -> Fraction:
    """Return the text 'p' or 'p/q' as a fraction of the domain "real", "≥ 0" or "> 0"."""
    written = type(value) is str and re.fullmatch(r"-?[0-9]{1,400}(/[1-9][0-9]{0,399})?", value)
    require(written and str(Fraction(value)) == value, f"{name}: not a fraction as a text in lowest terms")
    require(domain == "real" or Fraction(value) > 0 or (domain == "≥ 0" and value == "0"), f"{name}: must be {domain}")
    return Fraction(value)


def read_field(name: str, value: Any, clients: int, rounds: int = 0) -> Any:
    """Return one parameter; type, length and domain are exact, whether the proof uses it or not."""
    if name in NUMBERS or (name == "heterogeneity" and value is not None):
        return read_fraction(name, value, NUMBERS.get(name, "≥ 0"))
    if name in PER_CLIENT:
        table = name == "penalties" and rounds > 0  # a row for each of σ^0, …, σ^N
        require(type(value) is list and len(value) == (rounds + 1 if table else clients), f"{name}: another length")
        return [read_field(name, x, clients) if table else read_fraction(name, x, PER_CLIENT[name]) for x in value]
    if name in WORDS:
        require(type(value) is str and value in WORDS[name], f"{name}: not one of {', '.join(WORDS[name])}")
    elif name in ("rounds", "local_steps"):
        require(type(value) is int and 1 <= value <= LONGEST_RUN, f"{name}: not an integer from 1 to {LONGEST_RUN}")
    require(name != "warm" or type(value) is bool, "warm: neither true nor false")
    return value


def read_parameters(given: Any) -> Parameters:
    """Return the parameters, every number a Fraction but the counts ``rounds`` and ``local_steps``."""
    names = FIELDS[read_field("theorem", given["theorem"], 1)].split()
    require(given.keys() == set(names), "parameters: not the names of the theorem")
    clients, rounds = len(given.get("weights", ["1"])), read_field("rounds", given.get("rounds", 1), 1)
    p = {name: read_field(name, value, clients, rounds) for name, value in given.items()}
    require(sum(p.get("weights", [1])) == 1, "weights: must sum to 1")
    require(all(map(Fraction.__lt__, p["curvature"], p["lipschitz"])), "curvature: must be < lipschitz")
    require(rounds * p.get("local_steps", 1) <= LONGEST_RUN, "local_steps: too long a run")
    require("next_sigma" not in p or p["next_sigma"] >= p["sigma"], "next_sigma: must be ≥ sigma")
    return p


class Run:
    """N rounds of a method from w^0: per client the points of f_i = F_i + λ‖·‖²/2, w* last, and the rows they give."""

    def __init__(self, p: Parameters) -> None:
        clients = range(len(p["weights"]))
        self.p, self.weights, self.ridge = p, list[Fraction](p["weights"]), Fraction(p["ridge"])
        self.points: list[list[Point]] = [[] for _ in clients]
        self.places: list[int] = []  # of w^0, …, w^N among the points
        w = unknown("w0") if p["ridge"] else Form()  # without a ridge only differences of points matter
        gradients, multipliers = [Form() for _ in clients], [Form() for _ in clients]
        for k in range(p["rounds"] + 1):
            if k > 0:
                w = self.fedavg(w, gradients) if p["theorem"] == "fedavg" else self.admm(k, w, gradients, multipliers)
            self.places.append(len(self.points[0]))
            gradients = [self.observe(i, w) for i in clients]
            multipliers = multipliers if k > 0 or not p.get("warm") else [g * -1 for g in gradients]
        ends = [unknown(f"g{i}*") for i in clients[:-1]]  # Σα_i∇f_i(w*) = 0; coercive f_i through the data exist
        ends.append(mean(self.weights[:-1], ends) * (-1 / self.weights[-1]))
        for i in clients:
            self.points[i].append((unknown("w*"), ends[i], unknown(f"f{i}*")))
        total = [[mean(self.weights, [*x]) for x in zip(*at, strict=True)] for at in zip(*self.points, strict=True)]
        self.objective = [total[place] for place in self.places]  # (w^k, ∇F_λ(w^k), F_λ(w^k)), F_λ = Σα_if_i
        minimiser = p["initial"] == "distance" or min(p["curvature"]) > 0
        self.least = total[-1][2] if minimiser else unknown("inf")

    def observe(self, client: int, start: Form, step: Fraction | int = 0) -> Form:
        """Return ∇F_i, a new unknown, at x = start − step·∇F_i(x); note f_i's point."""
        gradient, value = (unknown(f"{letter}{client}.{len(self.points[client])}") for letter in "gf")
        x = start - gradient * step
        self.points[client].append((x, gradient + x * self.ridge, value + x @ x * (self.ridge / 2)))
        return gradient

    def fedavg(self, w: Form, gradients: list[Form]) -> Form:
        """Return FedAvg's next iterate, the mean of the clients' ends of ``local_steps`` gradient steps on f_i."""
        ends = [w - (gradient + w * self.ridge) * self.p["step"] for gradient in gradients]
        for _ in range(self.p["local_steps"] - 1):
            ends = [x - (self.observe(i, x) + x * self.ridge) * self.p["step"] for i, x in enumerate(ends)]
        return mean(self.weights, ends)

    def admm(self, k: int, w: Form, gradients: list[Form], multipliers: list[Form]) -> Form:
        """Return w^k of PISA or exact ADMM, clients before server; the ``multipliers`` π_i are renewed."""
        server, pulls = self.p["penalties"][k], []
        solve = self.p["penalties"][k - 1] if self.p.get("order") == "after_solve" else server
        for i, old in enumerate(multipliers):
            if self.p["theorem"] == "pisa":  # π_i + σ_id_i with (σ_i + ρ_i)d_i = −(π_i + ∇F_i(w))
                multipliers[i] = old - (old + gradients[i]) * (solve[i] / (solve[i] + self.p["rho"][i]))
            elif k > 1 or not self.p["warm"]:  # −∇F_i(w_i) at w_i = w − (π_i + ∇F_i(w_i))/σ_i; warm: w_i = w^0
                multipliers[i] = self.observe(i, w - old * (1 / solve[i]), 1 / solve[i]) * -1
            pulls.append((multipliers[i] - old) * (server[i] / solve[i]) + multipliers[i])  # σ_i(w_i − w) + π_i
        total = self.ridge + sum(map(Fraction.__mul__, self.weights, server))
        return w + (mean(self.weights, pulls) - w * self.ridge) * (1 / total)

    def metric(self, k: int) -> Form:
        """Return one of the numbers of which the metric is the least, less the metric."""
        _, gradient, value = (self.objective if self.p["metric"] == "min_gradient" else self.objective[-1:])[k]
        return (value - self.least if self.p["metric"] == "last_value" else gradient @ gradient) - unknown("metric")

    def initial(self) -> Form:
        """Return 1 − ‖w^0 − w*‖² or 1 − (F_λ(w^0) − inf F_λ)."""
        away, gap = self.objective[0][0] - unknown("w*"), self.objective[0][2] - self.least
        return unknown("") - (away @ away if self.p["initial"] == "distance" else gap)

    def infimum(self, k: int) -> Form:
        """Return F_λ(w^k) − ‖∇F_λ(w^k)‖²/(2(Σα_iL_i + λ)) − inf F_λ: a gradient step stays above the infimum."""
        _, gradient, value = self.objective[k]
        smoothness = self.ridge + sum(map(Fraction.__mul__, self.weights, self.p["lipschitz"]))
        return value - gradient @ gradient * (1 / (2 * smoothness)) - self.least

    def heterogeneity(self, k: int) -> Form:
        """Return ζ² − Σα_i‖∇F_i(w^k) − ∇F(w^k)‖²; only a theorem that supposes a ζ² has this row."""
        require(self.p["heterogeneity"] is not None, "multipliers: no hypothesis bounds the heterogeneity")
        away = [f[self.places[k]][1] - self.objective[k][1] for f in self.points]
        return unknown("") * Fraction(self.p["heterogeneity"]) - mean(self.weights, [x @ x for x in away])


def interpolation(p: Point, q: Point, low: Fraction, high: Fraction) -> Form:
    """Return what is ≥ 0 at two points of a function with curvature in [low, high] (Taylor et al. 2017, theorem 4)."""
    x, g = p[0] - q[0], p[1] - q[1]
    return p[2] - q[2] - q[1] @ x - (g @ g + x @ x * (low * high) - g @ x * (2 * low)) * (1 / (2 * (high - low)))


def lagrangian(p: Parameters, part: int) -> tuple[Form, Form, list[Point], list[Form]]:
    """Return fall, ∇F_λ(new w), points and sectors of the augmented Lagrangian: server, then clients."""
    sigma, later, q, ridge = p["sigma"], p["next_sigma"], p["q_bound"], p["ridge"]
    solve = later if p["order"] == "before_solve" else sigma
    slopes = [unknown(name) for name in ("∇F(w)", "∇F(w_i)", "∇F(new w)", "∇F(new w_i)")]
    values = [unknown(name) for name in ("F(w)", "F(w_i)", "F(new w)", "F(new w_i)")]
    w, d, u = unknown("w") * part, unknown("d"), unknown("u") if q else Form()  # d = w_i − w, u = ρ_iQ_id
    pi = (slopes[0] + u) * -1
    w_new = w + (d * sigma + pi - w * ridge) * (part / (sigma + ridge))
    d_new = unknown("new d") if q else (slopes[0] - slopes[2]) * (1 / solve)
    pi_new = pi + d_new * solve
    u_new = (slopes[2] + pi_new) * -1
    before = values[1] + pi @ d + d @ d * (sigma / 2) + w @ w * (ridge / 2)
    after = values[3] + pi_new @ d_new + d_new @ d_new * (later / 2) + w_new @ w_new * (ridge / 2)
    points = list(zip((w, w + d, w_new, w_new + d_new), slopes, values, strict=True))
    sectors = [u @ (d * q - u), u_new @ (d_new * q - u_new)]  # 0 ⪯ ρ_iQ_i ⪯ q, in the old and in the new round
    return before - after, (slopes[2] + w_new * ridge) * part, points, sectors


def residual(p: Parameters, part: int) -> tuple[Form, Form, list[Point], list[Form]]:
    """Return fall, ∇F_λ(w), points and sector of F_λ + (factor/σ)Σα_i‖r_i‖², r_i = ∇F_i + π_i: clients, then server."""
    sigma, q, g, g_new, r = p["sigma"], p["q_bound"], *map(unknown, ("∇f(w)", "∇f(new w)", "r"))
    u = unknown("u") if q else r  # σ(σ + ρ_iQ_i)⁻¹r, between σ/(σ + q) and 1 times r
    move = (r - g - u * 2) * (part / (sigma + p["ridge"]))
    r_new = r - u + g_new - g - move * p["ridge"]
    points = [(Form(), g, unknown("f(w)")), (move, g_new, unknown("f(new w)"))]
    fall = points[0][2] - points[1][2] + (r @ r - r_new @ r_new) * (p["factor"] / sigma)
    return fall, g * part, points, [(u * (sigma + q) - r * sigma) @ (r - u)]


def identity(p: Parameters, bound: Fraction, part: int = 1) -> tuple[Form, dict[str, Any]]:
    """Return the left side and the rows by kind; of a round for the clients' means (part 1) or the deviations (0).

    No product mixes means and deviations; both, with the same multipliers, speak of any number of clients.
    """
    shift = Fraction(0) if p["theorem"] == "lagrangian" else p["ridge"]  # points of F_i there, of f_i elsewhere
    low, high = [x + shift for x in p["curvature"]], [x + shift for x in p["lipschitz"]]
    if p["theorem"] in METHODS:
        run = Run(p)
        rows: dict[str, Any] = {row.__name__: row for row in (run.metric, run.initial, run.infimum, run.heterogeneity)}
        rows["interpolation"] = lambda i, j, k: interpolation(run.points[i][j], run.points[i][k], low[i], high[i])
        return unknown("") * bound - unknown("metric"), rows
    fall, goal, points, sectors = (lagrangian if p["theorem"] == "lagrangian" else residual)(p, part)
    rows = {"interpolation": lambda j, k: interpolation(points[j], points[k], low[0], high[0])}
    return fall - goal @ goal * bound, rows | {"sector": lambda j: sectors[j]}


def statement(p: Parameters, bound: Fraction) -> str:
    """Return the theorem in words and symbols, made of checked values alone."""
    many = ", for any number of clients, any weights and any symmetric Q_i, new in each round, 0 ⪯ ρ_iQ_i ⪯ q_bound"
    if p["theorem"] == "lagrangian":
        claim = "A round of PISA, server first, from any state with π_i = -∇F_i(w) - ρ_iQ_i(w_i - w), lowers Σα_i(F_i("
        claim += f"w_i) + ⟨π_i, w_i - w⟩ + σ‖w_i - w‖²/2) + λ‖w‖²/2 by at least {bound}·‖∇F_λ(new w)‖²{many}"
    elif p["theorem"] == "residual":
        claim = "A round of PISA, clients first, from any w and π_i, lowers F_λ(w) + (factor/σ)Σα_i‖∇F_i(w) + π_i‖² by "
        claim += f"at least {bound}·‖∇F_λ(old w)‖²{many}"
    else:
        zeta = "" if p["heterogeneity"] is None else " and Σα_i‖∇F_i(w^k) - ∇F(w^k)‖² ≤ heterogeneity at every w^k"
        claim = f"N rounds of {METHODS[p['theorem']]}, first gradients at w^0, π_i first -∇F_i(w^0) if warm, else 0: "
        claim += f"if {INITIALS[p['initial']]}{zeta}, then {METRICS[p['metric']]} ≤ {bound}"
    given = json.dumps(p, default=str, sort_keys=True).replace('"', "")
    claim += f". Here {given}; F_λ = Σα_iF_i + λ‖·‖²/2, α = weights, λ = ridge, N = rounds, every F_i has curvature in "
    claim += "[curvature, lipschitz] ([-L, L]: L-smooth); σ is penalties, or sigma and then next_sigma, and changes "
    return claim + f"{p.get('order', 'before_solve').removesuffix('_solve')} the clients' solve"


def is_sum_of_squares(polynomial: Form) -> bool:
    """Return whether products alone are left, and their matrix S is positive semidefinite (by LDLᵀ)."""
    if not all(isinstance(key, tuple) for key in polynomial):
        return False
    zero, names = Fraction(0), sorted({name for pair in polynomial for name in pair})  # an int 0 / 1 were a float
    matrix = [[polynomial.get((a, b), zero) + polynomial.get((b, a), zero) for a in names] for b in names]
    for k, row in enumerate(matrix):
        if row[k] < 0 or (row[k] == 0 and any(row[k:])):
            return False
        for other in matrix[k + 1 :]:
            other[k:] = [x - other[k] / (row[k] or 1) * y for x, y in zip(other[k:], row[k:], strict=True)]
    return True


def verify(text: str) -> str:
    """Return the theorem that the certificate ``text`` proves; an exception says why it proves none."""
    refuse = partial(require, False)  # a JSON number that is no integer, NaN, ±Infinity
    file = json.loads(text, parse_float=refuse, parse_constant=refuse, object_pairs_hook=read_object)
    body = json.dumps([file[key] for key in ("parameters", "bound", "multipliers", "statement")], ensure_ascii=False)
    require(len(file) == 5 and file["seal"] == hashlib.sha256(body.encode()).hexdigest(), "seal: edited after writing")
    p, bound = read_parameters(file["parameters"]), read_fraction("bound", file["bound"], "≥ 0")
    require(file["statement"] == statement(p, bound), "statement: not that of the parameters and the bound")
    multipliers = {name: read_fraction("multipliers", value, "> 0") for name, value in file["multipliers"].items()}
    for part in (1, 0) if "sigma" in p else (1,):
        left, rows = identity(p, bound, part)
        for name, multiplier in multipliers.items():
            require(re.fullmatch(r"[a-z]+( (0|[1-9][0-9]{0,2}))*", name), "multipliers: a name that no row has")
            kind, *index = name.split(" ")
            left -= rows[kind](*map(int, index)) * multiplier
        require(is_sum_of_squares(left), "identity: what it leaves is no sum of squares")
    return statement(p, bound)


if __name__ == "__main__":
    failed = 0
    for path in sys.argv[1:]:
        try:
            with open(path, "rb") as file:
                line = f"PROVED {path!a}: {verify(file.read().decode())}"
        except Exception as error:
            failed, line = 1, f"REJECTED {path!a:.200}: {error!a:.200}"
        print(line.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding))
    sys.exit(failed if sys.argv[1:] else print("usage: python checker.py FILE…", file=sys.stderr) or 2)

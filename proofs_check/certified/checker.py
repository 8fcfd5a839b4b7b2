# fmt: off
# ruff: noqa: D209, E401, E501, I001 (dense, so that a sceptic reads it in one sitting)
"""Verify certificates of theorems on PISA with the Python standard library alone: ``python checker.py FILE…``.

A proof is one identity of polynomials in unknown function values and inner products of unknown vectors: left side =
Σ multiplier · row + ⟨S, Gram matrix⟩, multipliers > 0, rows ≥ 0 by the hypotheses, S ⪰ 0; so left side ≥ 0. All but multipliers
and bound is rebuilt from the parameters; S is what the identity leaves. The seal shows edits; it proves nothing."""
import hashlib, json, re, sys
from fractions import Fraction
from pathlib import Path
from typing import Any

RUN, ONE = "curvature lipschitz ridge weights rounds metric initial heterogeneity ", "curvature lipschitz ridge sigma q_bound "
FIELDS = {"pisa": RUN + "penalties warm rho order", "admm": RUN + "penalties warm", "fedavg": RUN + "step local_steps",
          "lagrangian": ONE + "order next_sigma", "residual": ONE + "factor"}
WORDS = {"if value": "F_λ(w^0) - inf F_λ ≤ 1", "if distance": "‖w^0 - w*‖² ≤ 1, w* a minimiser of F_λ", "last_gradient": "‖∇F_λ(w^N)‖²",
         "min_gradient": "min_{0≤k≤N} ‖∇F_λ(w^k)‖²", "last_value": "F_λ(w^N) - inf F_λ", "pisa": "PISA with Q_i = I",
         "admm": "Exact consensus ADMM", "fedavg": "FedAvg (one local step: gradient descent)", "order before_solve": "before", "order after_solve": "after",
         "lagrangian": "server then clients, from any state with π_i = -∇F_i(w) - ρ_iQ_i(w_i - w), lowers the augmented Lagrangian by",
         "residual": "clients then server, from any w and π_i, lowers F_λ(w) + (factor/σ)Σα_i‖∇F_i(w) + π_i‖², w the old one in ∇F_λ, by"}
class Vector(dict[Any, Any]):
    """A combination, name → coefficient; u @ v is the polynomial with the name (a, b) for the product ⟨a, b⟩."""
    def __add__(self, other: "Vector") -> "Vector":
        return Vector({k: v for k in {**self, **other} if (v := self.get(k, 0) + other.get(k, 0))})
    def __mul__(self, factor: Any) -> "Vector":
        return Vector({k: v * factor for k, v in self.items() if factor})
    def __sub__(self, other: "Vector") -> "Vector":
        return self + other * -1
    def __matmul__(self, other: "Vector") -> "Vector":
        return Vector({(a, b): x * y for a, x in self.items() for b, y in other.items()})
def _require(condition: Any, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
def _mean(weights: Any, vectors: Any) -> Any:
    return sum((v * a for a, v in zip(weights, vectors, strict=True)), Vector())
def parsed(value: Any) -> Any:
    """Return JSON with its texts 'p/q', in lowest terms, as fractions."""
    if isinstance(value, list | dict):
        return [*map(parsed, value)] if isinstance(value, list) else {k: parsed(v) for k, v in value.items()}
    number = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,400}(/[0-9]{1,400})?", value)
    _require(not number or str(Fraction(value)) == value, f"{value!s:.30} is not in lowest terms")
    return Fraction(value) if number else value
def interpolation(p: Any, q: Any, low: Fraction, high: Fraction) -> Any:
    """Return what is ≥ 0 at points (x, ∇f, f) if f has curvature in [low, high] (Taylor et al. 2017, theorem 4)."""
    _require(low < high > 0, "curvature: must be < lipschitz, and lipschitz > 0")
    x, g = p[0] - q[0], p[1] - q[1]
    return p[2] - q[2] - q[1] @ x - (g @ g + x @ x * (low * high) - g @ x * (2 * low)) * (1 / (2 * (high - low)))

def unroll(p: Any, alpha: list[Fraction], ridge: Fraction) -> tuple[list[list[Any]], list[int]]:
    """Return each client's points (x, ∇f, f) of f = F_i + λ‖·‖²/2, w* last, and the places of w^0, …, w^N among them."""
    w, places, points = Vector({"w0": 1} if ridge else {}), [0], [list[Any]() for _ in alpha]
    def look(i: int, y: Vector, scale: Any = 0) -> Vector:
        g, f = (Vector({f"{letter}{i}.{len(points[i])}": 1}) for letter in "gf")
        points[i].append(((x := y - g * scale), g + x * ridge, f + x @ x * (ridge / 2)))  # g is ∇F_i at x, implicit if scale > 0
        return g
    g = [look(i, w) for i in range(len(alpha))]
    pi = [x * (-1 if p.get("warm") else 0) for x in g]
    for k in range(1, p["rounds"] + 1):
        ends, row = [], p.get("penalties", [alpha] * (k + 1))
        for i, (server, old) in enumerate(zip(row[k], pi, strict=True)):
            client, x = row[k - 1][i] if p.get("order") == "after_solve" else server, w
            if p["theorem"] == "pisa":
                pi[i] = old - (old + g[i]) * (client / (client + p["rho"][i]))
            elif p["theorem"] == "admm" and (k > 1 or not p["warm"]):  # exact; after a warm start w_i = w^0 is
                pi[i] = look(i, w - old * (1 / client), 1 / client) * -1
            for step in range(p.get("local_steps", 0)):
                x = x * (1 - p["step"] * ridge) - (look(i, x) if step else g[i]) * p["step"]
            ends.append(x if "step" in p else (pi[i] - old) * (server / client) + pi[i])  # σ_i(w_i - w) + π_i
        w = _mean(alpha, ends) if "step" in p else w + (_mean(alpha, ends) - w * ridge) * (1 / (ridge + sum(map(Fraction.__mul__, alpha, row[k]))))
        places.append(len(points[0]))
        g = [look(i, w) for i in range(len(alpha))]
    star = [Vector({f"g{i}*": 1}) for i in range(len(alpha) - 1)]
    for i, last in enumerate([*star, _mean(alpha[:-1], star) * (-1 / alpha[-1])]):
        points[i].append((Vector({"w*": 1}), last, Vector({f"f{i}*": 1})))
    return points, places

def worst_case(p: Any, bound: Fraction) -> tuple[Vector, dict[str, Any]]:
    """Return the identity of a bound on N rounds: the left side and the rows by kind; "metric" stands for the metric."""
    alpha, low, high, ridge = p["weights"], p["curvature"], p["lipschitz"], p["ridge"]
    _require(sum(alpha) == 1 and min(alpha) > 0 and len(low) == len(high) == len(alpha) and p.get("warm", 0) in (0, 1), "weights or warm")
    _require(len(p.get("penalties", ())) in (0, p["rounds"] + 1) and 1 <= p["rounds"] * p.get("local_steps", 1) <= 60, "rounds")
    (points, places), one, metric = unroll(p, alpha, ridge), Vector({"": 1}), Vector({"metric": 1})
    total = [[_mean(alpha, part) for part in zip(*at, strict=True)] for at in zip(*points, strict=True)]
    least = total[-1][2] if p["initial"] == "distance" or min(low) > 0 else Vector({"inf": 1})
    at, away, top = [total[k] for k in places], total[0][0] - total[-1][0], 2 * (ridge + sum(map(Fraction.__mul__, alpha, high)))
    below, square = [x[2] - least for x in at], [x[1] @ x[1] for x in at]
    return one * bound - metric, {
        "metric": lambda k: {"last_value": below[-1:], "last_gradient": square[-1:], "min_gradient": square}[p["metric"]][k] - metric,
        "initial": lambda: one - (away @ away if p["initial"] == "distance" else below[0]),
        "infimum": lambda k: below[k] - square[k] * (1 / top),
        "heterogeneity": lambda k: one * p["heterogeneity"] - _mean(alpha, [(o[places[k]][1] - at[k][1]) @ (o[places[k]][1] - at[k][1]) for o in points]),
        "interpolation": lambda i, j, k: interpolation(points[i][j], points[i][k], low[i] + ridge, high[i] + ridge)}

def one_round(p: Any, bound: Fraction, mean: int) -> tuple[Vector, dict[str, Any]]:
    """Return the identity of a decrease: for the clients' mean vectors (1), and their deviations, that leave w alone (0)."""
    s, t, q, ridge, (low,), (high,) = p["sigma"], p.get("next_sigma"), p["q_bound"], p["ridge"], p["curvature"], p["lipschitz"]
    g, a, h, b, d, u, e, x, fg, fa, fh, fb = (Vector({name: 1}) for name in "gahbdueXGAHB")
    x, share = x * mean, mean / (s + ridge)
    if p["theorem"] == "lagrangian":  # ∇F_i: g at w = x, a at w_i = w + d, then h, b; π = -g - u, u = ρQd; e: the new d
        client = t if p["order"] == "before_solve" else s
        u, e, pi = u * (q > 0), e if q else (g - h) * (1 / client), (g + u * (q > 0)) * -1
        move, new, sectors = (d * s + pi - x * ridge) * share, pi + e * client, [u @ (d * q - u)]
        points = [(x * 0, g, fg), (d, a, fa), (move, h, fh), (move + e, b, fb)]
        left, sectors = fa + pi @ d + d @ d * (s / 2) + x @ x * (ridge / 2), [*sectors, (h + new) @ (e * q + h + new) * -1]
        left, goal = left - fb - new @ e - e @ e * (t / 2) - (x + move) @ (x + move) * (ridge / 2), (h + (x + move) * ridge) * mean
    else:  # f = F_i + λ‖·‖²/2, g = ∇f, d = ∇F_i + π_i, u = Md with s/(s + q) ⪯ M ⪯ 1; h = ∇f after the round
        u, low, high, move = u if q else d, low + ridge, high + ridge, (d - g - (u if q else d) * 2) * share
        new, points, goal = d - u + h - g - move * ridge, [(x * 0, g, fg), (move, h, fh)], g * mean
        left, sectors = fg - fh + (d @ d - new @ new) * (p["factor"] / s), [(u * (s + q) - d * s) @ (d - u)]
    rows = {"interpolation": lambda j, k: interpolation(points[j], points[k], low, high), "sector": lambda j: sectors[j]}
    return left - goal @ goal * bound, rows
def statement(p: Any, bound: Fraction) -> str:
    """Return the theorem in words and symbols."""
    given, name = json.dumps(p, default=str, ensure_ascii=False, sort_keys=True).replace('"', ""), WORDS[p["theorem"]]
    zeta = "" if p.get("heterogeneity") is None else f" and Σα_i‖∇F_i(w^k) - ∇F(w^k)‖² ≤ {p['heterogeneity']} at every w^k"
    claim = (f"One round of PISA, {name} at least {bound}·‖∇F_λ(w)‖², for any number of clients, any symmetric Q_i, 0 ⪯ ρ_iQ_i ⪯ q_bound" if "sigma"
             in p else f"{name}, N = rounds, first gradient at w^0: if {WORDS['if ' + p['initial']]}{zeta}, then {WORDS[p['metric']]} ≤ {bound}")
    return (f"{claim}. Here {given}; F_λ = Σα_iF_i + λ‖·‖²/2, λ = ridge, α = weights; F_i has curvature in [curvature_i, lipschitz_i] ([-L, L]: "
            "L-smooth); π_i starts at -∇F_i(w^0) if warm, else at 0; σ runs through penalties, or sigma and next_sigma, and changes "
            f"{WORDS['order ' + p.get('order', 'before_solve')]} the clients' solve.")

def verify(text: str) -> str:
    """Return the theorem that the certificate ``text`` proves; an error says why it proves none."""
    file = json.loads(text, parse_float=str, object_pairs_hook=lambda x: dict(x) if len(dict(x)) == len(x) else _require(0, "a key twice"))
    body = json.dumps([file[key] for key in ("parameters", "bound", "multipliers", "statement")], ensure_ascii=False)
    _require(len(file) == 5 and file["seal"] == hashlib.sha256(body.encode()).hexdigest(), "seal: edited after writing")
    p, y, bound = parsed(file["parameters"]), parsed(file["multipliers"]), parsed(file["bound"])
    _require(p.keys() == {"theorem", *FIELDS[p["theorem"]].split()}, "parameters: other names than the theorem's")
    _require(file["statement"] == statement(p, bound), f"statement: should read {statement(p, bound)}")
    for left, rows in [one_round(p, bound, 1), one_round(p, bound, 0)] if "sigma" in p else [worst_case(p, bound)]:
        for name, value in y.items():
            row = rows[name.split()[0]](*map(int, name.split()[1:]))
            _require(row and value > 0 and re.fullmatch(r"[a-z]+( (0|[1-9][0-9]?))*", name), f"multipliers: {name} {value}")
            left -= row * value
        _require(all(isinstance(key, tuple) for key in left), "the linear part of the identity fails")
        names = sorted({name for key in left for name in key})
        square = [[left.get((a, b), 0) + left.get((b, a), 0) for a in names] for b in names]
        for k, line in enumerate(square):  # LDLᵀ: pivots ≥ 0, and a zero pivot has a zero row
            _require(line[k] > 0 or not any(line[k:]), "S is not positive semidefinite")
            for other in square[k + 1 :]:
                other[k:] = [x - other[k] / (line[k] or 1) * y for x, y in zip(other[k:], line[k:], strict=True)]
    return statement(p, bound)

if __name__ == "__main__":
    for path in sys.argv[1:] or sys.exit("usage: python checker.py FILE…"):
        try:
            print(f"{path}: PROVED. {verify(Path(path).read_text(encoding='utf-8'))}")
        except Exception as error:
            sys.exit(f"{path}: REJECTED. {error!r:.300}")

"""The merging lemma as algebra: two clients with equal σ, ρ may be replaced by one, so by induction m by one."""

import functools
import importlib
from typing import Any

from proofs_check.certified.facts import facts_evidence
from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.symbolic.algebra import same

Facts = list[tuple[str, bool]]
MULTIPLIER = "the merged client's new multiplier is the mean of the two"
DEVIATION = "the merged client's new deviation is the mean of the two"
CONCLUSION = (
    "a run of m clients is one of m − 1 with the two merged, its functions lie in the merged class, and every function "
    "of that class is such a mean: so by induction over m the worst cases are equal"
)


@functools.lru_cache
def merging_facts(*, equal_rho: bool = True) -> tuple[tuple[str, bool], ...]:
    r"""Return the named facts of the proof and whether each holds; SymPy decides them identically in every symbol.

    Two clients of weights a, b become one of weight a + b with the weighted means of $\pi$, $d$ and $g$; "rest" stands
    for all other clients. ``equal_rho=False`` gives the clients different ρ: then the client step does not merge, and
    the facts about it fail.

    Source: MATHEMATICS.md#I5; derived.
    """
    return (*_steps(equal_rho), *_unequal_penalties(), *_classes())


def _steps(equal_rho: bool) -> Facts:
    """Return that server step, client step and start commute with merging when σ and ρ are equal."""
    sympy = importlib.import_module("sympy")
    a, b, s, t, ridge, weight = sympy.symbols("a b sigma tau lambda weight", positive=True)
    w, rest = sympy.symbols("w rest", real=True)
    rho = sympy.symbols("rho", nonnegative=True)
    other = rho if equal_rho else sympy.symbols("rho_2", nonnegative=True)
    clients = [sympy.symbols(f"pi{i} d{i} g{i}", real=True) for i in (1, 2)]
    merged = [(a * x + b * y) / (a + b) for x, y in zip(*clients, strict=True)]

    def client_step(state: Any, weight_of_q: Any) -> tuple[Any, Any]:
        deviation = -(state[0] + state[2]) / (s + weight_of_q)
        return state[0] + s * deviation, deviation

    def server(parts: list[tuple[Any, Any]]) -> Any:
        pull = sum(share * (t * x[1] + x[0]) for share, x in parts) + rest - ridge * w
        return w + pull / (t * (sum(share for share, _ in parts) + weight) + ridge)

    stepped = [client_step(state, r) for state, r in zip(clients, (rho, other), strict=True)]
    mean = [(a * x + b * y) / (a + b) for x, y in zip(*stepped, strict=True)]
    joint = client_step(merged, rho)
    split = server([(a, clients[0]), (b, clients[1])])
    warm = (a * -clients[0][2] + b * -clients[1][2]) / (a + b)
    return [
        ("the server's step is that of the merged client", same(split, server([(a + b, merged)]))),
        (MULTIPLIER, same(joint[0], mean[0])),
        (DEVIATION, same(joint[1], mean[1])),
        ("the warm start of the merged client is the mean of the two", same(-merged[2], warm)),
    ]


def _unequal_penalties() -> Facts:
    r"""Return that with ρ = 0 and one ratio of server to client penalties only $\sum\alpha_i\sigma_i$ matters."""
    sympy = importlib.import_module("sympy")
    a, b, first, second, ratio = sympy.symbols("a b sigma_1 sigma_2 r", positive=True)
    old, new = (sympy.symbols(f"{name}1 {name}2", real=True) for name in ("p", "g"))
    mean = (a * first + b * second) / (a + b)

    def pull(penalty: Any, before: Any, gradient: Any) -> Any:
        deviation = -(before + gradient) / penalty
        return ratio * penalty * deviation + before + penalty * deviation

    parts = a * pull(first, old[0], new[0]) + b * pull(second, old[1], new[1])
    merged = [(a * x + b * y) / (a + b) for x, y in (old, new)]
    return [
        ("rho = 0: the pull on the server is that of the mean penalty", same(parts, (a + b) * pull(mean, *merged))),
        ("rho = 0: so is the server's total weight", same(ratio * (a * first + b * second), ratio * (a + b) * mean)),
    ]


def _classes() -> Facts:
    """Return that the merged function lies in the merged class, and that every function of that class is attained."""
    sympy = importlib.import_module("sympy")
    a, b, first, second, modulus, f, q = sympy.symbols("a b L_1 L_2 mu F q", positive=True)
    mean = (a * first + b * second) / (a + b)

    def split(smooth: Any) -> Any:
        return modulus * q + (smooth - modulus) / (mean - modulus) * (f - modulus * q)

    return [
        ("the mean of L_i-smooth functions has the mean constant", same(a * first + b * second, (a + b) * mean)),
        (
            "attained: F_i = (L_i/L) F average to F, and L_i/L times L is L_i",
            same((a * first / mean * f + b * second / mean * f) / (a + b), f) and same(first / mean * mean, first),
        ),
        (
            "attained with strong convexity: F_i = mu q + (L_i - mu)/(L - mu) (F - mu q) average to F",
            same((a * split(first) + b * split(second)) / (a + b), f),
        ),
    ]


def _merging_evidence(seed: int, effort: str) -> Evidence:
    """Return PROVED when the facts hold and, for unequal ρ, the two of the client's step fail."""
    control = merging_facts(equal_rho=False)
    return facts_evidence(merging_facts(), CONCLUSION, control=control, must_fail=(MULTIPLIER, DEVIATION))


MERGING_CLAIM = Claim(
    name="W-merging-lemma",
    statement="With equal σ_i and equal ρ_i (or with every ρ_i = 0 and common ratios of σ_i from round to round) the "
    "worst case over m clients of weights α_i is that of one client with the α-weighted means of σ_i and L_i.",
    hypotheses=(
        "full gradients, Q_i = I; any weights",
        "every F_i has curvature in [μ, L_i] with one μ, or in [−L_i, L_i]",
        "π_i⁰ = 0 for all clients, or π_i⁰ = −∇F_i(w⁰) for all",
        "the facts are about two clients; the induction over m is the conclusion printed last",
    ),
    expected=Verdict.PROVED,
    check=_merging_evidence,
    source="MATHEMATICS.md#W10; derived",
    kind="symbolic",
    requires=("sympy",),
)
"""Why a certificate of one client speaks of any number."""

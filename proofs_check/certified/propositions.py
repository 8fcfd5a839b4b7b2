"""The numbers of the certified claims: what a statement says of each certificate, read by statement and check."""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from proofs_check.theory import convex_rate, gradient_descent_rate, nonconvex_rate, warm_start_rate

SLACK_WORDS = "1e-4"
SLACK = Fraction(SLACK_WORDS)
"""What a certified bound may exceed the exact worst case by, and how statements print it."""
KAPPA = Fraction(2)
ROUNDS = (1, 2, 3, 4, 5, 10)


@dataclasses.dataclass(frozen=True)
class Proposition:
    """What a statement says of one certificate.

    Args:
        certificate: the file's name without its ending.
        case: the words of the statement for it, "κ = 1.7".
        limit: the number of the statement: a worst case is at most that, a decrease at least that.
        attained: whether a function made in fractions attains the worst case to `SLACK`; the check makes it.
    """

    certificate: str
    case: str
    limit: Fraction
    attained: bool = True

    @property
    def words(self) -> str:
        """The number and its case, ".34190 (κ = 1.7)"."""
        return f"{float(self.limit):.5f} ({self.case})".removeprefix("0")


def _decimals(*rows: tuple[str, str, str], attained: bool = True) -> tuple[Proposition, ...]:
    return tuple(Proposition(name, case, Fraction(limit), attained) for name, case, limit in rows)


def _formula(name: str, case: str, limit: Fraction) -> Proposition:
    """Return a proposition whose statement prints a formula: the exact value and `SLACK`."""
    return Proposition(name, case, limit + SLACK)


def _constant_penalties() -> dict[str, tuple[Proposition, ...]]:
    """Return upper bounds for constant penalties from the cold start."""
    return {
        "W-nonconvex-kappa-2": tuple(
            _formula(f"nonconvex-kappa2-N{n}", f"N = {n}", nonconvex_rate(n, KAPPA)) for n in ROUNDS
        ),
        "W-convex-kappa-2": tuple(_formula(f"convex-kappa2-N{n}", f"N = {n}", convex_rate(n, KAPPA)) for n in ROUNDS),
        "W-nonconvex-other-kappa": (
            *_decimals(
                ("nonconvex-kappa17over10-N5", "κ = 1.7", ".34190"),
                ("nonconvex-kappa19over10-N5", "κ = 1.9", ".33023"),
                attained=False,
            ),
            *_decimals(
                ("nonconvex-kappa4-N5", "κ = 4", ".53337"),
                ("nonconvex-kappa8-N5", "κ = 8", ".82057"),
            ),
        ),
        "W-convex-other-kappa": (
            *_decimals(("convex-kappa8over5-N5", "κ = 1.6", ".23834"), attained=False),
            *_decimals(
                ("convex-kappa17over10-N5", "κ = 1.7", ".24820"),
                ("convex-kappa4-N5", "κ = 4", ".50003"),
                ("convex-kappa8-N5", "κ = 8", ".80005"),
            ),
        ),
    }


def _other_starts() -> dict[str, tuple[Proposition, ...]]:
    """Return upper bounds for schedules, the warm start, a ridge and equal preconditioners."""
    return {
        "W-geometric-before_solve": _geometric("before_solve", ".54418", ".40532", ".49532", ".35809"),
        "W-geometric-after_solve": _geometric("after_solve", ".52306", ".40095", ".46644", ".35179"),
        "W-linear-schedule": _decimals(
            ("nonconvex-linear-N5", "L-smooth F", ".56266"),
            ("convex-linear-N5", "convex F", ".51920"),
        ),
        "W-warm-start": tuple(
            _formula(f"{name}-warm-N{n}", f"{name}, N = {n}", warm_start_rate(n, KAPPA, convex=name == "convex"))
            for name in ("nonconvex", "convex")
            for n in (1, 5)
        ),
        "W-ridge-warm": (
            *_decimals(("nonconvex-ridge-warm-N4", "L-smooth F_i", ".45705")),
            *_decimals(("convex-ridge-warm-N4", "convex F_i", ".35197"), attained=False),
        ),
        "W-equal-rho": _decimals(
            ("nonconvex-rho1-N5", "one client, N = 5", ".34889"),
            ("convex-rho1-N5", "one client, N = 5, convex F", ".30781"),
            ("nonconvex-rho1-three-clients-N3", "three clients, N = 3", ".50378"),
            ("convex-rho1-three-clients-N3", "three clients, N = 3, convex F_i", ".44634"),
        ),
    }


def _geometric(order: str, *limits: str) -> tuple[Proposition, ...]:
    cases = [(name, gamma) for name in ("nonconvex", "convex") for gamma in ("3over4", "9over10")]
    words = {"3over4": "γ = 3/4", "9over10": "γ = .9", "nonconvex": "", "convex": ", convex F"}
    return _decimals(
        *(
            (f"{name}-gamma{gamma}-{order}-N5", words[gamma] + words[name], limit)
            for (name, gamma), limit in zip(cases, limits, strict=True)
        )
    )


def _several_clients() -> dict[str, tuple[Proposition, ...]]:
    """Return upper bounds for unequal clients and other metrics."""
    return {
        "W-unequal-rho-warm": _decimals(
            ("nonconvex-unequal-rho-warm-N5", "L-smooth F_i, N = 5", ".50336"),
            ("convex-unequal-rho-warm-N5", "convex F_i, N = 5", ".46160"),
            ("nonconvex-unequal-everything-warm-N4", "σ = (2, 3), ρ = (0, 1), L = (1/2, 3/2), N = 4", ".51814"),
            attained=False,
        ),
        "W-unequal-rho-heterogeneity": _decimals(
            ("nonconvex-unequal-rho-zeta1-N4", "L-smooth F_i", ".56173"),
            ("convex-unequal-rho-zeta1-N4", "convex F_i", ".52660"),
            attained=False,
        ),
        "W-strongly-convex": _decimals(
            ("strongly-convex-last_value-N5", "F(w^5) − inf F, one client, σ = 2, π⁰ = 0", ".05489"),
            ("strongly-convex-last_gradient-N5", "‖∇F(w^5)‖², the same", ".05033"),
            ("strongly-convex-two-clients-N3", "F(w^3) − inf F, ρ = (0, 1), σ = 3, warm start", ".15600"),
            attained=False,
        ),
        "W-convex-distance": _decimals(
            ("convex-distance-last_value-N5", "F(w^5) − inf F", ".07144"),
            ("convex-distance-N5", "min_{k≤5}‖∇F(w^k)‖²", ".06252"),
        ),
    }


def _baselines() -> dict[str, tuple[Proposition, ...]]:
    """Return upper bounds for gradient descent, FedAvg and exact ADMM."""
    descent = [(name, n) for name in ("nonconvex", "convex") for n in (1, 5, 10)]
    return {
        "W-gradient-descent": tuple(
            _formula(
                f"{name}-gradient-descent-N{n}",
                f"{name}, N = {n}",
                gradient_descent_rate(n, convex=name == "convex", gap=Fraction(1)),
            )
            for name, n in descent
        ),
        "W-fedavg": _decimals(
            ("nonconvex-fedavg-two-steps-N3", "L-smooth F_i", ".60978"),
            ("convex-fedavg-two-steps-N3", "convex F_i", ".50812"),
            attained=False,
        ),
        "W-exact-admm": _decimals(
            ("nonconvex-exact-admm-N3", "L-smooth F_i", ".61581"),
            ("convex-exact-admm-N3", "convex F_i", ".50006"),
            attained=False,
        ),
    }


def _decreases() -> dict[str, tuple[Proposition, ...]]:
    """Return lower bounds c > 0 of what a potential falls by."""
    return {
        "W-lagrangian-threshold": _decimals(
            ("lagrangian-nonconvex-gamma1-before_solve", "γ = 1, σ = 1.691", ".00043"),
            ("lagrangian-nonconvex-gamma9over10-before_solve", "γ = .9, σ = 1.694", ".00088"),
            ("lagrangian-nonconvex-gamma3over4-before_solve", "γ = .75, σ = 1.693", ".00069"),
            ("lagrangian-nonconvex-gamma9over10-after_solve", "γ = .9 after the solve, σ = 1.713", ".00058"),
            ("lagrangian-nonconvex-gamma3over4-after_solve", "γ = .75 after the solve, σ = 1.757", ".00021"),
            ("lagrangian-convex-gamma1-before_solve", "convex F_i, γ = 1, σ = 1.506", ".00625"),
            ("lagrangian-convex-gamma9over10-before_solve", "convex F_i, γ = .9, σ = 1.434", ".00474"),
            ("lagrangian-convex-gamma3over4-before_solve", "convex F_i, γ = .75, σ = 1.322", ".00571"),
            ("lagrangian-convex-gamma9over10-after_solve", "convex F_i, γ = .9 after the solve, σ = 1.539", ".00303"),
            ("lagrangian-convex-gamma3over4-after_solve", "convex F_i, γ = .75 after the solve, σ = 1.605", ".00725"),
            attained=False,
        ),
        "W-lagrangian-any-q": _decimals(
            ("lagrangian-nonconvex-any-q-sigma2", "σ = 2, q = .1", ".01726"),
            ("lagrangian-nonconvex-any-q-sigma7", "σ = 7, q = σ/4", ".01003"),
            ("lagrangian-convex-any-q-sigma2", "convex F_i, σ = 2, q = σ/4", ".17851"),
            attained=False,
        ),
        "W-any-q-potential": _decimals(
            ("residual-nonconvex-sigma31over20-beta0", "σ = 1.55, β = 0, a = .634147", ".16525"),
            ("residual-nonconvex-sigma31over20-beta1", "σ = 1.55, β = 1, a = .624514", ".16304"),
            ("residual-nonconvex-sigma2-beta1", "σ = 2, β = 1, a = .601231", ".27398"),
            ("residual-nonconvex-sigma7over4-beta2", "σ = 1.75, β = 2, a = .5713", ".01088"),
            ("residual-nonconvex-sigma251over100-beta3", "σ = 2.51, β = 3, a = .602947", ".03841"),
            ("residual-nonconvex-sigma351over100-beta4", "σ = 3.51, β = 4, a = 1.011837", ".03839"),
            ("residual-nonconvex-sigma551over100-beta6", "σ = 5.51, β = 6, a = 1.891114", ".03834"),
            ("residual-convex-sigma17over10-beta2", "convex F_i, σ = 1.7, β = 2, a = .49924", ".08782"),
            ("residual-nonconvex-ridge", "λ = .1, σ = 1.5, β = 1, a = .618844", ".13824"),
            attained=False,
        ),
    }


PROPOSITIONS: Mapping[str, tuple[Proposition, ...]] = {
    **_constant_penalties(),
    **_other_starts(),
    **_several_clients(),
    **_baselines(),
    **_decreases(),
}
"""Claim → what its statement says of each of its certificates."""


def list_numbers(claim: str) -> str:
    """Return the claim's numbers as its statement prints them."""
    return ", ".join(proposition.words for proposition in PROPOSITIONS[claim])


def attainment(claim: str) -> str:
    """Return which of the claim's bounds are attained, in words."""
    reached = [proposition.case for proposition in PROPOSITIONS[claim] if proposition.attained]
    if not reached:
        return "bounds from one side: that they are attained is not claimed"
    which = "each bound is" if len(reached) == len(PROPOSITIONS[claim]) else f"the bounds of {', '.join(reached)} are"
    return f"{which} attained to {SLACK_WORDS} by a function made in fractions: exact arithmetic, not Coq"

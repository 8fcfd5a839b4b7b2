"""The words of each certified statement, read anew as settings, are the questions of its certificates."""

import dataclasses
from fractions import Fraction

import pytest

from proofs_check.certified.catalogue import THEOREMS
from proofs_check.certified.claims import CERTIFICATE_CLAIMS
from proofs_check.certified.one_step import round_of
from proofs_check.certified.propositions import PROPOSITIONS
from proofs_check.certified.setting import fedavg_setting, pisa_setting

CERTIFIED = [claim.name for claim in CERTIFICATE_CLAIMS if claim.kind == "certified"]
CLASSES = ("nonconvex", "convex")
STRONG = {"modulus": "1/10", "initial": "distance"}
PAIR = {"sigma": 3, "rho": (0, 2), "clients": 2}


def growing(name):
    """Return σ^ℓ = (2+ℓ)L for ℓ = 0, …, 5 as a setting."""
    rows = tuple((Fraction(2 + k),) for k in range(6))
    return dataclasses.replace(pisa_setting(name, 5), penalties=rows)


def falls(name, sigma, gamma=1, order="before_solve"):
    return round_of("lagrangian", name, sigma=sigma, gamma=Fraction(gamma), order=order)


def potential(sigma, beta, factor, name="nonconvex", **fields):
    return round_of("residual", name, sigma=sigma, q_bound=Fraction(sigma) * beta, factor=factor, **fields)


READ = {
    "W-nonconvex-kappa-2": [pisa_setting("nonconvex", n, sigma=2) for n in (1, 2, 3, 4, 5, 10)],
    "W-convex-kappa-2": [pisa_setting("convex", n, sigma=2) for n in (1, 2, 3, 4, 5, 10)],
    "W-nonconvex-other-kappa": [pisa_setting("nonconvex", 5, sigma=kappa) for kappa in ("1.7", "1.9", 4, 8)],
    "W-convex-other-kappa": [pisa_setting("convex", 5, sigma=kappa) for kappa in ("1.6", "1.7", 4, 8)],
    "W-equal-rho": [
        *(pisa_setting(name, 5, sigma=2, rho=1) for name in CLASSES),
        *(pisa_setting(name, 3, sigma=2, rho=1, clients=3) for name in CLASSES),
    ],
    **{
        f"W-geometric-{order}": [
            pisa_setting(name, 5, sigma=2, gamma=Fraction(gamma), order=order)
            for name in CLASSES
            for gamma in ("3/4", "9/10")
        ]
        for order in ("before_solve", "after_solve")
    },
    "W-linear-schedule": [growing(name) for name in CLASSES],
    "W-warm-start": [pisa_setting(name, n, sigma=2, warm=True) for name in CLASSES for n in (1, 5)],
    "W-ridge-warm": [pisa_setting(name, 4, sigma=2, warm=True, ridge="1/10") for name in CLASSES],
    "W-unequal-rho-warm": [
        *(pisa_setting(name, 5, warm=True, **PAIR) for name in CLASSES),
        pisa_setting("nonconvex", 4, sigma=(2, 3), rho=(0, 1), lipschitz=("1/2", "3/2"), clients=2, warm=True),
    ],
    "W-unequal-rho-heterogeneity": [pisa_setting(name, 4, heterogeneity=1, **PAIR) for name in CLASSES],
    "W-strongly-convex": [
        pisa_setting("strongly-convex", 5, sigma=2, metric="last_value", **STRONG),
        pisa_setting("strongly-convex", 5, sigma=2, metric="last_gradient", **STRONG),
        pisa_setting(
            "strongly-convex", 3, sigma=3, rho=(0, 1), clients=2, warm=True, metric="last_value", **STRONG
        ),
    ],
    "W-convex-distance": [
        pisa_setting("convex", 5, sigma=2, initial="distance", metric=metric)
        for metric in ("last_value", "min_gradient")
    ],
    "W-gradient-descent": [fedavg_setting(name, n, step=1) for name in CLASSES for n in (1, 5, 10)],
    "W-fedavg": [
        fedavg_setting(name, 3, step="1/4", local_steps=2, clients=2, heterogeneity=1) for name in CLASSES
    ],
    "W-exact-admm": [pisa_setting(name, 3, sigma=2, clients=2, method="admm", warm=True) for name in CLASSES],
    "W-lagrangian-threshold": [
        falls("nonconvex", "1.691"), falls("nonconvex", "1.694", ".9"), falls("nonconvex", "1.693", ".75"),
        falls("nonconvex", "1.713", ".9", "after_solve"), falls("nonconvex", "1.757", ".75", "after_solve"),
        falls("convex", "1.506"), falls("convex", "1.434", ".9"), falls("convex", "1.322", ".75"),
        falls("convex", "1.539", ".9", "after_solve"), falls("convex", "1.605", ".75", "after_solve"),
    ],
    "W-lagrangian-any-q": [
        round_of("lagrangian", sigma=2, q_bound=".1"),
        round_of("lagrangian", sigma=7, q_bound="7/4"),
        round_of("lagrangian", "convex", sigma=2, q_bound="1/2"),
    ],
    "W-any-q-potential": [
        potential("1.55", 0, ".634147"), potential("1.55", 1, ".624514"), potential("2", 1, ".601231"),
        potential("1.75", 2, ".5713"), potential("2.51", 3, ".602947"), potential("3.51", 4, "1.011837"),
        potential("5.51", 6, "1.891114"), potential("1.7", 2, ".49924", "convex"),
        potential("1.5", 1, ".618844", ridge=".1"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("claim", CERTIFIED)
def test_a_statement_read_anew_is_its_certificates_question(claim):
    questions = {theorem.name: theorem.question for theorem in THEOREMS if theorem.claim == claim}
    in_order = [questions[proposition.certificate] for proposition in PROPOSITIONS[claim]]
    assert len(in_order) == len(READ[claim])
    for proposition, found, wanted in zip(PROPOSITIONS[claim], in_order, READ[claim], strict=True):
        assert found == wanted, proposition.case

"""The shipped theorems: every certificate's file, the claim it belongs to, and the question that makes it anew."""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from proofs_check.certified.certificate import certify, reword, save
from proofs_check.certified.decrease import certify_decrease
from proofs_check.certified.one_step import Round, round_of
from proofs_check.certified.setting import Setting, fedavg_setting, pisa_setting

FOLDER = Path(__file__).parent / "certificates"


@dataclasses.dataclass(frozen=True)
class Theorem:
    """One shipped certificate: the claim's name, the file's name, and its question."""

    claim: str
    name: str
    question: Setting | Round

    @property
    def path(self) -> Path:
        """The certificate's file."""
        return FOLDER / f"{self.name}.json"

    def make(self) -> str:
        """Return the certificate's text, solved, rounded, repaired and verified now."""
        if isinstance(self.question, Setting):
            return certify(self.question)
        return certify_decrease(self.question)


def _constant() -> Iterator[Theorem]:
    for name in ("nonconvex", "convex"):
        for rounds in (1, 2, 3, 4, 5, 10):
            yield Theorem(f"W-{name}-kappa-2", f"{name}-kappa2-N{rounds}", pisa_setting(name, rounds))
    for name, sigmas in (("nonconvex", ("17/10", "19/10", "4", "8")), ("convex", ("8/5", "17/10", "4", "8"))):
        for sigma in sigmas:
            label = sigma.replace("/", "over")
            question = pisa_setting(name, 5, sigma=Fraction(sigma))
            yield Theorem(f"W-{name}-other-kappa", f"{name}-kappa{label}-N5", question)


def _schedules() -> Iterator[Theorem]:
    for order in ("before_solve", "after_solve"):
        for name in ("nonconvex", "convex"):
            for gamma in ("3/4", "9/10"):
                question = pisa_setting(name, 5, gamma=Fraction(gamma), order=order)
                yield Theorem(f"W-geometric-{order}", f"{name}-gamma{gamma.replace('/', 'over')}-{order}-N5", question)
    growing = tuple((Fraction(2 + k),) for k in range(6))
    for name in ("nonconvex", "convex"):
        yield Theorem(
            "W-linear-schedule", f"{name}-linear-N5", Setting(function_class=name, rounds=5, penalties=growing)
        )


def _starts() -> Iterator[Theorem]:
    for name in ("nonconvex", "convex"):
        for rounds in (1, 5):
            yield Theorem("W-warm-start", f"{name}-warm-N{rounds}", pisa_setting(name, rounds, warm=True))
        yield Theorem("W-ridge-warm", f"{name}-ridge-warm-N4", pisa_setting(name, 4, warm=True, ridge="1/10"))
        yield Theorem("W-equal-rho", f"{name}-rho1-N5", pisa_setting(name, 5, rho=1))
        many = pisa_setting(name, 3, rho=1, clients=3)
        yield Theorem("W-equal-rho", f"{name}-rho1-three-clients-N3", many)
        unequal = pisa_setting(name, 5, sigma=3, rho=(0, 2), clients=2, warm=True)
        yield Theorem("W-unequal-rho-warm", f"{name}-unequal-rho-warm-N5", unequal)
        cold = pisa_setting(name, 4, sigma=3, rho=(0, 2), clients=2, heterogeneity=1)
        yield Theorem("W-unequal-rho-heterogeneity", f"{name}-unequal-rho-zeta1-N4", cold)
    skewed = pisa_setting("nonconvex", 4, sigma=(2, 3), rho=(0, 1), clients=2, warm=True, lipschitz=("1/2", "3/2"))
    yield Theorem("W-unequal-rho-warm", "nonconvex-unequal-everything-warm-N4", skewed)


def _strong() -> Iterator[Theorem]:
    common: dict[str, Any] = {"modulus": "1/10", "initial": "distance"}
    for metric in ("last_value", "last_gradient"):
        question = pisa_setting("strongly-convex", 5, metric=metric, **common)
        yield Theorem("W-strongly-convex", f"strongly-convex-{metric}-N5", question)
    both = pisa_setting("strongly-convex", 3, metric="last_value", clients=2, rho=(0, 1), sigma=3, warm=True, **common)
    yield Theorem("W-strongly-convex", "strongly-convex-two-clients-N3", both)
    value = pisa_setting("convex", 5, initial="distance", metric="last_value")
    yield Theorem("W-convex-distance", "convex-distance-last_value-N5", value)
    yield Theorem("W-convex-distance", "convex-distance-N5", pisa_setting("convex", 5, initial="distance"))


def _baselines() -> Iterator[Theorem]:
    for name in ("nonconvex", "convex"):
        for rounds in (1, 5, 10):
            yield Theorem("W-gradient-descent", f"{name}-gradient-descent-N{rounds}", fedavg_setting(name, rounds))
        local = fedavg_setting(name, 3, step="1/4", local_steps=2, clients=2, heterogeneity=1)
        yield Theorem("W-fedavg", f"{name}-fedavg-two-steps-N3", local)
        exact = pisa_setting(name, 3, clients=2, method="admm", warm=True)
        yield Theorem("W-exact-admm", f"{name}-exact-admm-N3", exact)


def _rounds() -> Iterator[Theorem]:
    thresholds = {
        ("nonconvex", "1", "before_solve"): "1.691",
        ("convex", "1", "before_solve"): "1.506",
        ("nonconvex", "9/10", "after_solve"): "1.713",
        ("nonconvex", "3/4", "after_solve"): "1.757",
        ("convex", "9/10", "after_solve"): "1.539",
        ("convex", "3/4", "after_solve"): "1.605",
        ("nonconvex", "9/10", "before_solve"): "1.694",
        ("nonconvex", "3/4", "before_solve"): "1.693",
        ("convex", "9/10", "before_solve"): "1.434",
        ("convex", "3/4", "before_solve"): "1.322",
    }
    for (name, gamma, order), sigma in thresholds.items():
        question = round_of("lagrangian", name, sigma=sigma, gamma=Fraction(gamma), order=order)
        label = f"gamma{gamma.replace('/', 'over')}-{order}"
        yield Theorem("W-lagrangian-threshold", f"lagrangian-{name}-{label}", question)
    for name, sigma, bound in (("nonconvex", "2", "1/10"), ("nonconvex", "7", "7/4"), ("convex", "2", "1/2")):
        question = round_of("lagrangian", name, sigma=sigma, q_bound=bound)
        yield Theorem("W-lagrangian-any-q", f"lagrangian-{name}-any-q-sigma{sigma}", question)


FACTORS = (
    ("31/20", 0, "634147/1000000"),
    ("31/20", 1, "312257/500000"),
    ("2", 1, "601231/1000000"),
    ("7/4", 2, "5713/10000"),
    ("251/100", 3, "602947/1000000"),
    ("351/100", 4, "1011837/1000000"),
    ("551/100", 6, "945557/500000"),
)
"""σ/L, β and the a in F + (a/σ)Σα_i‖∇F_i + π_i‖²; `best_decrease` with a free factor finds each a."""


def _any_preconditioner() -> Iterator[Theorem]:
    for sigma, beta, factor in FACTORS:
        question = round_of("residual", sigma=sigma, q_bound=beta * Fraction(sigma), factor=factor)
        label = sigma.replace("/", "over")
        yield Theorem("W-any-q-potential", f"residual-nonconvex-sigma{label}-beta{beta}", question)
    convex = round_of("residual", "convex", sigma="17/10", q_bound="17/5", factor="12481/25000")
    yield Theorem("W-any-q-potential", "residual-convex-sigma17over10-beta2", convex)
    ridge = round_of("residual", sigma="3/2", q_bound="3/2", ridge="1/10", factor="154711/250000")
    yield Theorem("W-any-q-potential", "residual-nonconvex-ridge", ridge)


THEOREMS: tuple[Theorem, ...] = (
    *_constant(),
    *_schedules(),
    *_starts(),
    *_strong(),
    *_baselines(),
    *_rounds(),
    *_any_preconditioner(),
)
"""Every shipped certificate, in the order in which the claims name them."""


def regenerate(folder: Path = FOLDER) -> list[Path]:
    """Write every certificate of `THEOREMS` into ``folder`` and return the paths.

    Raises:
        ModuleNotFoundError: Clarabel or SciPy is not installed.
        ValueError: a theorem could not be certified; the message names the question.
    """
    paths = []
    for theorem in THEOREMS:
        path = folder / theorem.path.name
        save(path, theorem.make())
        paths.append(path)
    return paths


def reword_all(folder: Path = FOLDER) -> list[Path]:
    """Write every certificate of ``folder`` anew in the checker's present words and return the paths; no solver runs.

    Raises:
        ValueError: the checker rejects one.
    """
    paths = [folder / theorem.path.name for theorem in THEOREMS]
    for path in paths:
        save(path, reword(path.read_text(encoding="utf-8")))
    return paths

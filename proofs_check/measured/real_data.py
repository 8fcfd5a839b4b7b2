"""The same questions on real data, split among clients by label: digits and a9a, each claim on the one it names."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from problems import adult
from problems.datasets import Dataset, load
from problems.heterogeneity import partition
from problems.linear import LinearModel, logistic
from proofs_check.measured.equivalences import path_of
from proofs_check.measured.instances import Array, Instance, count, generator
from proofs_check.measured.trajectories import curve, digits_to_spare, figure, measured_claim, series

RESIDUALS = ("stationarity", "local", "consensus", "aggregate")
FLOOR = 1e-12


@functools.lru_cache(maxsize=3)
def dataset(name: str) -> Dataset:
    """Return the data set ``name`` without a validation part; "a9a" from the disk only.

    Raises:
        ValueError: a9a is in none of `adult.places`.
    """
    if name != "a9a":
        return load(name, validation=0.0)
    reasons = []
    for place in adult.places():
        try:
            return load(name, validation=0.0, data_dir=place)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError(f"name: a9a is not at hand ({'; '.join(reasons)})")


def rows_of(instance: Instance) -> tuple[Array, Array, Array]:
    """Return (X, y = ±1, labels to split by) of training rows drawn by the instance's seed; digits are even or odd."""
    data = dataset(str(instance["data"]))
    size = min(int(instance["rows"]), data.train_y.size)
    kept = generator(instance).permutation(data.train_y.size)[:size]
    labels = data.train_y[kept]
    signs = labels if data.task == "binary" else np.where(labels % 2 == 0, 1, -1)
    return data.train_x[kept], signs.astype(float), labels


def split_problem(instance: Instance) -> LinearModel:
    """Return logistic regression on clients with one label each (ten digits, or two classes several times)."""
    X, y, labels = rows_of(instance)
    parts = partition("label:1", labels, int(instance["clients"]), seed=int(instance["seed"])).parts
    return logistic(X, y, parts, ridge=float(instance["ridge"]))


def partition_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how far the path on clients of one label each leaves that of one client, relative.

    Margin in digits below 1e-12.
    """
    X, y, _ = rows_of(instance)
    apart, together = split_problem(instance), logistic(X, y, ridge=float(instance["ridge"]))
    penalty = 3 * float(together.lipschitz[0])
    heavy: dict[str, Any] = {"preconditioner": Identity(), "rho": penalty / 2} if instance["identity"] else {}
    methods = PISA(penalty=penalty, **heavy), PISA(penalty=penalty, **heavy)
    found, wanted = path_of(methods[0], apart, 25), path_of(methods[1], together, 25)
    error = float(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))
    return {
        "data": str(instance["data"]),
        "rows": int(np.sum(apart.counts)),
        "clients": len(apart.counts),
        "error": error,
        "margin": digits_to_spare(error, 1e-12),
    }


def _histories(instance: Instance) -> tuple[Array, dict[str, Array]]:
    """Return recorded rounds and residuals, (records, γ), of all γ side by side on the replicate axis."""
    problem = split_problem(instance)
    clients = len(problem.counts)
    ratios = [float(ratio) for ratio in instance["ratios"]]
    method = PISA(
        penalty=8 * float(np.max(problem.lipschitz)), penalty_ratio=tuple((ratio,) * clients for ratio in ratios)
    )
    steps = int(instance["steps"])
    # The first gradient is that of round 1, where the residuals are first defined.
    # Small γ freeze within a hundred rounds, so that the early ones are recorded more densely.
    moments = [1, *range(10, 100, 10), *range(100, steps, max(steps // 40, 1))]
    result = run(method, problem, steps=steps, seeds=len(ratios), measures=RESIDUALS, every=moments)
    return result.history["iteration"][1:], {name: series(result, name)[1:] for name in RESIDUALS}


def split_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the KKT residuals at the end for each γ.

    Margin: the least log10 drop of the gradient's share from one γ to the next, minus that of a half. It is −1 if for a
    γ ≤ .9 the local or the consensus residual is above 1e-6 of its first value, as both must vanish, or the aggregate
    one is not the gradient.
    """
    _, found = _histories(instance)
    ratios = [float(ratio) for ratio in instance["ratios"]]
    first = found["stationarity"][0]
    shares = found["stationarity"][-1] / first
    small = [place for place, ratio in enumerate(ratios) if ratio <= 0.9]
    vanished = max(float(np.max((found[name][-1] / found[name][0])[small])) for name in ("local", "consensus"))
    whole = np.max(np.abs(found["aggregate"][-1] / found["stationarity"][-1] - 1)[small])
    logs = np.log10(np.maximum(shares, FLOOR))
    return {
        "data": str(instance["data"]),
        "rows": int(instance["rows"]),
        "ratios": ratios,
        "shares": [float(f"{share:.3g}") for share in shares],
        "local": [float(f"{value:.2g}") for value in found["local"][-1] / first],
        "aggregate": [float(f"{value:.2g}") for value in found["aggregate"][-1] / first],
        "vanished": vanished,
        "margin": float(np.min(logs[:-1] - logs[1:]) - np.log10(2)) if max(vanished, whole) < 1e-6 else -1.0,
    }


def split_picture(instance: Instance) -> Mapping[str, Any]:
    """Return the three residuals for the smallest γ, and the aggregate one for every other γ."""
    rounds, found = _histories(instance)
    ratios = [float(ratio) for ratio in instance["ratios"]]
    curves = [curve(f"{name}, γ = {ratios[0]:g}", rounds, found[name][:, 0], least=1e-15) for name in RESIDUALS[1:]]
    curves += [
        curve(f"aggregate, γ = {ratio:g}", rounds, found["aggregate"][:, place], least=1e-15)
        for place, ratio in enumerate(ratios)
        if place
    ]
    return figure(f"KKT residuals on {instance['data']}, one label a client", "round", "residual", "y", curves)


def _splits(seed: int, effort: str, data: str, clients: int, rows: tuple[int, int]) -> list[dict[str, Any]]:
    ratios = [0.75, 0.99, 1.0] if effort == "quick" else [0.75, 0.99, 0.999, 1.0]
    return [
        {
            "seed": 1000 * seed + place,
            "data": data,
            "rows": count(effort, *rows),
            "clients": clients,
            "ridge": 0.1,
            "ratios": ratios,
            "steps": count(effort, 1000, 5000),
        }
        for place in range(count(effort, 1, 2))
    ]


def _partitions(seed: int, effort: str, data: str, clients: int, rows: tuple[int, int]) -> list[dict[str, Any]]:
    told = {"data": data, "rows": count(effort, *rows), "clients": clients, "ridge": 0.01}
    return [{"seed": 1000 * seed, **told, "identity": identity} for identity in (False, True)]


_SPLIT = (
    "on {rows} rows of {data} the limit keeps {shares} of the first gradient for γ = {ratios}; "
    "aggregate residuals {aggregate}, local {local}"
)
_PATHS = "on {rows} rows of {data} the paths of {clients} clients and of one differ by {error:.1e} relative"
_FACTS = (
    "logistic regression with λ = 0.1, ρ = 0",
    "one label a client",
    "σ⁰ = 8r",
    "full gradients",
    "rows drawn by the seed",
    "each γ of .75, .99, (.999 with full effort,) 1 leaves less than half of what the one before it does",
)

CLAIMS_REAL_DATA = (
    measured_claim(
        "I5-partition-digits",
        "On digits (400 of its 1,347 training rows, all with full effort) the path with one digit a client is the path "
        "of one client that holds all.",
        trial=partition_trial,
        instances=lambda seed, effort: _partitions(seed, effort, "digits", 10, (400, 1347)),
        detail=_PATHS,
        hypotheses=(
            "logistic regression, λ = 0.01",
            "full gradients",
            "ρ = 0, or equal σ and Q = I",
            "γ = 1, 25 rounds",
        ),
        source="MATHEMATICS.md#I5",
        requires=("sklearn",),
    ),
    measured_claim(
        "I5-partition-a9a",
        "On a9a (1,500 of its 32,561 training rows, all with full effort) the path with one class a client is the "
        "path of one client that holds all.",
        trial=partition_trial,
        instances=lambda seed, effort: _partitions(seed, effort, "a9a", 6, (1500, 32561)),
        detail=_PATHS,
        hypotheses=(
            "logistic regression, λ = 0.01",
            "full gradients",
            "ρ = 0, or equal σ and Q = I",
            "γ = 1, 25 rounds",
        ),
        source="MATHEMATICS.md#I5",
        requires=("sklearn",),
    ),
    measured_claim(
        "V2-kkt-split-digits",
        "On digits (300 of its 1,347 training rows, all with full effort) a fixed ratio below one drives the local and "
        "consensus residuals to zero and not the aggregate one, of which .99 leaves less than half of what .75 does.",
        trial=split_trial,
        instances=lambda seed, effort: _splits(seed, effort, "digits", 10, (300, 1347)),
        detail=_SPLIT,
        hypotheses=_FACTS,
        source="MATHEMATICS.md#V2",
        picture=split_picture,
        requires=("sklearn",),
    ),
    measured_claim(
        "V2-kkt-split-a9a",
        "On a9a (400 of its 32,561 training rows, 2,000 with full effort), too, the aggregate residual alone survives "
        "a fixed ratio below one, and .99 leaves less than half of what .75 does.",
        trial=split_trial,
        instances=lambda seed, effort: _splits(seed, effort, "a9a", 4, (400, 2000)),
        detail=_SPLIT,
        hypotheses=_FACTS,
        source="MATHEMATICS.md#V2",
        picture=split_picture,
        requires=("sklearn",),
    ),
)

"""A study of a second that the tests of ablations share."""

import tomllib

STUDY = """
name = "small"
title = "A small study"

[budget]
unit = "gradients"
amount = 12
records = 6

[tuning]
seeds = 2
first_seed = 100

[evaluation]
seeds = 4
instances = 2
replicates = 5
reference = "fedsgd"

[grids.damped]
penalties = [0.8, 3.2]
rhos = [0.1, 1]
[grids.plain]
penalties = { from = 0.01, to = 10, count = 4 }

[variants.quick]
budget = { amount = 6 }
tuning = { seeds = 1 }
[variants.quick.grids.plain]
penalties = [1, 2, 3, 4]

[[problems]]
name = "well"
title = "well-conditioned"
family = "quadratic"
clients = 3
noise = 0.5
batch = 2
outcome = "gap"
make = { dimension = 4, condition = 3, shift = 1.0 }

[[methods]]
name = "identity"
preconditioner = "identity"
grid = "damped"
[[methods]]
name = "gauss-newton"
preconditioner = "gauss-newton"
grid = "damped"
[[methods]]
name = "fedsgd"
method = "fedsgd"
grid = "plain"
"""


def document(**changes):
    return {**tomllib.loads(STUDY), **changes}


def stored(store, columns="key, status, reason"):
    return store.select(f"SELECT {columns} FROM trials ORDER BY key")


def numbers(store):
    """Return everything that a rerun must reproduce."""
    return (
        stored(store, "key, status, sigma, rounds, gradients, samples, hvps, bytes_up, bytes_down"),
        store.select("SELECT * FROM measures ORDER BY key, measure"),
        store.select("SELECT * FROM points ORDER BY key, measure, round"),
    )

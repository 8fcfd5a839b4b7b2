"""What the tests of monitor share."""

import numpy as np
from small import Quadratics, quadratics

from pisa_lab import run
from pisa_lab.monitor import Monitor
from problems.linear import logistic


def watched(method, problem, *, steps, every=20, batches=None, seed=0, seeds=None, experiment=0, **limits):
    """Run with a monitor; return (run, monitor)."""
    drawn = {"batches": batches, "seed": seed, "seeds": seeds, "experiment": experiment}
    monitor = Monitor(problem, method, every=every, **drawn, **limits)
    return run(method, problem, steps=steps, callback=monitor, **drawn), monitor


class Known(Quadratics):
    """Quadratics that tell their Lipschitz constants."""

    @property
    def lipschitz(self):
        return np.linalg.eigvalsh(self.matrices)[:, -1]


def known(**settings):
    return Known(**vars(quadratics(**settings)))


def separable(ridge):
    X, y = np.array([[1.0, 0.5], [2.0, -1.0], [1.0, 1.0]]), np.array([1.0, 1.0, 1.0])
    return logistic(X, y, [np.array([0, 1]), np.array([2])], ridge=ridge)

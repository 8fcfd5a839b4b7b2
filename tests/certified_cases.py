"""What the tests of certified share."""

import numpy as np

# The solver stops at 1e-9.
SOLVER = 1e-6


def _symmetric(rng, low, high):
    rotation, _ = np.linalg.qr(rng.standard_normal((2, 2)))
    return rotation @ np.diag(rng.choice([low, high, rng.uniform(low, high)], size=2)) @ rotation.T

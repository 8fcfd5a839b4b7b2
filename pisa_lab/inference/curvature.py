"""Does a model leave a bend that the seeds agree on? The rule that chooses the window."""

import numpy as np

from pisa_lab.inference.curves import RESOLUTION, Numbers

SIGNIFICANCE = 0.01
"""A bend is one that no more than this share of right models would show."""
AFTER_A_BEND = 0.1
"""The same for later starts: where a transient was seen, its tail biases the rate before it is significant."""
_DEGREES = (2, 3)
_TINY = float(np.finfo(float).tiny)


def bend(residuals: Numbers, tangent: Numbers) -> Numbers:
    """Return the p-value of the largest bend in ``residuals`` (experiments, seeds, bins), (experiments,).

    The parabola and the cubic over the bins, less what the model's own directions ``tangent`` (experiments or 1, bins,
    parameters) can follow, are two contrasts; each gives one number per seed, hence a t-test; Bonferroni over the two.
    """
    from scipy.special import stdtr

    seeds, bins = residuals.shape[1:]
    shapes = np.polynomial.legendre.legvander(np.linspace(-1, 1, bins), max(_DEGREES))
    contrasts = np.stack([without(shapes[:, degree], tangent) for degree in _DEGREES], axis=-1)
    scores = residuals @ contrasts
    finest = RESOLUTION * np.sqrt(bins * (contrasts**2).sum(-2))
    error = np.sqrt(scores.var(1, ddof=1) / seeds + finest**2)
    test = np.abs(scores.mean(1)) / np.maximum(error, _TINY)
    return np.asarray(np.minimum(1.0, len(_DEGREES) * 2 * stdtr(seeds - 1, -test).min(-1)))


def without(vector: Numbers, columns: Numbers) -> Numbers:
    """Return ``vector`` (…, bins) less its projection on ``columns`` (…, bins, columns)."""
    norms = np.sqrt((columns**2).sum(-2, keepdims=True))
    base, _ = np.linalg.qr(columns / np.maximum(norms, _TINY))
    for _ in range(2):  # twice: the columns can be nearly parallel
        vector = vector - (base @ (np.swapaxes(base, -1, -2) @ vector[..., None]))[..., 0]
    return vector

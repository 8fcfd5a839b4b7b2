"""Newton-Schulz: where the singular values end, and the symmetries that the iteration has to keep."""

import numpy as np
import pytest

from pisa_lab._array import backend, to_numpy
from pisa_lab.preconditioners import newton_schulz
from pisa_lab.preconditioners.orthogonal import COEFFICIENTS


def quintic(s, steps):
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return s


def with_singular_values(values, rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (rows, columns))
    return left[:, : len(values)] * values @ right[:, : len(values)].T


@pytest.mark.parametrize(
    ("least", "low", "high"),
    [(0.0016, 0.6818, 1.2024), (0.0052, 0.6818, 1.1344), (0.3, 0.6818, 1.1344)],
)
def test_interval_of_the_quintic(least, low, high):
    """The numbers of the docstring, and that they are not wider than need be: both ends are met to 1e-4."""
    # The map's slope is below 3.4445^5 < 500: 4e5 points leave less than 1.3e-3 · 1e-6 of curvature between them.
    ends = quintic(np.linspace(least, 1.0, 400_001), 5)
    assert low <= np.min(ends) < low + 1e-4
    assert high - 1e-4 < np.max(ends) <= high


def test_small_singular_values_are_still_growing():
    """Below 0.0015 five steps are too few for 0.6818; none ends above 1.2024 whatever it was."""
    small = np.linspace(1e-6, 0.0015, 2001)
    ends = quintic(small, 5)
    assert np.all(ends < 0.6818)
    assert np.all(np.diff(ends) > 0)
    assert np.max(quintic(np.linspace(0, 1, 400_001), 5)) <= 1.2024
    np.testing.assert_allclose(quintic(1e-6, 5), 1e-6 * COEFFICIENTS[0] ** 5, rtol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (4, 9), (9, 4), (1, 6), (6, 1), (1, 1)])
def test_singular_values_follow_the_quintic_and_vectors_stay(rows, columns, xp):
    values = np.geomspace(1.0, 0.03, min(rows, columns))
    matrix = with_singular_values(values, rows, columns)
    found = newton_schulz(xp.asarray(matrix, dtype=xp.float64))
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    expected = left * quintic(values / np.linalg.norm(values), 5) @ right
    assert found.shape == (rows, columns)
    # Five steps amplify a rounding by at most 3.4445^5 = 485.
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-12)


def test_random_matrices_end_near_orthogonal():
    batch = np.random.default_rng(2).normal(size=(7, 3, 12, 20))
    values = np.linalg.svd(batch, compute_uv=False)
    assert np.min(values / np.linalg.norm(values, axis=-1, keepdims=True)) > 0.0052
    ends = np.linalg.svd(newton_schulz(batch), compute_uv=False)
    assert np.min(ends) > 0.6817
    assert np.max(ends) < 1.1345


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_steps_are_counted(steps):
    found = newton_schulz(np.diag([3.0, 4.0]), steps=steps)
    np.testing.assert_allclose(np.diag(found), quintic(np.asarray([0.6, 0.8]), steps), rtol=1e-13)


def test_zero_stays_zero_beside_others(xp):
    batch = xp.asarray(np.stack([np.zeros((3, 2)), np.ones((3, 2)), np.zeros((3, 2))]), dtype=xp.float64)
    found = to_numpy(newton_schulz(batch))
    assert not np.any(found[[0, 2]])
    assert np.all(found[1] > 0)


def test_scale_does_not_matter():
    matrix = np.random.default_rng(3).normal(size=(4, 6))
    expected = newton_schulz(matrix)
    # A power of two commutes with every rounding; other scales cost roundings of the input only.
    for power in (-1000, -300, 300, 1000):
        np.testing.assert_array_equal(newton_schulz(np.ldexp(matrix, power)), expected)
    for scale in (1e-300, 3.0, 1e300):
        np.testing.assert_allclose(newton_schulz(scale * matrix), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(newton_schulz(-matrix), -expected)


def test_tall_is_the_transpose_of_wide():
    wide = np.random.default_rng(4).normal(size=(2, 3, 7))
    np.testing.assert_array_equal(newton_schulz(np.swapaxes(wide, -1, -2)), np.swapaxes(newton_schulz(wide), -1, -2))


def test_a_batch_is_its_members_bit_for_bit():
    batch = np.random.default_rng(5).normal(size=(2, 3, 8, 5))
    together = newton_schulz(batch)
    for place in np.ndindex(2, 3):
        np.testing.assert_array_equal(newton_schulz(batch[place]), together[place])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_type_and_namespace_are_kept_and_input_left_alone(library, dtype):
    xp = backend(library)
    host = np.random.default_rng(6).normal(size=(3, 4))
    x = xp.asarray(host, dtype=getattr(xp, dtype))
    before = to_numpy(x).copy()
    found = newton_schulz(x)
    assert found.dtype == x.dtype
    assert type(found) is type(x)
    np.testing.assert_array_equal(to_numpy(x), before)
    np.testing.assert_allclose(to_numpy(found), newton_schulz(host), atol=1e-4 if dtype == "float32" else 1e-12)

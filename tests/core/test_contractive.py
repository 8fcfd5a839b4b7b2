"""Contractions: each keeps what it promises on every vector, is what it says on the wire, and makes PISA EF21."""

import dataclasses

import numpy as np
import pytest
from preconditioner_cases import bumpy, driven, observations, spread
from small import quadratics

from pisa_lab import PISA, Status, run
from pisa_lab._array import backend, to_numpy
from pisa_lab.methods import Settings, by_name
from pisa_lab.preconditioners import PRECONDITIONERS, Clipped, Contraction, Quantised, ScaledSign, TopK

OPERATORS = [
    TopK(0.01),
    TopK(0.1),
    TopK(0.34),
    TopK(1.0),
    ScaledSign(),
    Quantised(),
    Quantised(2),
    Quantised(4),
    Quantised(16),
]
EACH = pytest.mark.parametrize("operator", OPERATORS, ids=repr)
SIZES = (1, 2, 3, 10, 100)


def answer(operator, vectors, penalty=1.0):
    """Return C of every row of ``vectors`` (clients, size), through `solve` and times σ again."""
    penalties = np.full(vectors.shape[0], penalty, dtype=vectors.dtype)
    state = operator.init(vectors)
    return operator.solve(state, vectors, penalties, 1.0) * penalties[:, None]


def adversaries(size, dtype="float64"):
    """Return vectors that attain the bounds, ties, spikes, equals, half levels, signs of zero, and random ones."""
    rng = np.random.default_rng(size)
    spike = np.eye(1, size)[0]
    half = np.full(size, 0.5 / 127)
    half[0] = 1.0
    below = np.full(size, np.nextafter(0.5, 0))
    below[0] = 1.0
    rows = [
        spike,
        -spike,
        np.ones(size),
        -np.ones(size),
        half,
        below,
        np.where(np.arange(size) % 2, -1.0, 1.0),
        np.where(np.arange(size) % 2, -0.0, 0.0) + spike,
        *rng.normal(size=(20, size)),
        *rng.standard_cauchy(size=(20, size)),
        *np.exp(rng.normal(scale=8, size=(20, size))),
        *rng.integers(-2, 3, size=(20, size)).astype(float),
    ]
    return np.asarray(rows, dtype=dtype)


def lost_share(operator, vectors):
    """Return the largest |u − C(u)|²/|u|² of the rows, in float64, without squaring what would overflow."""
    wide = vectors.astype(float)
    scale = np.max(np.abs(wide), axis=-1, keepdims=True)
    gap = (wide - answer(operator, vectors).astype(float)) / np.where(scale > 0, scale, 1)
    size = np.sum((wide / np.where(scale > 0, scale, 1)) ** 2, axis=-1)
    return np.max(np.sum(gap**2, axis=-1) / np.where(size > 0, size, 1))


@pytest.mark.parametrize("scale", [1.0, 1e-100, 1e100, 1e290])
@pytest.mark.parametrize("size", SIZES)
@EACH
def test_it_contracts_as_it_promises_at_every_scale(operator, size, scale):
    varpi = operator.contraction(size)
    assert 0 < varpi <= 1
    assert lost_share(operator, scale * adversaries(size) / 10) <= (1 - varpi) + 1e-13


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("size", SIZES)
@EACH
def test_it_contracts_in_single_precision(operator, size, scale):
    vectors = np.float32(scale) * np.clip(adversaries(size), -1e7, 1e7).astype("float32")
    assert answer(operator, vectors).dtype == np.float32
    assert lost_share(operator, vectors) <= (1 - operator.contraction(size)) + 1e-6


@pytest.mark.parametrize("size", [2, 3, 10, 100])
@EACH
def test_the_promise_is_the_best_that_holds(operator, size):
    """It is attained by a vector: equals for top-k, a spike for signs, half levels for levels."""
    worst = {"TopK": np.ones(size), "ScaledSign": np.eye(1, size)[0]}.get(type(operator).__name__)
    if worst is None:
        worst = np.full(size, np.nextafter(0.5 / operator.levels, 0))
        worst[0] = 1.0
    found = lost_share(operator, worst[None])
    assert found == pytest.approx(1 - operator.contraction(size), rel=1e-9, abs=1e-15)


@EACH
def test_nothing_is_answered_by_nothing(operator):
    assert np.array_equal(answer(operator, np.zeros((2, 5))), np.zeros((2, 5)))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@EACH
def test_what_is_not_finite_is_never_made_so(operator, bad):
    vectors = np.ones((2, 4))
    vectors[1, 2] = bad
    with np.errstate(all="ignore"):
        found = answer(operator, vectors)
    assert np.all(np.isfinite(found[0]))
    assert np.all(np.isnan(found[1]))


@EACH
def test_every_library_answers_the_same(operator, library):
    xp, host = backend(library), np.random.default_rng(0).normal(size=(2, 3, 5, 2))
    rhs, penalty = xp.asarray(host), xp.ones((2, 3), dtype=xp.float64)
    found = operator.solve(operator.init(rhs), rhs, penalty, 1.0)
    assert found.shape == rhs.shape
    assert found.dtype == rhs.dtype
    expected = np.stack([answer(operator, part.reshape(3, 10)).reshape(3, 5, 2) for part in host])
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-15, atol=1e-15)


def test_exactly_k_entries_are_sent_also_among_equals():
    found = answer(TopK(0.3), np.asarray([[1.0, -1, 1, 1, -1, 1, 1, 1, 1, 1], [0, 0, 0, 5.0, 0, -7, 0, 2, 0, 1]]))
    assert found.tolist() == [[1, -1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 5, 0, -7, 0, 2, 0, 0]]
    assert [TopK(0.07).count(size) for size in (1, 10, 100, 1000)] == [1, 1, 7, 70]


def test_signs_and_levels_by_hand():
    assert answer(ScaledSign(), np.asarray([[3.0, -1, 0, -0.0]])).tolist() == [[1, -1, 1, 1]]
    assert answer(Quantised(3), np.asarray([[3.0, -1.4, 0.4, 1.6]])).tolist() == [[3, -1, 0, 2]]


def test_signs_of_the_largest_numbers_have_a_finite_scale():
    top = np.full((1, 100), 1.7e308)
    assert answer(ScaledSign(), top)[0, 0] == pytest.approx(1.7e308)


def test_bytes_on_the_wire():
    sizes = {
        TopK(0.1): [(4 + 8) * 10, (4 + 4) * 10],
        ScaledSign(): [13 + 8, 13 + 4],
        Quantised(): [100 + 8, 100 + 4],
        Quantised(4): [50 + 8, 50 + 4],
    }
    for operator, expected in sizes.items():
        assert [operator.message_bytes(100, itemsize) for itemsize in (8, 4)] == expected
        result = run(PISA(penalty=50.0, preconditioner=operator), quadratics(size=100), steps=3, seeds=2)
        assert result.ledger["bytes_up"][-1].tolist() == [3 * 3 * expected[0]] * 2
        assert result.ledger["bytes_down"][-1].tolist() == [3 * 3 * 800] * 2


def test_ef21_by_hand():
    """EF21: w ← w − (Σα_ip_i + λw)/(σ+λ), p_i ← p_i + C(∇F_i(w) − p_i)."""
    problem = quadratics(ridge=0.2)
    for operator in (TopK(0.3), ScaledSign(), Quantised(3)):
        method = by_name("ef21").build(problem, Settings(penalty=6.0, preconditioner=operator, warm=True))
        state = run(method, problem, steps=30).state
        w = problem.initial
        p = problem.client_grad(w[None])
        for _ in range(30):
            w = w - (problem.weights @ p + 0.2 * w) / 6.2
            p = p + answer(operator, problem.client_grad(w[None]) - p)
        np.testing.assert_allclose(state.consensus, w, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(state.multiplier, -p, rtol=1e-12, atol=1e-14)


def test_a_server_without_extrapolation_takes_the_multipliers_alone():
    problem = quadratics()
    for first in ("server", "client"):
        state = run(PISA(penalty=4.0, first=first), problem, steps=3).state
        plain = PISA(penalty=4.0, first=first, extrapolation=False).server_update(state)
        pull = problem.weights @ state.multiplier - 0.3 * state.consensus
        np.testing.assert_allclose(plain.increment, pull / 4.3, rtol=1e-14)
        # The local points stay where they are all the same.
        np.testing.assert_allclose(plain.local, state.local, rtol=1e-13, atol=1e-15)
    # With Q = 0 it is gradient descent with the step 1/σ, one round behind.
    flat = quadratics(ridge=0.0)
    w = flat.initial
    for _ in range(5):
        w = w - flat.weights @ flat.client_grad(w[None]) / 4
    found = run(PISA(penalty=4.0, extrapolation=False), flat, steps=6).state.consensus
    np.testing.assert_allclose(found, w, rtol=1e-12)


@pytest.mark.parametrize("row", [row for row in PRECONDITIONERS if "linear" in row.exempt], ids=lambda row: row.name)
def test_rows_without_a_q_are_exempt_for_a_reason(row):
    problem = bumpy()
    operator = row.build(problem)
    assert isinstance(operator, Contraction)
    assert not hasattr(operator, "apply")
    with pytest.raises(ValueError, match=r"^inner: .* has no 'apply'"):
        Clipped(operator, 1.0)
    _, state = driven(operator, observations(problem, 2))
    rhs, sigma, rho = spread(problem)
    other = np.random.default_rng(3).normal(size=rhs.shape)
    one, two, both = (operator.solve(state, x, sigma, rho) for x in (rhs, other, rhs + other))
    assert np.max(np.abs(both - one - two)) > 1e-3
    # But homogeneous, and 1/σ times what it is at σ = 1, whatever ρ.
    np.testing.assert_allclose(operator.solve(state, 2 * rhs, sigma, rho), 2 * one, rtol=1e-13)
    np.testing.assert_allclose(operator.solve(state, rhs, 2 * sigma, 0.0), one / 2, rtol=1e-14)


@pytest.mark.parametrize("name", ["top-k", "scaled-sign", "eight-bit"])
def test_a_compressed_run_reaches_the_solution_and_a_diverging_one_says_so(name):
    problem = quadratics()
    for method in ("ef21", "pisa"):
        row = next(row for row in PRECONDITIONERS if row.name == name)
        built = by_name(method).build(problem, Settings(penalty=30.0, preconditioner=row.build(problem)))
        assert float(run(built, problem, steps=3000).last("stationarity")) < 1e-10
        wild = dataclasses.replace(built, penalty=1e-3)
        assert run(wild, quadratics(ridge=0.0), steps=600).status is Status.NON_FINITE


def test_a_contraction_of_ones_own_takes_a_few_lines():
    @dataclasses.dataclass(frozen=True)
    class Damped(Contraction):
        def contraction(self, size):
            return 0.75

        def compress(self, vectors):
            return vectors / 2

    problem = quadratics()
    result = run(PISA(penalty=6.0, preconditioner=Damped(), extrapolation=False), problem, steps=600)
    assert float(result.last("stationarity")) < 1e-12
    # Uncompressed on the wire unless it says otherwise.
    assert result.ledger["bytes_up"][-1] == 600 * 3 * 4 * 8
    # Half of u is what Q = I makes of it at ρ = σ.
    same = by_name("pisa-damped").build(problem, Settings(penalty=6.0, rho=6.0))
    other = run(PISA(penalty=6.0, preconditioner=Damped()), problem, steps=50).state.consensus
    np.testing.assert_allclose(run(same, problem, steps=50).state.consensus, other, rtol=1e-12)


BAD = [
    ("share", lambda: TopK(0.0)),
    ("share", lambda: TopK(1.5)),
    ("bits", lambda: Quantised(1)),
    ("bits", lambda: Quantised(17)),
    ("bits", lambda: Quantised(8.5)),
    ("extrapolation", lambda: PISA(penalty=1.0, extrapolation=1)),
    ("rho", lambda: by_name("pisa").build(None, Settings(penalty=1.0, rho=2.0, preconditioner=TopK()))),
]


@pytest.mark.parametrize(("name", "call"), BAD, ids=[name for name, _ in BAD])
def test_bad_arguments_are_named(name, call):
    with pytest.raises(ValueError, match=rf"^{name}: "):
        call()


def test_a_contraction_must_say_what_it_does():
    with pytest.raises(TypeError, match="abstract"):
        Contraction()

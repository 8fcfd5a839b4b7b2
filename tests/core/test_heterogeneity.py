"""Partitions cover every row once, keep their promises and are reproducible; the measures match their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pisa_lab.problem import from_functions
from problems import heterogeneity, transforms
from problems.heterogeneity import PARTITIONS, partition
from problems.linear import least_squares
from problems.quadratics import quadratic, random_quadratic

SPECS = (
    "iid",
    "identical",
    "shifted",
    "label:2",
    "label:5",
    "dirichlet:0.3",
    "dirichlet:100",
    "quantity:0.5",
    "noise:0.4",
)
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(5), (20, 40, 60, 80, 100)))
FEATURES = np.random.default_rng(1).normal(size=(300, 4)) + LABELS[:, None]


def held(split, labels=LABELS):
    return [set(labels[part].tolist()) for part in split.parts]


def test_specs_name_every_kind():
    assert {spec.split(":")[0] for spec in SPECS} == {row.kind for row in PARTITIONS}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("clients", [3, 8])
def test_every_row_belongs_to_exactly_one_client(spec, clients):
    split = partition(spec, LABELS, clients, seed=1, features=FEATURES)
    assert len(split.parts) == clients
    assert split.spec == spec
    if spec == "identical":
        assert split.overlapping
        assert all(part.tolist() == list(range(300)) for part in split.parts)
    else:
        assert not split.overlapping
        assert_array_equal(np.sort(np.concatenate(split.parts)), np.arange(300))
        assert sum(split.sizes) == 300
    assert min(split.sizes) >= 1
    assert all(part.dtype == np.int64 and np.all(np.diff(part) > 0) for part in split.parts)


@pytest.mark.parametrize("spec", SPECS)
def test_a_seed_is_a_partition(spec):
    one, two, other = (partition(spec, LABELS, 4, seed=seed, features=FEATURES) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(one.parts, two.parts, strict=True))
    assert_array_equal(heterogeneity.apply(one, FEATURES), heterogeneity.apply(two, FEATURES))
    if spec != "identical":
        assert not all(np.array_equal(a, b) for a, b in zip(one.parts, other.parts, strict=True))


@settings(max_examples=60, deadline=None)
@given(classes=st.integers(2, 7), clients=st.integers(1, 12), per_client=st.integers(1, 7), seed=st.integers(0, 2**32))
def test_label_gives_each_client_k_labels_and_each_label_a_client(classes, clients, per_client, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(classes), 15))
    if per_client > classes or clients * per_client < classes:
        with pytest.raises(ValueError, match=r"^spec: label"):
            partition(f"label:{per_client}", labels, clients, seed=seed)
        return
    split = partition(f"label:{per_client}", labels, clients, seed=seed)
    own = held(split, labels)
    assert all(len(labels_held) == per_client for labels_held in own)
    assert set().union(*own) == set(range(classes))
    for label in range(classes):
        shards = [np.sum(labels[part] == label) for part in split.parts if label in labels[part]]
        assert max(shards) - min(shards) <= 1


def test_label_one_on_binary_labels_alternates_as_niid_bench_does():
    labels = np.repeat([-1.0, 1.0], (70, 30))
    own = held(partition("label:1", labels, 4, seed=0), labels)
    assert own == [{-1.0}, {1.0}, {-1.0}, {1.0}]


def test_small_dirichlet_skews_labels_more_than_large():
    distances = [
        np.mean(
            [heterogeneity.label_distance(partition(f"dirichlet:{b}", LABELS, 5, seed=s), LABELS) for s in range(10)]
        )
        for b in (0.1, 1.0, 10.0, 1000.0)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 5 * distances[-1]


def test_small_quantity_skews_sizes_more_than_large():
    largest = [
        np.mean([max(partition(f"quantity:{b}", LABELS, 5, seed=s).sizes) for s in range(10)]) for b in (0.5, 5, 500)
    ]
    assert largest == sorted(largest, reverse=True)
    # Shares from Dirichlet(500) deviate from 60 rows by about 300·sqrt(.16/2501) = 2.4.
    assert largest[-1] < 75


@pytest.mark.parametrize("spec", ["dirichlet:0.3", "quantity:0.5"])
def test_the_minimum_of_rows_is_kept(spec):
    smallest = [min(partition(spec, LABELS, 4, seed=seed).sizes) for seed in range(10)]
    assert min(smallest) >= 10
    assert min(min(partition(spec, LABELS, 4, seed=s, minimum_rows=40).sizes) for s in range(5)) >= 40


def test_dirichlet_gives_no_further_label_to_a_client_with_its_share():
    for seed in range(10):
        split = partition("dirichlet:0.2", LABELS, 4, seed=seed)
        for part in split.parts:
            assert np.sum(LABELS[part] < LABELS[part].max()) < 75


def test_shifted_sorts_the_rows_along_one_direction():
    split = partition("shifted", LABELS, 4, seed=0, features=FEATURES)
    means = np.stack([FEATURES[part].mean(axis=0) for part in split.parts])
    even = partition("iid", LABELS, 4, seed=0)
    usual = np.stack([FEATURES[part].mean(axis=0) for part in even.parts])
    # Blocks of 75 along a direction in four dimensions: far from the 1/sqrt(75) by which random blocks differ.
    assert np.ptp(means, axis=0).max() > 3 * np.ptp(usual, axis=0).max()
    assert split.sizes == (75, 75, 75, 75)


def test_noise_grows_with_the_client_and_touches_nothing_else():
    x = np.zeros((4000, 5))
    split = partition("noise:0.8", np.tile([0, 1], 2000), 4, seed=3)
    assert split.feature_noise == pytest.approx((0.2, 0.4, 0.6, 0.8))
    noisy = heterogeneity.apply(split, x)
    for part, variance in zip(split.parts, split.feature_noise, strict=True):
        # 5,000 normal numbers: the sample variance is within 2 % in one deviation, 10 % in five.
        assert noisy[part].var() == pytest.approx(variance, rel=0.1)
    assert not x.any()
    assert_array_equal(heterogeneity.apply(partition("iid", np.tile([0, 1], 2000), 4, seed=3), x), x)
    assert not heterogeneity.apply(partition("noise:0", np.tile([0, 1], 2000), 4, seed=3), x).any()


def test_real_labels_are_cut_into_tenths():
    y = np.random.default_rng(2).normal(size=200)
    numbers = heterogeneity.classes(y)
    assert_array_equal(np.bincount(numbers), np.full(10, 20))
    assert all(y[numbers == k].max() < y[numbers == k + 1].min() for k in range(9))
    split = partition("label:1", y, 10, seed=0)
    assert all(len(set(numbers[part])) == 1 for part in split.parts)
    assert_array_equal(heterogeneity.classes(np.asarray([-1.0, 1.0, 1.0])), (0, 1, 1))
    assert_array_equal(heterogeneity.classes(np.asarray(["b", "a", "b"])), (1, 0, 1))
    assert heterogeneity.classes(np.arange(50)).max() == 49


BAD = {
    "unknown": (("moons", LABELS, 3), "spec"),
    "no text": ((3, LABELS, 3), "spec"),
    "empty": (("", LABELS, 3), "spec"),
    "argument missing": (("dirichlet", LABELS, 3), "spec"),
    "argument empty": (("dirichlet:", LABELS, 3), "spec"),
    "argument unwanted": (("iid:2", LABELS, 3), "spec"),
    "no number": (("dirichlet:much", LABELS, 3), "spec"),
    "zero": (("dirichlet:0", LABELS, 3), "spec"),
    "negative": (("quantity:-1", LABELS, 3), "spec"),
    "infinite": (("dirichlet:inf", LABELS, 3), "spec"),
    "nan": (("noise:nan", LABELS, 3), "spec"),
    "negative noise": (("noise:-0.1", LABELS, 3), "spec"),
    "label zero": (("label:0", LABELS, 3), "spec"),
    "label half": (("label:1.5", LABELS, 3), "spec"),
    "too many labels": (("label:6", LABELS, 3), "spec"),
    "too few holders": (("label:1", LABELS, 3), "spec"),
    "rare label": (("label:2", np.asarray([0] * 20 + [1]), 4), "spec"),
    "hopeless skew": (("quantity:0.001", LABELS, 30), "spec"),
    "no clients": (("iid", LABELS, 0), "clients"),
    "more clients than rows": (("iid", LABELS[:4], 5), "clients"),
    "shifted blind": (("shifted", LABELS, 3), "features"),
    "labels empty": (("iid", [], 1), "y"),
    "labels nan": (("iid", [0.5, np.nan], 1), "y"),
    "labels square": (("iid", np.ones((2, 2)), 1), "y"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_its_argument(case):
    arguments, name = BAD[case]
    with pytest.raises(ValueError, match=rf"^{name}: ") as caught:
        partition(*arguments, seed=0)
    assert "\n" not in str(caught.value)


def test_other_bad_input():
    with pytest.raises(ValueError, match=r"^minimum_rows: "):
        partition("dirichlet:1", LABELS, 4, seed=0, minimum_rows=76)
    with pytest.raises(ValueError, match=r"^features: "):
        partition("shifted", LABELS, 4, seed=0, features=FEATURES[:-1])
    with pytest.raises(ValueError, match=r"^seed: "):
        partition("iid", LABELS, 4, seed=-1)
    with pytest.raises(ValueError, match=r"^X: "):
        heterogeneity.apply(partition("iid", LABELS, 4, seed=0), FEATURES[:-1])
    with pytest.raises(ValueError, match=r"^parts: "):
        heterogeneity.Partition(spec="iid", parts=(np.asarray([0, 1]), np.asarray([1])), rows=2, seed=0)
    with pytest.raises(ValueError, match=r"^y: "):
        heterogeneity.measure(random_quadratic(), np.zeros(5), y=LABELS)


def test_label_distance_is_the_mean_total_variation():
    labels = np.asarray([0, 0, 1, 1])
    apart = heterogeneity.Partition(spec="label:1", parts=(np.asarray([0, 1]), np.asarray([2, 3])), rows=4, seed=0)
    assert heterogeneity.label_distance(apart, labels) == 0.5
    assert heterogeneity.label_distance(partition("identical", labels, 3, seed=0), labels) == 0.0


def test_measure_matches_the_exact_numbers_of_a_quadratic(library):
    host = random_quadratic(2, clients=3, rotation=0.7, spread=0.05, weights=(0.5, 0.3, 0.2))
    problem = transforms.on_backend(host, library)
    found = heterogeneity.measure(problem, problem.initial)
    gradients = host.client_grad(host.initial[None, :])
    mean = host.weights @ gradients
    assert found.gradient == pytest.approx(float(host.weights @ ((gradients - mean) ** 2).sum(axis=1)), rel=1e-12)
    gaps = host.hessians - np.einsum("i,ipq->pq", host.weights, host.hessians)
    exact = float(np.linalg.norm(gaps, ord=2, axis=(1, 2)).max())
    # From below, and within 2 % once 30 power steps have separated the eigenvalues.
    assert 0.98 * exact <= found.curvature <= exact * (1 + 1e-12)
    assert heterogeneity.curvature_spread(host, host.initial, steps=2000) == pytest.approx(exact, rel=1e-6)
    assert found.imbalance == pytest.approx(1.5, rel=1e-15)
    assert found.label_distance is None


def test_identical_clients_measure_zero():
    y = np.random.default_rng(0).normal(size=300)
    split = partition("identical", y, 3, seed=0)
    problem = least_squares(FEATURES, y, split.parts)
    found = heterogeneity.measure(problem, problem.initial, split=split, y=y)
    # Differences of equal sums of 300 numbers of order 10.
    assert found.gradient < 1e-24
    assert found.curvature < 1e-12
    assert (found.imbalance, found.label_distance) == (pytest.approx(1.0, rel=1e-15), 0.0)


def test_heterogeneity_orders_partitions_of_data():
    found = {}
    for spec in ("iid", "shifted", "label:1"):
        split = partition(spec, LABELS, 5, seed=0, features=FEATURES)
        problem = least_squares(FEATURES, LABELS.astype(float), split.parts)
        found[spec] = heterogeneity.measure(problem, problem.initial, split=split, y=LABELS)
    for name in ("gradient", "curvature", "label_distance"):
        assert getattr(found["iid"], name) < getattr(found["shifted"], name) <= getattr(found["label:1"], name)


def test_a_problem_without_hvp_has_no_curvature_spread():
    plain = from_functions([(lambda w: float(w @ w) / 2, lambda w: w)] * 2, np.ones(3), lipschitz=1.0)
    assert heterogeneity.measure(plain, np.ones(3)).curvature is None


def test_one_client_has_no_spread():
    problem = quadratic(np.eye(2)[None], np.ones((1, 2)))
    assert heterogeneity.curvature_spread(problem, np.zeros(2)) == 0.0

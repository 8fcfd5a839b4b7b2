"""The monitor names the hypothesis that absent, compressed and late clients violate, and is silent where none is."""

import dataclasses
import math

import numpy as np
import pytest
from monitor_cases import known

from pisa_lab import PISA, nsisa, run, sisa, thresholds
from pisa_lab.baselines import FedSGD
from pisa_lab.late import Late
from pisa_lab.monitor import Hypothesis, Monitor
from pisa_lab.preconditioners import Contraction, ScaledSign, TopK

PARTICIPATION, CONTRACTION, DELAY = (Hypothesis[name] for name in ("PARTICIPATION", "CONTRACTION", "DELAY"))


def watched(method, *, steps=20, participation=None, lipschitz=1.0, seeds=None, **settings):
    problem = known()
    monitor = Monitor(
        problem, method, every=5, participation=participation, lipschitz=lipschitz, seeds=seeds, **settings
    )
    run(method, problem, steps=steps, participation=participation, seeds=seeds, callback=monitor, **settings)
    return monitor


def named(monitor):
    return {finding.hypothesis for finding in monitor.violations()} & {PARTICIPATION, CONTRACTION, DELAY}


def at(threshold, factor=1.0):
    """Return the penalty ``factor`` times what ``threshold`` asks for, with the problem's ridge."""
    return factor * thresholds.least_penalty(threshold, 1.0, known().ridge)


HALF = thresholds.participation_margin(0.0, 0.5)
TWO = thresholds.participation_margin(0.0, 2 / 3)
LATE = thresholds.delay_margin(2, 1.0)
SPARSE = TopK(0.5)
SENT = thresholds.contraction_margin(0.5)
AHEAD = thresholds.contraction_margin(0.5, extrapolation=True)
CASES = [
    ("half there", lambda sigma: PISA(penalty=sigma), 0.5, HALF, {PARTICIPATION}),
    ("two of three", lambda sigma: PISA(penalty=sigma), 2, TWO, {PARTICIPATION}),
    ("late", lambda sigma: Late(PISA(penalty=sigma), 2), None, LATE, {DELAY}),
    ("late and half there", lambda sigma: Late(PISA(penalty=sigma), 2), 0.5, thresholds.delay_margin(2, HALF), {DELAY}),
    ("top-k", lambda sigma: PISA(penalty=sigma, preconditioner=SPARSE, extrapolation=False), None, SENT, {CONTRACTION}),
    ("top-k ahead", lambda sigma: PISA(penalty=sigma, preconditioner=SPARSE), None, AHEAD, {CONTRACTION}),
    (
        "top-k, half there",
        lambda sigma: PISA(penalty=sigma, preconditioner=SPARSE, extrapolation=False),
        0.5,
        thresholds.contraction_margin(0.5, probability=0.5),
        {PARTICIPATION},
    ),
]


@pytest.mark.parametrize("seeds", [None, 2])
@pytest.mark.parametrize(("build", "participation", "threshold", "expected"), [case[1:] for case in CASES])
def test_a_penalty_below_the_threshold_names_why(build, participation, threshold, expected, seeds):
    low = watched(build(at(threshold, 0.98)), participation=participation, seeds=seeds)
    assert named(low) == expected
    finding = next(finding for finding in low.violations() if finding.hypothesis in expected)
    assert finding.iteration == 5
    assert finding.numbers["margin"] < finding.numbers["needed"] == pytest.approx(threshold, rel=1e-12)
    assert "is asked for" in str(finding)
    high = watched(build(at(threshold, 1.001)), participation=participation, seeds=seeds)
    assert named(high) == set()
    assert all(row["margin"] >= threshold for row in high.rows)


def test_both_are_named_where_both_ask_for_more():
    low = watched(Late(PISA(penalty=at(HALF, 0.9)), 2), participation=0.5)
    assert named(low) == {PARTICIPATION, DELAY}
    low = watched(PISA(penalty=at(SENT, 0.9), preconditioner=SPARSE, extrapolation=False), participation=0.5)
    assert named(low) == {PARTICIPATION, CONTRACTION}


def test_the_preconditioner_raises_what_is_asked_for():
    """SISA clipped at 1 with ρ = σ has β ≤ 1: the threshold lies between those of β = 0 and of β = 1."""
    method = sisa(20.0, rho=20.0, clip=1.0)
    rows = watched(method, participation=0.5).rows
    top = max(row["participation_margin"] for row in rows)
    assert thresholds.participation_margin(0.0, 0.5) < top <= thresholds.participation_margin(1.0, 0.5) * (1 + 1e-9)
    expected = [thresholds.participation_margin(row["metric_largest"], 0.5) for row in rows]
    assert [row["participation_margin"] for row in rows] == pytest.approx(expected)


@pytest.mark.parametrize("method", [PISA(penalty=1.1), FedSGD(rate=0.5), sisa(0.9)])
def test_nothing_is_said_of_who_is_always_there_in_time(method):
    monitor = watched(method)
    assert named(monitor) == set()
    assert all(math.isnan(row["participation_margin"]) and math.isnan(row["absence"]) for row in monitor.rows)


@pytest.mark.parametrize(
    ("method", "participation"),
    [
        (nsisa(1.1), 0.5),
        (Late(PISA(penalty=1.1, preconditioner=SPARSE), 1), None),
    ],
)
def test_no_threshold_is_made_up_where_no_theorem_says_one(method, participation):
    monitor = watched(method, participation=participation)
    assert named(monitor) == set()
    names = ("participation_margin", "contraction_margin", "delay_margin")
    assert all(math.isnan(row[name]) for row in monitor.rows for name in names)


def test_a_sign_is_judged_of_clients_that_answer_alone():
    """An absent client stands still, and a late one answers an old gradient: neither says anything of NSISA's sign."""
    for method, participation in ((nsisa(4.0), 0.5), (Late(nsisa(4.0), 2), None)):
        rows = watched(method, participation=participation).rows
        assert all(math.isnan(row["same_sign"]) for row in rows)
    assert all(0 <= row["same_sign"] <= 1 for row in watched(nsisa(4.0)).rows)


def test_nothing_is_said_without_a_lipschitz_constant():
    problem = known()
    bare = type("Bare", (), {"__getattr__": lambda self, name: getattr(problem, name), "lipschitz": math.inf})()
    monitor = Monitor(bare, PISA(penalty=0.5), every=5, participation=0.5)
    run(PISA(penalty=0.5), bare, steps=5, participation=0.5, callback=monitor)
    assert named(monitor) == set()
    assert math.isnan(monitor.rows[0]["margin"])


# --- promises


@dataclasses.dataclass(frozen=True)
class Liar(Contraction):
    """Doubles u where its ϖ allows a loss of a quarter."""

    def contraction(self, size):
        return 0.75

    def compress(self, vectors):
        return 2.0 * vectors


def test_a_contraction_that_loses_more_than_it_promised_is_named():
    monitor = watched(PISA(penalty=30.0, preconditioner=Liar(), extrapolation=False))
    finding = next(finding for finding in monitor.violations() if finding.hypothesis is CONTRACTION)
    assert finding.numbers == pytest.approx({"lost": 1.0, "promised": 0.25})


@pytest.mark.parametrize("operator", [SPARSE, ScaledSign(), TopK(0.1)], ids=repr)
@pytest.mark.parametrize("participation", [None, 0.5, 1])
@pytest.mark.parametrize("batches", [None, 4])
def test_an_honest_contraction_is_measured_and_kept(operator, participation, batches):
    """The monitor draws the batches and who is there again: one of its own would show losses beyond 1 − ϖ."""
    method = PISA(penalty=200.0, preconditioner=operator, extrapolation=False)
    monitor = watched(method, participation=participation, batches=batches, seeds=2)
    assert named(monitor) == set()
    for row in monitor.rows:
        assert 0 <= row["lost_share"] <= row["lost_bound"] * (1 + 1e-9)
        assert row["lost_bound"] == 1 - operator.contraction(known().initial.size)
    assert max(row["lost_share"] for row in monitor.rows) > 0.1


def test_at_the_solution_rounding_is_no_loss():
    method = PISA(penalty=10.0, preconditioner=SPARSE, extrapolation=False)
    assert named(watched(method, steps=2000)) == set()


class Truant:
    """The first client is there in the first rounds alone, the others always."""

    def present(self, keys):
        flags = keys < 2.0
        flags[..., 0] = keys[..., 0] < 0.0
        return flags


def test_a_client_that_never_comes_is_named():
    monitor = watched(PISA(penalty=4.0), participation=Truant(), steps=100)
    finding = next(finding for finding in monitor.violations() if finding.hypothesis is PARTICIPATION)
    # Two of three there: 50/(2/3) = 75 rounds.
    assert finding.iteration == 80
    assert finding.numbers == pytest.approx({"absence": 80, "bound": 75})
    assert named(watched(PISA(penalty=4.0), participation=Truant(), steps=70)) == set()


def test_absence_is_counted_as_it_was():
    monitor = watched(PISA(penalty=40.0), participation=1, steps=60, seeds=2)
    from pisa_lab.participation import attendance

    present = attendance(1, PISA(penalty=40.0), known(), (0, 1), experiment=0)
    flags = np.asarray([present(number) for number in range(60)])
    for row in monitor.rows:
        done = flags[: row["iteration"], row["seed"]]
        away = [next((k for k, there in enumerate(column[::-1]) if there), len(done)) for column in done.T]
        assert row["absence"] == max(away)


def test_a_method_that_knows_no_absence_is_refused():
    with pytest.raises(ValueError, match=r"^participation: FedSGD"):
        Monitor(known(), FedSGD(rate=0.1), participation=0.5)

"""Absent, compressed and late clients: the claims hold, and wrong methods or thresholds fail them."""

import dataclasses

import numpy as np
import pytest

from pisa_lab import late, presence, thresholds
from pisa_lab import method as method_module
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Quantised, ScaledSign, TopK
from proofs_check import table
from proofs_check.claim import Verdict, judge
from proofs_check.measured import absent, absent_edges

NAMES = [claim.name for claim in (*absent.CLAIMS_ABSENT, *absent_edges.CLAIMS_ABSENT_EDGES)]
CLIENT, SERVER, POINTS = PISA.client_update, PISA.server_update, late.Late._points


def caught(name):
    return not table.by_name(name).run(0, "quick").as_expected


@pytest.mark.parametrize("name", NAMES)
def test_the_right_method_is_as_expected(name):
    assert not caught(name)


# --- wrong methods


def replaced_multiplier(self, state, at):
    """Let an absent client forget its multiplier."""
    new = CLIENT(self, state, at)
    if at.active is None:
        return new
    return new._replace(multiplier=np.where(at.active[..., None], new.multiplier, 0.0))


def kept_deviation(self, state, at):
    """Leave an absent client where it was: the other reading, in which it counts with its old w_i."""
    new = CLIENT(self, state, at)
    return (
        new
        if at.active is None
        else new._replace(deviation=presence.keep_absent(at.active, new.deviation, state.deviation))
    )


def everybody(self, state, at):
    return CLIENT(self, state, at._replace(active=None))


def doubled_when_there(self, state, at):
    """Weigh who is there by 1/π, as an unbiased estimate of the sum would."""
    new = CLIENT(self, state, at)
    return new if at.active is None else new._replace(deviation=2 * new.deviation)


def always_ahead(self, state):
    return SERVER(dataclasses.replace(self, extrapolation=True), state)


def never_ahead(self, state):
    return SERVER(dataclasses.replace(self, extrapolation=False), state)


def smallest(self, vectors):
    rank = np.argsort(np.argsort(-np.abs(vectors), axis=-1), axis=-1)
    return np.where(rank >= vectors.shape[-1] - self.count(vectors.shape[-1]), vectors, 0.0)


def unscaled(self, vectors):
    return np.where(vectors >= 0, 1.0, -1.0)


def rounded_up(self, vectors):
    top = np.max(np.abs(vectors), axis=-1, keepdims=True)
    return np.sign(vectors) * top


def a_round_later(self, w, past, state):
    return (
        POINTS(self, past[0][:, None] if state.client_axis else past[0][None], (*past[1:], past[-1]), state)
        if past
        else w
    )


def never_late(self, w, past, state):
    return w


PARTICIPATION = ["N7-participation", "N7-participation-edge"]
MUTANTS = {
    "absent clients forget π": (
        PISA,
        "client_update",
        replaced_multiplier,
        ["N7-participation", "N7-participation-edge"],
    ),
    "absent clients stay": (PISA, "client_update", kept_deviation, ["N7-participation-edge"]),
    "everybody is there": (PISA, "client_update", everybody, ["N7-participation-edge"]),
    "weights 1/π": (PISA, "client_update", doubled_when_there, ["N7-participation-edge"]),
    "extrapolation always": (PISA, "server_update", always_ahead, ["N7-compression", "N7-compression-edge"]),
    "extrapolation never": (PISA, "server_update", never_ahead, ["N7-compression-edge", "N7-delay-edge"]),
    "the smallest entries": (TopK, "compress", smallest, ["N7-compression"]),
    "signs without their scale": (ScaledSign, "compress", unscaled, ["N7-compression"]),
    "every entry the largest": (Quantised, "compress", rounded_up, ["N7-compression"]),
    "a round later": (late.Late, "_points", a_round_later, ["N7-delay-edge"]),
    "never late": (late.Late, "_points", never_late, ["N7-delay-edge", "N7-constant-delay-is-worst"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_method_is_caught(monkeypatch, name):
    where, what, wrong, claims = MUTANTS[name]
    monkeypatch.setattr(where, what, wrong)
    assert [claim for claim in claims if not caught(claim)] == []


# --- wrong thresholds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "claims"),
    [
        ("participation_margin", ["N7-participation", "N7-participation-edge"]),
        ("contraction_margin", ["N7-compression", "N7-compression-edge"]),
        ("delay_margin", ["N7-delay", "N7-delay-edge"]),
    ],
)
def test_a_threshold_of_a_tenth_is_caught(monkeypatch, formula, claims):
    right = getattr(thresholds, formula)
    monkeypatch.setattr(thresholds, formula, lambda *numbers, **settings: right(*numbers, **settings) / 10)
    assert [claim for claim in claims if not caught(claim)] == []


@pytest.mark.parametrize("name", NAMES[:3])
def test_far_below_the_threshold_the_potential_rises(name):
    """The same runs with a fiftieth of the margin that N7 asks for: most of them break the inequality."""
    claim = table.by_name(name)
    trials = {"N7-participation": (6, 30), "N7-compression": (8, 30), "N7-delay": (15, 30)}
    grids = {
        "N7-participation": {"probability": (0.05, 0.3, 0.95), "law": ("independent", "one"), "beta": (0.0, 4.0)},
        "N7-compression": {"operator": tuple(absent.CONTRACTIONS), "extrapolation": (False, True)},
        "N7-delay": {"limit": (1, 4), "beta": (0.0, 4.0)},
    }
    least, count = trials[name]
    extra = {} if name == "N7-compression" else {"preconditioner": absent.KINDS}
    instances = [row | {"share": 0.02} for row in absent._grid(1, count, **grids[name], **extra)]
    evidence = judge(claim.trial, instances)
    assert evidence.verdict is Verdict.REFUTED
    assert evidence.numbers["violations"] >= least


def test_the_edges_are_found_from_both_sides():
    assert absent_edges.edge_of(lambda kappa: 2 / kappa, 1.0, 5.0) == pytest.approx(2.0)
    for low, high in ((3.0, 5.0), (0.5, 1.0)):
        with pytest.raises(ValueError, match=r"^edge: "):
            absent_edges.edge_of(lambda kappa: 2 / kappa, low, high)
    # A simulated second moment grows below the edge and falls above it.
    for probability, edge in absent_edges.PARTICIPATION_EDGES.items():
        assert absent_edges.mean_square_radius(0.99 * edge, probability) > 1
        assert absent_edges.mean_square_radius(1.01 * edge, probability) < 1


def test_the_matrix_of_a_round_is_the_round():
    """On a random state the linear map gives what the method gives."""
    rng = np.random.default_rng(0)
    for method, active in (
        (PISA(penalty=2.5), True),
        (PISA(penalty=2.5), False),
        (late.Late(PISA(penalty=2.5), 3), None),
    ):
        start = method.init(absent_edges.PARABOLA, absent_edges.PARABOLA.initial)
        vector = rng.normal(size=absent_edges._flat(start).size)
        state = absent_edges._state(start, vector, 0)
        marks = None if active is None else np.asarray([active])
        oracle = lambda w, marks=marks: method_module.Observation(absent_edges.PARABOLA.client_grad(w), active=marks)  # noqa: E731
        expected = absent_edges._flat(method.step(state, oracle))
        np.testing.assert_allclose(absent_edges.round_matrix(method, active=active) @ vector, expected, rtol=1e-13)

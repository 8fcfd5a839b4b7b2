"""The worst-case engine, its lemma, its certificates and its witnesses."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from certified_cases import SOLVER, _symmetric

from proofs_check.certified import engine
from proofs_check.certified.__main__ import main
from proofs_check.certified.any_q_edge import EDGE_CLAIM
from proofs_check.certified.certificate import certify, to_rationals
from proofs_check.certified.checker import verify
from proofs_check.certified.claims import CERTIFICATE_CLAIMS, CLAIMS_CERTIFIED
from proofs_check.certified.decrease import certify_decrease, steepest_rise
from proofs_check.certified.engine import solve
from proofs_check.certified.interpolant import Interpolant, violation
from proofs_check.certified.one_step import round_of
from proofs_check.certified.refutations import REFUTED_CLAIMS
from proofs_check.certified.refute import replay_function, worst_function
from proofs_check.certified.rising import replay_round, rising_round
from proofs_check.certified.rows import worst_case
from proofs_check.certified.setting import Setting, exact, fedavg_setting, pisa_setting
from proofs_check.certified.witnesses import WITNESSES, witness
from proofs_check.claim import Verdict


def test_nothing_is_certified_where_there_is_no_bound():
    with pytest.raises(ValueError, match="unbounded"):
        certify(pisa_setting("nonconvex", 4, sigma=3, rho=(0, 2), clients=2, metric="last_gradient"))
    with pytest.raises(ValueError, match="no decrease"):
        certify_decrease(round_of("lagrangian", sigma="8/5"))


def test_repair_solves_exactly_or_says_none():
    one, two = Fraction(1), Fraction(2)
    columns = [{"a": one, "b": -one}, {"b": two}, {"a": one}]
    solution = to_rationals(columns, [0.3, 0.15, 0.7], {"a": one}, digits=3)
    assert sum(c.get("a", 0) * y for c, y in zip(columns, solution, strict=True)) == 1
    assert sum(c.get("b", 0) * y for c, y in zip(columns, solution, strict=True)) == 0
    assert solution == pytest.approx([0.3, 0.15, 0.7], abs=1e-3)
    assert to_rationals([{"a": one}], [0.5], {"a": -one}, digits=3) is None


def test_regeneration_writes_what_the_checker_accepts(tmp_path, capsys, monkeypatch):
    from proofs_check.certified import catalogue, witnesses

    monkeypatch.setattr(catalogue, "THEOREMS", catalogue.THEOREMS[:2])
    monkeypatch.setattr(witnesses, "WITNESSES", {"rise-convex": WITNESSES["rise-convex"]})
    assert main([str(tmp_path)]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.parent.name for path in paths] == ["certificates", "certificates", "witnesses"]
    assert all(verify(path.read_text(encoding="utf-8")) for path in paths[:2])
    assert main(["--help"]) == 2


def test_the_shipped_certificates_have_the_checkers_present_words(tmp_path):
    import shutil

    from proofs_check.certified import catalogue

    folder = Path(shutil.copytree(catalogue.FOLDER, tmp_path / "certificates"))
    paths = catalogue.reword_all(folder)
    assert len(paths) == len(catalogue.THEOREMS)
    for path in paths:
        assert path.read_bytes() == (catalogue.FOLDER / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", WITNESSES)
def test_witnesses_show_what_they_are_kept_for(name):
    kept = witness(name)
    if "state" in kept:
        found = replay_round(kept)
        assert found["rise"] == pytest.approx(kept["rise"], abs=1e-6)
        assert found["rise"] > 1e-3
    else:
        found = replay_function(kept)
        assert found["gap"] == pytest.approx(1.0, abs=1e-6)
        assert found["attained"] == pytest.approx(found["value"], abs=1e-6)


def test_fresh_witnesses_are_attained():
    # Unequal ρ, two clients: F* is not read off the program there, only the ratio to its own gap.
    setting = pisa_setting("nonconvex", 3, sigma=3, rho=(0, 2), clients=2, warm=True)
    instance = json.loads(json.dumps(worst_function(solve(setting))))
    assert replay_function(instance)["attained"] == pytest.approx(instance["value"], abs=1e-6)
    rising = json.loads(json.dumps(rising_round(round_of("lagrangian", "convex", sigma="7/5"))))
    # The rational witness is searched in a class smaller by a thousandth.
    assert replay_round(rising)["rise"] == pytest.approx(
        steepest_rise(round_of("lagrangian", "convex", sigma="7/5")).rise, rel=0.05
    )


def test_witnesses_that_cannot_be_had_say_why():
    with pytest.raises(ValueError, match=r"^question"):
        rising_round(round_of("lagrangian", sigma=2))
    with pytest.raises(ValueError, match=r"^question"):
        rising_round(round_of("residual", sigma=2, factor="1/2"))
    with pytest.raises(ValueError, match=r"^answer"):
        worst_function(solve(fedavg_setting("convex", 1)))
    with pytest.raises(ValueError, match=r"^name"):
        witness("absent")


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 2.0), (0.5, 1.5)])
def test_interpolant_passes_through_its_data_and_stays_in_its_class(low, high):
    rng = np.random.default_rng(3)
    hessian = _symmetric(rng, low, high)
    points = rng.standard_normal((5, 2))
    gradients, values = points @ hessian, np.sum(points @ hessian * points, axis=1) / 2
    assert violation(points, gradients, values, low=low, high=high) <= 1e-12
    data = (tuple(map(tuple, points)), tuple(map(tuple, gradients)), tuple(values))
    function = Interpolant(*data, low, high)
    for x, g, f in zip(points, gradients, values, strict=True):
        assert function.value(x) == pytest.approx(f, abs=1e-10)
        assert function.gradient(x) == pytest.approx(g, abs=1e-8)
    others = rng.standard_normal((12, 2)) * 3
    found = np.stack([function.gradient(x) for x in others])
    heights = np.array([function.value(x) for x in others])
    assert violation(others, found, heights, low=low, high=high) <= 1e-8
    # The largest of its class lies above the quadratic that made the data.
    assert np.all(heights >= np.sum(others @ hessian * others, axis=1) / 2 - 1e-9)
    shift = 1e-5 * np.array([1.0, -2.0])
    slope = (function.value(others[0] + shift) - function.value(others[0] - shift)) / 2
    assert slope == pytest.approx(float(function.gradient(others[0]) @ shift), abs=1e-9)


def test_violation_sees_data_that_no_function_has():
    points, gradients = np.array([[0.0], [1.0]]), np.array([[0.0], [3.0]])
    assert violation(points, gradients, np.array([0.0, 1.5]), low=-1.0, high=1.0) > 0.1


@pytest.mark.parametrize("claim", [*CERTIFICATE_CLAIMS, EDGE_CLAIM, *REFUTED_CLAIMS], ids=lambda claim: claim.name)
def test_claims_have_their_verdicts(claim):
    finding = claim.run(0, "quick")
    assert finding.as_expected, finding.evidence.detail
    if claim.trial is not None:
        assert float(claim.trial(finding.evidence.instance)["margin"]) == pytest.approx(finding.evidence.margin)


def test_solver_claims_have_their_verdicts_and_figure():
    claims = [claim for claim in CLAIMS_CERTIFIED if "clarabel" in claim.requires]
    assert len(claims) == 2
    for claim in claims:
        assert claim.run(0, "quick").as_expected
    figure = claims[1].run(0, "quick").evidence.figure
    assert {"title", "x_label", "y_label", "log", "curves"} <= set(figure)
    assert len({len(curve["x"]) for curve in figure["curves"]} | {len(curve["y"]) for curve in figure["curves"]}) == 1


def test_solver_claims_without_a_solver_are_inconclusive(monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "clarabel" else found(name))
    for claim in CLAIMS_CERTIFIED:
        verdict = claim.run(0, "quick").evidence.verdict if claim.requires == ("clarabel", "scipy") else None
        assert verdict in (None, Verdict.INCONCLUSIVE)


def test_certificates_need_no_solver(monkeypatch):
    monkeypatch.setattr(engine, "_clarabel", lambda *arguments: pytest.fail("the solver was called"))
    solve.cache_clear()
    assert CERTIFICATE_CLAIMS[0].run(0, "quick").evidence.verdict is Verdict.PROVED


def test_claim_names_are_unique():
    names = [claim.name for claim in CLAIMS_CERTIFIED]
    assert len(names) == len(set(names))


def test_row_of_a_worst_case(tmp_path):
    path = tmp_path / "theorem.json"
    found = worst_case("convex", sigma="2", rounds=3, clients=2, certificate=path)
    assert list(found.row) == [
        "class", "clients", "rounds", "sigma", "rho", "gamma", "ridge", "value", "status", "seconds"
    ]  # fmt: skip
    assert found.row["value"] == pytest.approx(0.4, abs=SOLVER)
    assert json.loads(path.read_text(encoding="utf-8"))["parameters"]["weights"] == ["1/2", "1/2"]
    assert verify(path.read_text(encoding="utf-8"))
    unbounded = worst_case(rounds=4, sigma=3, rho=(0, 2), clients=2, metric="last_gradient")
    assert unbounded.row["status"] == "unbounded"
    assert unbounded.row["value"] is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("function_class", {"function_class": "smooth"}),
        ("rounds", {"rounds": 0}),
        ("clients", {"clients": 0}),
        ("sigma", {"sigma": 0}),
        ("sigma", {"sigma": (1, 2), "clients": 3}),
        ("gamma", {"gamma": "5/4"}),
        ("rho", {"rho": (0, 1), "clients": 3}),
        ("order", {"order": "never"}),
        ("metric", {"metric": "loss"}),
        ("initial", {"initial": "near"}),
        ("modulus", {"function_class": "strongly-convex"}),
        ("heterogeneity", {"heterogeneity": -1}),
    ],
)
def test_bad_requests_name_their_argument(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}"):
        worst_case(**arguments)


def test_bad_settings_name_their_argument():
    for name, fields in (
        ("weights", {"weights": (Fraction(1, 2),)}),
        ("penalties", {"penalties": ()}),
        ("penalties", {"penalties": ((Fraction(0),), (Fraction(1),))}),
        ("lipschitz", {"lipschitz": (Fraction(0),), "penalties": ((Fraction(1),),) * 2}),
    ):
        with pytest.raises(ValueError, match=f"^{name}"):
            Setting(**fields)
    with pytest.raises(ValueError, match=r"^curvature"):
        round_of("lagrangian", sigma=0)
    with pytest.raises(ValueError, match=r"^q_bound"):
        round_of("lagrangian", sigma=2, q_bound=-1)


def test_numbers_are_taken_by_their_decimal_digits():
    assert exact(0.1) == Fraction(1, 10)
    assert exact("3/4") == Fraction(3, 4)
    assert exact(2) == 2


def test_command_writes_row_and_certificate(tmp_path, capsys):
    command = pytest.importorskip("proofs_check.commands.worst_case").command
    row, theorem = tmp_path / "row.json", tmp_path / "theorem.json"
    assert command("nonconvex", sigma="2", gamma="1", rounds=2, certificate=theorem, json_file=row) == 0
    (written,) = json.loads(row.read_text(encoding="utf-8"))
    assert written["value"] == pytest.approx(16 / 27, abs=SOLVER)
    assert verify(theorem.read_text(encoding="utf-8")) in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"^--sigma"):
        command(sigma="two")

"""The false theorems that an earlier checker called proved are false, and can be made anew."""

from fractions import Fraction

import pytest
from checker_cases import FORGED, accepted, document_of, rejection

from proofs_check.certified.exact_runs import pisa_path
from proofs_check.certified.matching import PiecewiseSlope


def bound_of(name):
    return Fraction(document_of(FORGED / f"{name}.json")["bound"])


def test_without_its_unstated_hypothesis_the_bound_is_false():
    slope, half = Fraction(1000), Fraction(1, 2)
    path = pisa_path(
        [lambda w: w + slope, lambda w: w - slope], Fraction(1), penalties=[[Fraction(3)] * 2] * 3,
        weights=(half, half), rho=(Fraction(0), Fraction(2)),
    )  # fmt: skip
    assert min(w**2 for w in path) / half > 2 * bound_of("unstated-hypothesis")  # F − inf F = 1/2 at w = 1


def test_with_any_lower_curvature_the_bound_is_false():
    steep = Fraction(8, 10**7)
    function = PiecewiseSlope(
        (Fraction(0), Fraction(4, 5), Fraction(4, 5) + steep), (Fraction(0), Fraction(4, 5), Fraction(0))
    )
    assert max(function.curvatures()) == 1
    assert function.derivative(Fraction(1)) == 0  # no step moves from w = 1, at distance 1 from the minimiser 0
    assert function.above_infimum(function.breakpoints[-1]) > Fraction(32, 100) > bound_of("infinite-curvature")


def test_what_the_floats_proved_is_false_and_its_exact_twin_fails_the_identity():
    document = document_of(FORGED / "float-division.json")
    given = document["parameters"]
    smoothness, step = Fraction(given["lipschitz"][0]), Fraction(given["step"])
    assert 2 * smoothness * (1 - smoothness * step) ** 2 > bound_of("float-division")  # x² = 2/L on (L/2)x²
    for name in ("curvature", "lipschitz"):
        given[name] = [str(given[name][0])]
    given["ridge"] = "0"
    assert "identity" in rejection(document)


def test_the_forgeries_can_be_made_anew_and_are_rejected():
    pytest.importorskip("clarabel")
    from forgeries import all_forgeries

    made = dict(all_forgeries())
    assert {f"{name}.json" for name in made} == {path.name for path in FORGED.glob("*.json")}
    for name, text in made.items():
        assert accepted(text) is None, name

"""The checker's rows are those of the engine that found the certificates, for every kind of row and both parts."""

import pytest
from checker_oracle import ROUNDING, ROUNDS, SETTINGS, round_distance, run_distance


@pytest.mark.parametrize("name", SETTINGS)
def test_engine_and_checker_build_the_same_rows(name):
    assert run_distance(SETTINGS[name]) < ROUNDING


@pytest.mark.parametrize("theorem", ROUNDS, ids=lambda theorem: theorem.name)
@pytest.mark.parametrize("mean", [0, 1])
def test_engine_and_checker_build_the_same_rounds(theorem, mean):
    assert round_distance(theorem, mean) < ROUNDING

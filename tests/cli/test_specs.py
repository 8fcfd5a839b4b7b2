"""One grammar: a word means the same in run, ablate, train and studies, or is refused when it is read."""

import types

import numpy as np
import pytest
from cli_cases import call
from small_study import document

from pisa_lab import methods, specs
from pisa_lab.ablation import study_from
from pisa_lab.ablation.execution import build
from pisa_lab.schedules import SCHEDULES, Geometric, InverseCosine, Polynomial, ResidualBalancing
from problems.commands.configuration import Configuration
from problems.deep import configuration as deep
from problems.studies import resolve

WORDS = {
    "constant": None,
    "geometric:0.9": Geometric(0.9),
    "polynomial": Polynomial(),
    "polynomial:0.5": Polynomial(0.5),
    "inverse-cosine": InverseCosine(7),
    "inverse-cosine:100": InverseCosine(100),
    "balancing": ResidualBalancing(),
    "balancing:3": ResidualBalancing(3.0),
}
ILL_FORMED = (
    "constant:7", "geometric", "geometric:", "geometric:2", "geometric:0", "geometric:nan", "geometric:x",
    "geometric:0_9", "geometric: 0.9", "inverse-cosine:5.5", "inverse-cosine:0", "inverse-cosine:1_0", "polynomial:-1",
    "polynomial:inf", "balancing:1", "linear", "Constant", "", "constant ", ":", "geometric:0.9:0.8",
)  # fmt: skip


def in_a_study(**changes):
    base = document()
    method = {"name": "mine", "grid": "damped", "preconditioner": "identity", **changes}
    return study_from({**base, "methods": [method], "evaluation": {}})


def deep_configuration(schedule):
    return deep.Configuration(
        family="vision", model="cnn", size="tiny", optimizer="sgd", rounds=7, batch=4, schedule=schedule
    )


def test_every_schedule_has_a_word():
    assert set(specs.SCHEDULE_WORDS) == set(SCHEDULES)
    assert {word.partition(":")[0] for word in WORDS} == set(SCHEDULES)


@pytest.mark.parametrize("word", WORDS)
def test_a_schedule_is_the_same_in_run_ablate_and_the_library(word):
    assert specs.schedule(word, rounds=7) == WORDS[word]
    asked = Configuration(problem="quadratic", method="pisa", schedule=word, steps=7)
    assert specs.schedule(asked.schedule) == WORDS[word]
    (spec,) = in_a_study(schedule=word).methods
    problem = resolve(in_a_study().problems[0].settings, 0).problem
    assert build(spec, problem, [4.0], [1.0], rounds=7).schedule == WORDS[word]


@pytest.mark.parametrize("word", ILL_FORMED)
def test_an_ill_formed_schedule_is_refused_everywhere_when_it_is_read(word):
    for read in (
        lambda: specs.schedule(word),
        lambda: Configuration(problem="quadratic", method="pisa", schedule=word),
        lambda: in_a_study(schedule=word),
        lambda: deep_configuration(word),
    ):
        with pytest.raises(ValueError, match=r"schedule: "):
            read()


def test_an_unknown_word_names_what_there_is():
    with pytest.raises(ValueError, match=r"constant, geometric:<number>, polynomial\[:<number>\], inverse-cosine"):
        specs.schedule("linear")


def test_a_rate_that_is_trained_with_is_one_over_the_penalty_of_the_same_word():
    state = types.SimpleNamespace(iteration=3)
    for word in ("polynomial:0.5", "inverse-cosine", "inverse-cosine:20"):
        schedule = specs.schedule(word, rounds=7)
        assert deep_configuration(word).factor(3) == pytest.approx(1 / schedule.next(np.ones(1), state)[0])
    assert deep_configuration("geometric:0.5").factor(3) == 0.5**4
    assert deep_configuration("constant").factor(3) == 1.0


UNUSED = [
    ({"method": "fedsgd", "grid": "plain", "preconditioner": "identity"}, "preconditioner"),
    ({"method": "fedsgd", "grid": "plain", "preconditioner": "", "schedule": "geometric:0.9"}, "schedule"),
    ({"method": "fedsgd", "grid": "plain", "preconditioner": "", "clip": 1.0}, "clip"),
    ({"method": "fedsgd", "grid": "plain", "preconditioner": "", "warm": True}, "warm"),
    ({"method": "fedsgd", "grid": "damped", "preconditioner": ""}, "rho"),
    ({"method": "fedsgd", "grid": "plain", "preconditioner": "", "local_steps": 3}, "local_steps"),
    ({"method": "nsisa", "preconditioner": "", "clip": 1.0}, "clip"),
    ({"method": "pisa", "preconditioner": "", "clip": 1.0}, "clip"),
    ({"method": "sisa"}, "preconditioner"),
]


@pytest.mark.parametrize(("changes", "option"), UNUSED)
def test_a_study_refuses_what_a_method_would_leave_unread_as_run_does(changes, option):
    with pytest.raises(ValueError, match=f"^methods: 'mine': {option}: "):
        in_a_study(**changes)


def test_what_each_method_takes_is_what_it_reads():
    """Build every row with each option changed: the built method differs exactly where the row says so."""
    arena = resolve(in_a_study().problems[0].settings, 0).problem
    changed = {
        "rho": 7.0, "schedule": Polynomial(0.5), "warm": True, "clip": 0.5, "local_steps": 3,
        "preconditioner": specs.preconditioner("identity", arena),
    }  # fmt: skip
    for row in methods.METHODS:
        for option, value in changed.items():
            plain = row.build(arena, methods.Settings(penalty=4.0))
            other = row.build(arena, methods.Settings(penalty=4.0, **{option: value}))
            # A clip reaches pisa with its preconditioner.
            assert (plain != other) == (option in row.takes and (row.name, option) != ("pisa", "clip")), (
                row.name,
                option,
            )


@pytest.mark.parametrize("jobs", ["0", "-1"])
@pytest.mark.parametrize("command", [["ablate", "--builtin", "preconditioners"], ["verify"], ["calibrate"]])
def test_no_command_takes_zero_processes(capsys, own_folder, command, jobs):
    code, _, err = call(capsys, *command, "--jobs", jobs)
    assert code == 2
    assert err.startswith("pisa-lab: error: --jobs: ")

"""What is wrong with a study is said in one line before its first trial."""

import datetime
import re
from pathlib import Path

import pytest
from small_study import document

from pisa_lab.ablation import Store, engine, read_study, run_study, study_from
from pisa_lab.ablation.queries import query
from pisa_lab.ledger import COSTS
from problems import studies
from problems.studies import resolve

PROBLEM, METHOD = document()["problems"][0], document()["methods"][0]


def with_problem(**changes):
    return {"problems": [{**PROBLEM, **changes}]}


def with_method(**changes):
    return {"methods": [{**METHOD, **changes}], "evaluation": {}}


def with_grid(**grid):
    return {"grids": {**document()["grids"], "damped": grid}}


READ = [
    ({"problems": {"name": "well"}}, "problems: must be tables, each under"),
    ({"problems": ["well"]}, "problems: must be tables"),
    ({"methods": "pisa"}, "methods: must be tables"),
    ({"budget": 12}, "budget: 12 must be a table"),
    ({"variants": {"quick": 3}}, "quick: 3 must be a table"),
    ({"only": "well"}, "only: 'well' must be a list"),
    ({"only": ["wel"]}, "only: 'wel' is not one of well"),
    (with_problem(vary={"noise": 3}), r"vary\.noise: 3 must be a list"),
    (with_problem(vary={"noise": []}), r"vary\.noise: \[\] must be a list"),
    (with_problem(vary=3), "vary: 3 must be a table"),
    (with_problem(noise=float("nan")), r"problems\.noise: nan is not a finite number"),
    (with_problem(noise=datetime.date(2020, 1, 1)), r"problems\.noise: '2020-01-01' must be a number"),
    (with_problem(make={"condition": float("inf")}), r"problems\.make\.condition: inf"),
    (with_problem(name=3), "name: 3 must be a word"),
    (with_problem(outcome=3), "outcome: 3 must be a word"),
    (with_problem(batch=0), r"problems\.batch: 0"),
    (with_method(method="pizza"), "methods: 'identity': method: 'pizza' is not one of pisa, "),
    (with_method(preconditioner="magic"), "methods: 'identity': preconditioner: 'magic' is not one of none, "),
    (with_method(metric="magic"), "methods: 'identity': metric: 'magic' is not one of ema, "),
    (with_method(metric=3), "methods: 'identity': metric: 3 must be a word"),
    (with_method(metric="ema", method="sisa", preconditioner=""), "methods: 'identity': metric: 'sisa' has none; what"),
    (with_method(schedule="geometric"), "methods: 'identity': schedule: 'geometric' must be"),
    (with_method(warm="yes"), "methods: 'identity': warm: 'yes' must be true or false"),
    (with_method(clip=-1), "methods: 'identity': clip: -1"),
    (with_method(grid="none"), "methods: 'identity': grid: 'none' is not one of damped, plain"),
    (with_grid(penalties={"from": 1, "to": 2, "count": 10**8}), r"study: [\d,]+ trials, at most 1,000,000"),
    (with_problem(vary={"a": list(range(3000)), "b": list(range(3000))}), r"study: [\d,]+ trials, at most"),
    ({"evaluation": {"seeds": 10**15}}, r"study: [\d,]+ trials, at most"),
    ({"evaluation": {"first_seed": 18446744073709551616}}, r"evaluation\.first_seed: 18446744073709551616 must be at"),
    ({"tuning": {"first_seed": 2**63}}, r"tuning\.first_seed: "),
    ({"budget": {"amount": 10**12}}, r"budget\.amount: 1000000000000 must be at most 10000000"),
    ({"budget": {"amount": 12, "records": 10**9}}, r"budget\.records: "),
    ({"tuning": {"measure": 3}}, "measure: 3 must be a word"),
]


@pytest.mark.parametrize(("changes", "message"), READ, ids=[message[:40] for _, message in READ])
def test_a_study_is_refused_when_it_is_read(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        study_from(document(**changes))


BEFORE = [
    ({"tuning": {"measure": "valdiation", "first_seed": 100}}, r"tuning\.measure: 'valdiation' is not one of gap, "),
    (with_problem(outcome="gaap"), "outcome: 'gaap' is not one of gap, objective, optimum, stationarity, validation"),
    (with_problem(score="acuracy"), "score: 'acuracy' is not one of"),
    (with_problem(family="quadratics"), "family: 'quadratics' is not one of quadratic, "),
    (with_problem(noize=0.1), "noize: not a setting of this problem, which has family, "),
    (with_problem(make={"dimensoin": 3}), "make: 'dimensoin' is not one of dimension, condition, rotation"),
    (with_problem(noise="loud"), "noise: 'loud'"),
    (with_problem(clients=0), "clients: 0"),
    (with_problem(make=3), "make: 3 must be a table"),
]
ODD = [None, True, 0, -1, 3, 10**30, 1e300, float("nan"), float("-inf"), "", "x", "a:b", "\0", "x" * 5000]
ODD += [datetime.time(3), [], [[]], ["x"], [3], [None], {}, {"x": 3}]
ODD += [{"from": 1, "to": 0, "count": 3}, {"from": 1, "to": 2, "count": "2"}]


def leaves(value, path=()):
    """Yield the places of all entries, tables among them."""
    yield path
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from leaves(entry, (*path, key))


def changed(value, path, new):
    """Return ``value`` with ``new`` at ``path``."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def test_an_odd_value_at_any_place_is_refused_by_a_message_or_makes_a_study():
    whole = document()
    whole["problems"] = [{**PROBLEM, "vary": {"noise": [0.5]}}]
    refused = 0
    for place in list(leaves(whole))[1:]:
        for value in ODD:
            try:
                study = study_from(changed(whole, place, value))
                engine.check_measures(study, engine.tuning_trials(study)[:1], resolve)
            except ValueError:
                refused += 1
    # A title may be any word, a number is often as good as another.
    assert refused > 800


@pytest.mark.parametrize("name", ["data", "partition", "positive", "classes", "pool", "most_rows", "make", "ridge"])
def test_an_odd_setting_of_a_problem_on_data_is_a_valueerror_or_makes_one(name):
    settings = {key: DATA[key] for key in ("family", "data", "clients")} | {"ridge": 0.1}
    refused = 0
    for value in ODD:
        try:
            resolve({**settings, name: value}, 0)
        except ValueError:
            refused += 1
    assert refused >= len(ODD) - 8


DATA = {"name": "well", "family": "logistic", "data": "breast-cancer", "clients": 2, "batch": 4, "outcome": "test_loss"}
ON_DATA = [
    ({"data": "breast-cancre"}, "data: 'breast-cancre' is no file and not one of digits, breast-cancer, "),
    ({"partition": "labels:1"}, "spec: 'labels:1' is not one of iid, "),
    ({"partition": "label:1.5"}, "spec: 'label:1.5' must be label:<whole>"),
    ({"make": {"bump": 1.0}}, "make: 'bump' is not one of"),
    ({"pool": 0}, "pool: 0"),
    ({"positive": [7]}, "positive: 7 is not among the labels, -1, 1"),
    ({"classes": 1}, "classes: 1 must be a list of labels"),
    ({"outcome": "test_los"}, "outcome: 'test_los' is not one of "),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [*BEFORE, *(({"problems": [{**DATA, **change}]}, message) for change, message in ON_DATA)],
    ids=[message[:40] for _, message in (*BEFORE, *ON_DATA)],
)
def test_a_study_is_refused_before_its_first_trial(changes, message, store):
    study = study_from(document(**changes))
    with pytest.raises(ValueError, match=f"^problems: 'well': {message}"):
        run_study(study, resolve=resolve, store=store)
    assert store.select("SELECT * FROM trials") == []


def test_separable_rows_without_a_ridge_are_run_and_have_no_gap(tmp_path):
    study = study_from(document(problems=[DATA]))
    with Store(tmp_path / "separable.sqlite") as store:
        end = run_study(study, resolve=resolve, store=store)
        assert end.done == end.total == 24 + 2 * 4 + 4
        assert {row["status"] for row in store.select("SELECT status FROM trials")} <= {"FINISHED", "NON_FINITE"}
        measured = {row["measure"] for row in store.select("SELECT DISTINCT measure FROM measures")}
    assert "test_loss" in measured
    assert not {"gap", "optimum"} & measured


def test_an_outcome_that_needs_the_optimum_is_refused_where_there_is_none(store):
    with pytest.raises(ValueError, match=r"^problems: 'well': outcome: 'gap' is not one of "):
        run_study(study_from(document(problems=[{**DATA, "outcome": "gap"}])), resolve=resolve, store=store)


def test_the_page_about_studies_shows_one_that_runs(tmp_path):
    text = (Path(studies.__file__).parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (sql,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    (tmp_path / "mine.toml").write_text(example, encoding="utf-8")
    study = read_study(tmp_path / "mine.toml", "quick")
    assert [problem.name for problem in study.problems] == ["digits, clients 2", "digits, clients 4"]
    with Store(tmp_path / "mine.sqlite") as store:
        end = run_study(study, resolve=resolve, store=store)
        assert end.done == end.total
        columns = {row["name"] for row in store.select("SELECT name FROM pragma_table_info('trials')")}
    rows = query(tmp_path / "mine.sqlite", sql)
    assert rows == [{"variant": "quick", "method": name, "n": 10} for name in ("fedsgd", "identity", "metric")]
    (named,) = re.findall(r"\| `trials` \| (.*) \|", text)
    assert set(re.findall(r"`(\w+)`", named)) <= columns
    assert columns - set(re.findall(r"`(\w+)`", named)) == set(COSTS) - {"rounds"}

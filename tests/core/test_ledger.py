"""The ledger counts what is asked, for every replicate and every method, and compares runs at equal cost."""

import math

import numpy as np
import pytest
from counting import Counted
from small import Quadratics, quadratics

from pisa_lab import PISA, Status, run, sisa
from pisa_lab.baselines import ExactADMM, FedAvg, FedSGD
from pisa_lab.ledger import COSTS, at_budget
from pisa_lab.methods import METHODS, Settings
from pisa_lab.monitor import Monitor
from pisa_lab.preconditioners import PRECONDITIONERS, Every, Hessian
from problems.table import by_name
from problems.transforms import on_backend


class Known(Quadratics):
    """Quadratics that tell their Lipschitz constants, and remember who asked for a gradient where."""

    asked = ()

    @property
    def lipschitz(self):
        return np.linalg.eigvalsh(self.matrices)[:, -1]


def known(**settings):
    return Known(**vars(quadratics(**settings)))


def last(result):
    """Return the final costs as plain numbers, or lists over replicates."""
    return {name: result.ledger[name][-1].tolist() for name in COSTS}


CLIENTS, ROWS, BATCH, STEPS = 3, 16, 4, 7
PARCEL = CLIENTS * 4 * 8
"""Three clients, four float64 numbers each."""

ROUND = {"rounds": 1, "bytes_up": PARCEL, "bytes_down": PARCEL, "gradients": CLIENTS, "hvps": 0}
ROUND |= {"queries": 0, "restarts": 0}


@pytest.mark.parametrize("seeds", [None, 5])
@pytest.mark.parametrize("batches", [None, BATCH])
@pytest.mark.parametrize("row", [row for row in METHODS if "batches" not in row.exempt], ids=lambda row: row.name)
def test_a_round_costs_what_it_asks_for(row, batches, seeds):
    method = row.build(known(), Settings(penalty=4.0))
    result = run(method, known(), steps=STEPS, batches=batches, seeds=seeds)
    gradients = CLIENTS * getattr(method, "draws", 1)
    expected = ROUND | {"gradients": gradients, "samples": gradients * (batches or ROWS)}
    if row.name == "ef21":
        # A tenth of four numbers is one: a float64 and the index it stands at.
        expected["bytes_up"] = CLIENTS * (8 + 4)
    one = {name: STEPS * expected[name] for name in COSTS}
    assert last(result) == {name: one[name] if seeds is None else [one[name]] * seeds for name in COSTS}


@pytest.mark.parametrize("seeds", [None, 3])
@pytest.mark.parametrize("local_steps", [1, 5])
def test_every_local_step_of_fedavg_counts(local_steps, seeds):
    result = run(FedAvg(rate=0.1, local_steps=local_steps), known(), steps=STEPS, batches=BATCH, seeds=seeds)
    assert np.all(result.ledger["gradients"][-1] == STEPS * CLIENTS * local_steps)
    assert np.all(result.ledger["samples"][-1] == STEPS * CLIENTS * local_steps * BATCH)
    assert np.all(result.ledger["bytes_up"][-1] == STEPS * PARCEL)


@pytest.mark.parametrize("seeds", [None, 2])
def test_the_inner_solves_of_exact_admm_count(seeds):
    class Listening(Known):
        def client_grad(self, w, batch=None):
            calls.append(w.shape)
            return super().client_grad(w, batch)

    calls: list[tuple[int, ...]] = []
    problem = Listening(**vars(quadratics()))
    result = run(ExactADMM(penalty=1.0), problem, steps=STEPS, seeds=seeds, measures={})
    assert len(calls) > 10 * STEPS
    assert np.all(result.ledger["gradients"][-1] == CLIENTS * len(calls))
    assert np.all(result.ledger["samples"][-1] == CLIENTS * ROWS * len(calls))
    assert np.all(result.ledger["rounds"][-1] == STEPS)


@pytest.mark.parametrize(
    ("first", "exchanges"), [("server", STEPS + 1), ("client", STEPS)], ids=["server first", "client first"]
)
def test_a_warm_start_is_paid_for(first, exchanges):
    result = run(PISA(penalty=4.0, warm=True, first=first), known(), steps=STEPS, batches=BATCH, seeds=2)
    one = ROUND | {"rounds": STEPS, "gradients": CLIENTS * (STEPS + 1), "hvps": 0}
    one |= {
        "samples": CLIENTS * (ROWS + STEPS * BATCH),
        "bytes_up": exchanges * PARCEL,
        "bytes_down": exchanges * PARCEL,
    }
    assert last(result) == {name: [one[name]] * 2 for name in COSTS}
    assert result.ledger["gradients"][0].tolist() == [CLIENTS, CLIENTS]


@pytest.mark.parametrize("row", PRECONDITIONERS, ids=lambda row: row.name)
def test_curvature_is_counted_like_the_problem_counts_it(row):
    """Every product asked of the problem itself, with replicates and without, is in the ledger."""

    class Listening:
        def __init__(self, problem):
            self._problem = problem

        def __getattr__(self, name):
            found = getattr(self._problem, name)
            if name not in ("hvp", "gauss_newton", "sample_grad", "client_grad"):
                return found

            def heard(*arguments):
                result = found(*arguments)
                asked[name] = asked.get(name, 0) + result.size // result.shape[-1]
                return result

            return heard

    for seeds in (None, 3):
        asked: dict[str, int] = {}
        problem = Listening(by_name("logistic").build(0, CLIENTS))
        result = run(
            PISA(penalty=4.0, rho=1.0, preconditioner=row.build(problem)),
            problem,
            steps=STEPS,
            batches=BATCH,
            seeds=seeds,
            measures={},
        )
        products = asked.get("hvp", 0) + asked.get("gauss_newton", 0)
        passes = asked["client_grad"] + asked.get("sample_grad", 0) // BATCH
        assert np.all(result.ledger["hvps"][-1] * (seeds or 1) == products)
        assert np.all(result.ledger["gradients"][-1] * (seeds or 1) == passes)
        assert np.all(result.ledger["samples"][-1] * (seeds or 1) == BATCH * (passes + products))
        assert (products > 0) == (row.needs in ("hvp", "gauss_newton"))


def test_a_preconditioner_that_rests_costs_nothing():
    problem = by_name("logistic").build(0, CLIENTS)
    size = problem.initial.shape[0]
    result = run(PISA(penalty=4.0, rho=1.0, preconditioner=Every(Hessian(), 3)), problem, steps=7, every=1)
    assert result.ledger["hvps"].tolist() == [CLIENTS * size * looks for looks in (0, 1, 1, 1, 2, 2, 2, 3)]


def test_looking_at_a_run_costs_it_nothing():
    problem, method = known(), sisa(4.0)
    plain = run(method, problem, steps=STEPS, batches=BATCH, measures={})
    monitor = Monitor(problem, method, every=2)
    seen = run(method, problem, steps=STEPS, batches=BATCH, every=1, tolerance=1e-12, callback=monitor)
    assert last(plain) == last(seen)
    counted = Counted(quadratics())
    result = run(method, counted, steps=STEPS, batches=BATCH, measures={})
    assert counted.counts["gradients"] == result.ledger["gradients"][-1]
    assert counted.counts["samples"] == result.ledger["samples"][-1]


def test_a_broken_replicate_stops_paying():
    result = run(PISA(penalty=((0.05,), (4.0,))), known(), steps=2000, batches=BATCH, seeds=2, every=1)
    assert result.status is Status.NON_FINITE
    assert last(result)["rounds"] == [result.broke[0], 2000]
    assert last(result)["gradients"] == [CLIENTS * result.broke[0], CLIENTS * 2000]
    assert np.all(np.diff(result.ledger["gradients"], axis=0) >= 0)


def test_a_resumed_run_goes_on_counting():
    problem, method = known(), PISA(penalty=4.0, warm=True)
    through = run(method, problem, steps=9, batches=BATCH, seeds=2)
    half = run(method, problem, steps=4, batches=BATCH, seeds=2)
    resumed = run(method, problem, steps=5, state=half.state, spent=half.ledger, batches=BATCH, seeds=2)
    assert last(resumed) == last(through)
    alone = run(method, problem, steps=5, state=half.state, batches=BATCH, seeds=2)
    assert last(alone)["rounds"] == [5, 5]


def test_rows_carry_the_costs():
    result = run(sisa(4.0), known(), steps=6, batches=BATCH, seeds=2, every=2)
    rows = result.rows()
    assert all(set(COSTS) <= set(row) for row in rows)
    assert [row["gradients"] for row in rows if row["seed"] == 1] == [0, 6, 12, 18]
    assert all(isinstance(row[name], int) for row in rows for name in COSTS)


def test_every_array_library_counts_the_same(library):
    problem = by_name("logistic").build(0, CLIENTS)
    method = PISA(penalty=4.0, rho=1.0, preconditioner=Hessian())
    here = run(method, problem, steps=3, batches=BATCH, seeds=2)
    there = run(method, on_backend(problem, library, dtype="float32"), steps=3, batches=BATCH, seeds=2)
    halved = {name: [value // 2 for value in last(here)[name]] for name in ("bytes_up", "bytes_down")}
    assert last(there) == last(here) | halved


def methods_rows():
    """Return rows of three methods whose rounds cost one, five and many gradients."""
    methods = {"fedsgd": FedSGD(rate=0.1), "fedavg": FedAvg(rate=0.1, local_steps=5), "admm": ExactADMM(penalty=1.0)}
    rows = []
    for name, method in methods.items():
        result = run(method, known(), steps=60, seeds=2, every=1)
        rows += [row | {"method": name} for row in result.rows()]
    return rows


@pytest.mark.parametrize(("by", "budget"), [("gradients", 150), ("rounds", 20), ("samples", 2400), ("bytes_up", 960)])
def test_methods_are_compared_at_equal_cost_by_one_argument(by, budget):
    rows = methods_rows()
    found = at_budget(rows, by=by, budget=budget, of=("method", "seed"))
    assert [(row["method"], row["seed"]) for row in found] == [
        (name, seed) for name in ("fedsgd", "fedavg", "admm") for seed in (0, 1)
    ]
    for row in found:
        run_rows = [other for other in rows if (other["method"], other["seed"]) == (row["method"], row["seed"])]
        later = [other for other in run_rows if other["iteration"] > row["iteration"]]
        assert row[by] <= budget < min(other[by] for other in later)
        assert row["left"] == budget - row[by]
    if by == "gradients":
        assert [row["rounds"] for row in found][:4] == [50, 50, 10, 10]


def test_a_run_that_ended_early_is_no_comparison():
    rows = run(FedSGD(rate=0.1), known(), steps=10, seeds=2, every=1).rows()
    with pytest.raises(ValueError, match=r"^budget: seed 0: ended after 30 of 60 gradients"):
        at_budget(rows, by="gradients", budget=60)
    with pytest.raises(ValueError, match=r"^by: "):
        at_budget(rows, by="seconds", budget=60)
    with pytest.raises(ValueError, match=r"^budget: "):
        at_budget(rows, by="gradients", budget=math.inf)
    with pytest.raises(ValueError, match=r"^budget: seed 0: the first row has cost 3 gradients"):
        at_budget(run(PISA(penalty=4.0, warm=True), known(), steps=3).rows(), by="gradients", budget=2)
    done = run(FedSGD(rate=0.5), known(), steps=10_000, tolerance=1e-6).rows()
    assert done[-1]["status"] == "CONVERGED"
    assert at_budget(done, by="gradients", budget=10**6)[0]["iteration"] == done[-1]["iteration"]

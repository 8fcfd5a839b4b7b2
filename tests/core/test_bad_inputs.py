"""Bad input to the library: a ValueError whose message begins with the argument's name."""

import numpy as np
import pytest
from small import quadratics

from pisa_lab import PISA, Observation, from_functions, load_state, nsisa, run, sisa
from pisa_lab._array import backend
from pisa_lab.backtracking import Backtracking
from pisa_lab.baselines import ExactADMM, FedAvg, FedSGD
from pisa_lab.methods import Settings, by_name
from pisa_lab.metrics import AdaGradNorm, Fixed, Metric, SpectralDescent
from pisa_lab.preconditioners import HeavyBall, SecondMoment
from pisa_lab.sampling import Reshuffled, Uniform
from pisa_lab.schedules import Constant, Function, Geometric, InverseCosine, Polynomial, ResidualBalancing

NAN, INF = float("nan"), float("inf")
PAIR = (lambda w: float(w @ w), lambda w: 2 * w)
START = np.zeros(2)


def go(method=None, **arguments):
    return run(method or PISA(penalty=4.0), quadratics(), **{"steps": 2, **arguments})


CASES = [
    ("penalty", lambda: PISA(penalty=-1.0)),
    ("penalty", lambda: PISA(penalty=0)),
    ("penalty", lambda: PISA(penalty=NAN)),
    ("penalty", lambda: PISA(penalty=INF)),
    ("penalty", lambda: PISA(penalty="much")),
    ("penalty", lambda: PISA(penalty=True)),
    ("penalty", lambda: PISA(penalty=())),
    ("penalty", lambda: PISA(penalty=(1.0, -2.0, 3.0))),
    ("penalty", lambda: PISA(penalty=((1.0, 2.0), (1.0,)))),
    ("penalty", lambda: PISA(penalty=np.ones((2, 2, 2)))),
    ("penalty", lambda: go(PISA(penalty=(1.0, 2.0)))),
    ("penalty", lambda: go(PISA(penalty=np.ones((2, 3))))),
    ("penalty", lambda: go(PISA(penalty=np.ones((2, 3))), seeds=3)),
    ("rho", lambda: PISA(penalty=1.0, rho=-0.1)),
    ("rho", lambda: go(sisa(4.0, rho=(1.0, 2.0)))),
    ("rho", lambda: sisa(4.0, rho=NAN)),
    ("penalty_ratio", lambda: PISA(penalty=1.0, penalty_ratio=1.5)),
    ("penalty_ratio", lambda: PISA(penalty=1.0, penalty_ratio=0.0)),
    ("penalty_ratio", lambda: Geometric((0.9, 1.1))),
    ("penalty_ratio", lambda: go(PISA(penalty=4.0, penalty_ratio=(0.9, 0.9)))),
    ("schedule", lambda: PISA(penalty=1.0, penalty_ratio=0.9, schedule=Polynomial())),
    ("schedule", lambda: go(PISA(penalty=1.0, schedule=Function(lambda k: -1.0)))),
    ("exponent", lambda: Polynomial(-1.0)),
    ("total", lambda: InverseCosine(total=0)),
    ("floor", lambda: InverseCosine(total=5, floor=0.0)),
    ("factor", lambda: ResidualBalancing(factor=1.0)),
    ("threshold", lambda: ResidualBalancing(threshold=0.5)),
    ("metric", lambda: PISA(penalty=1.0, metric=SecondMoment())),
    ("penalty", lambda: PISA(penalty="automatic")),
    ("schedule", lambda: PISA(penalty="auto", schedule=Constant())),
    ("rho", lambda: HeavyBall().update(None, Observation(np.zeros(2), penalty=np.ones(1)))),
    ("momentum", lambda: HeavyBall(1.0)),
    ("least", lambda: Backtracking(initial=1.0, least=2.0)),
    ("factor", lambda: Backtracking(factor=1.0)),
    ("floor", lambda: Metric(SecondMoment(), -1.0)),
    ("order", lambda: Metric(SecondMoment(), order="late")),
    ("scale", lambda: SpectralDescent("polar")),
    ("blocks", lambda: AdaGradNorm("layer")),
    ("entries", lambda: Fixed((1.0, -1.0))),
    ("where", lambda: nsisa(1.0, where="nowhere")),
    ("metric", lambda: sisa(1.0, metric="ema", rho=2.0)),
    ("metric", lambda: sisa(1.0, metric="hessian-diagonal")),
    ("momentum", lambda: sisa(1.0, momentum=0.5)),
    ("scale", lambda: nsisa(1.0, scale="nuclear")),
    ("rho", lambda: nsisa(1.0, where="server", rho=2.0)),
    ("preconditioner", lambda: PISA(penalty=1.0, preconditioner=3.0)),
    ("penalty_update", lambda: PISA(penalty=1.0, penalty_update="sometimes")),
    ("first", lambda: PISA(penalty=1.0, first="nobody")),
    ("scheme", lambda: sisa(1.0, scheme="IV")),
    ("beta", lambda: sisa(1.0, beta=1.0)),
    ("clip", lambda: sisa(1.0, clip=0.0)),
    ("blocks", lambda: go(nsisa(1.0, blocks=(("W", (3, 3)),)))),
    ("steps", lambda: go(steps=-1)),
    ("steps", lambda: go(steps=2.5)),
    ("seeds", lambda: go(seeds=0)),
    ("w0", lambda: go(w0=np.zeros(5))),
    ("w0", lambda: go(w0=[NAN] * 4)),
    ("w0", lambda: go(w0=np.zeros((3, 4)), seeds=2)),
    ("measures", lambda: go(measures=("loss",))),
    ("every", lambda: go(every=0)),
    ("tolerance", lambda: go(tolerance=-1e-3)),
    ("batch", lambda: go(batches=0)),
    ("batch", lambda: Uniform(0)),
    ("batch", lambda: Reshuffled(-3)),
    ("batch", lambda: run(PISA(penalty=1.0), from_functions([PAIR], START), steps=1, batches=2)),
    ("functions", lambda: from_functions([], START)),
    ("functions", lambda: from_functions([(PAIR[0], lambda w: w[:1])], START)),
    ("initial", lambda: from_functions([PAIR], [0.0, NAN])),
    ("initial", lambda: from_functions([PAIR], "start")),
    ("weights", lambda: from_functions([PAIR, PAIR], START, weights=[0.5, 0.6])),
    ("weights", lambda: from_functions([PAIR, PAIR], START, weights=[1.5, -0.5])),
    ("weights", lambda: from_functions([PAIR, PAIR], START, weights=[1.0])),
    ("weights", lambda: from_functions([PAIR, PAIR], START, weights=[NAN, 1.0])),
    ("ridge", lambda: from_functions([PAIR], START, ridge=-1.0)),
    ("backend", lambda: backend("tensorflow")),
    ("path", lambda: load_state("nowhere.npz", ())),
    ("rate", lambda: FedSGD(rate=0.0)),
    ("rule", lambda: FedSGD(rate=1.0, rule="adagrad")),
    ("beta1", lambda: FedSGD(rate=1.0, beta1=1.0)),
    ("local_steps", lambda: FedAvg(rate=1.0, local_steps=0)),
    ("server_rate", lambda: FedAvg(rate=1.0, server_rate=0.0)),
    ("accuracy", lambda: ExactADMM(penalty=1.0, accuracy=2.0)),
    ("problem", lambda: run(ExactADMM(penalty=1.0), from_functions([PAIR], START), steps=1)),
    ("method", lambda: by_name("adamw")),
    ("penalty", lambda: by_name("fedsgd").build(quadratics(), Settings(penalty=(1.0, 2.0, 3.0)))),
]


@pytest.mark.parametrize(("argument", "call"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_bad_input_names_the_argument(argument, call):
    with pytest.raises(ValueError, match=rf"^{argument}\b"):
        call()


def test_cupy_without_a_gpu_says_so():
    try:
        import cupy
    except ImportError:
        expected = "not installed"
    else:
        if cupy.is_available():
            assert backend("cupy").asarray([1.0]).ndim == 1
            return
        expected = "no CUDA device"
    with pytest.raises(ValueError, match=f"^backend: 'cupy'.*{expected}"):
        backend("cupy")


def parabola(**settings):
    return from_functions([(lambda w: float(w @ w) / 2, lambda w: w)], np.ones(2), **settings)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: from_functions([lambda w: w], np.ones(2)), r"^functions: .* is no pair"),
        (lambda: from_functions([(lambda w: float(w @ w), lambda w: w)], np.ones(2)), r"^functions: gradient 0 is not"),
        (lambda: from_functions([(lambda w: float(w @ w) / 2, lambda w: -w)], np.ones(2)), r"^functions: gradient 0"),
        (lambda: parabola(lipschitz=-1), r"^lipschitz: -1"),
        (lambda: parabola(lipschitz=float("nan")), r"^lipschitz: nan"),
        (lambda: parabola(lipschitz=[1.0, 2.0]), r"^lipschitz: "),
        (lambda: parabola(minimiser=np.zeros(3)), r"^minimiser: shape \(3,\)"),
        (lambda: PISA(penalty=1.0, warm="yes"), r"^warm: 'yes'"),
        (lambda: PISA(penalty=1.0, schedule="constant"), r"^schedule: 'constant' is no schedule"),
        (lambda: run(PISA, parabola(), steps=1), r"^method: PISA has no"),
        (lambda: run(parabola(), PISA(penalty=2.0), steps=1), r"^method: FunctionProblem has no"),
        (lambda: run(PISA(penalty=2.0), PISA(penalty=2.0), steps=1), r"^problem: PISA has no"),
        (lambda: run(PISA(penalty=2.0), parabola(), steps=1, measures="objective"), r"^measures: 'objective' is one"),
    ],
)
def test_odd_calls_of_the_library_name_their_argument(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()


def test_a_right_gradient_passes_its_check_at_every_scale_and_a_wrong_one_can_be_meant():
    for scale in (1e-6, 1.0, 1e6):
        from_functions([(lambda w, s=scale: s * float(w @ w) / 2, lambda w, s=scale: s * w)], np.ones(2))
    wrong = from_functions([(lambda w: 0.0, lambda w: w)], np.ones(2), check_gradients=False)
    assert wrong.lipschitz.tolist() == [np.inf]


def test_a_state_of_another_problem_is_refused():
    state = run(PISA(penalty=2.0), parabola(), steps=1).state
    other = from_functions([(lambda w: float(w @ w) / 2, lambda w: w)] * 2, np.ones(2))
    wider = from_functions([(lambda w: float(w @ w) / 2, lambda w: w)], np.ones(3))
    with pytest.raises(ValueError, match=r"^state: of 1 clients, the problem has 2"):
        run(PISA(penalty=2.0), other, steps=1, state=state)
    with pytest.raises(ValueError, match=r"^state: w has shape \(2,\), this run needs \(3,\)"):
        run(PISA(penalty=2.0), wider, steps=1, state=state)

"""Forty-six wrong methods, each as what it replaces, what by, and the claims that must notice."""

import dataclasses
import math

import numpy as np

from pisa_lab import lagrangian, method, problem, residuals, sampling, updates
from pisa_lab._array import client_sum, column, namespace, squared_norm
from pisa_lab.baselines import ExactADMM, FedAvg, FedSGD
from pisa_lab.method import PISA
from pisa_lab.preconditioners import (
    Fisher,
    FisherDiagonal,
    GaussNewton,
    Hessian,
    HessianDiagonal,
    KroneckerFactored,
    OrthogonalMomentum,
    SecondMoment,
    curvature,
    orthogonal,
)
from pisa_lab.preconditioners.forms import Diagonal, Spectral
from pisa_lab.preconditioners.orthogonal import Momentum
from pisa_lab.preconditioners.second_moment import Moment
from pisa_lab.sampling import Reshuffled
from pisa_lab.schedules import Geometric, InverseCosine, Polynomial, ResidualBalancing

RIGHT = {
    "init": PISA.init,
    "step": PISA.step,
    "server": PISA.server_update,
    "client": PISA.client_update,
    "rho": PISA._rho,
    "advance": SecondMoment.advance,
    "schulz": orthogonal.newton_schulz,
    "orthogonal": OrthogonalMomentum.update,
    "root": OrthogonalMomentum._root,
    "lagrangian": lagrangian.augmented_lagrangian,
    "draw": sampling.draw_batch,
    "sisa": method.sisa,
    "sgd": FedSGD._direction,
    "fedavg": FedAvg.step,
    "admm": ExactADMM.step,
    "balancing": ResidualBalancing.next,
    "cosine": InverseCosine.next,
    "geometric": Geometric.next,
    "fisher": Fisher.form,
}

# --- the report's: Newton–Schulz and NSISA


def schulz_of_nan(x, *, steps=5):
    return x * float("nan")


def four_steps(x, *, steps=5):
    return RIGHT["schulz"](x, steps=4)


def matrices_unscaled(self, x):
    return orthogonal.newton_schulz(x, steps=self.steps)


def without_nesterov(self, state, at):
    return RIGHT["orthogonal"](dataclasses.replace(self, nesterov=False), state, at)


def half_momentum(self, state, at):
    return RIGHT["orthogonal"](dataclasses.replace(self, momentum=0.5), state, at)


def root_of_direction_alone(self, state, at):
    direction, new = RIGHT["orthogonal"](self, state, at)
    return direction, Momentum(new.momentum, new.moment, Diagonal(np.abs(direction)))


def direction_and_gradient(self, state, at):
    direction, new = RIGHT["orthogonal"](self, state, at)
    return direction + at.gradient, new


# --- the report's: server, client and start


def server_with_next_penalty(self, state):
    new = RIGHT["server"](self, state._replace(penalty=self._next_penalty(state)))
    return new._replace(penalty=state.penalty)


def total_without_weights(consensus, deviation, multiplier, penalty, weights, ridge):
    axis = penalty.ndim - 1
    pull = client_sum(weights, column(penalty, deviation) * deviation + multiplier, axis)
    total = np.mean(penalty, axis=axis)
    return (pull - ridge * consensus) / (column(total, consensus) + ridge)


def ridge_over_clients(consensus, deviation, multiplier, penalty, weights, ridge):
    return RIGHT_CONSENSUS(consensus, deviation, multiplier, penalty, weights, ridge / weights.size)


RIGHT_CONSENSUS = updates.consensus_step


def late_bias_correction(self, moment, direction, iteration):
    return RIGHT["advance"](self, moment, direction, iteration + 1)


def clip_on_root_alone(self, moment, direction, iteration):
    root, kept = RIGHT["advance"](dataclasses.replace(self, clip=None), moment, direction, iteration)
    return (root if self.clip is None else np.minimum(root, self.clip)), kept


def moment_without_root(self, moment, direction, iteration):
    root, kept = RIGHT["advance"](self, moment, direction, iteration)
    return root**2, kept


def scheme_one_clips_what_it_adds(self, moment, direction, iteration):
    if self.scheme != "I" or self.clip is None:
        return RIGHT["advance"](self, moment, direction, iteration)
    kept = moment + np.minimum(direction**2, self.clip**2)
    return np.sqrt(kept), kept


def moment_of_gradient(self, state, at):
    root, moment = self.advance(state.moment, at.gradient, at.iteration)
    return at.gradient, Moment(moment, Diagonal(root))


def ratio_twice(self, initial, state):
    return RIGHT["geometric"](self, initial, state._replace(penalty=RIGHT["geometric"](self, initial, state)))


def mean_rho(self, state):
    rho = RIGHT["rho"](self, state)
    return rho if isinstance(rho, float) else 0 * rho + np.mean(rho, axis=-1, keepdims=True)


def warm_start_with_ridge(self, problem, w, *, replicates=None):
    state = RIGHT["init"](self, problem, w, replicates=replicates)
    return state._replace(multiplier=state.multiplier - problem.ridge * state.shared) if self.warm else state


def warm_start_with_mean(self, problem, w, *, replicates=None):
    state = RIGHT["init"](self, problem, w, replicates=replicates)
    mean = namespace(w).expand_dims(client_sum(problem.weights, state.multiplier, state.client_axis), axis=-2)
    return state._replace(multiplier=mean + 0 * state.multiplier)


# --- the report's: what is measured


def lagrangian_without_ridge(problem, state):
    return RIGHT["lagrangian"](problem, state._replace(ridge=0.0))


def lyapunov_with(factor):
    def wrong(problem, state, applied=0.0):
        value = RIGHT["lagrangian"](problem, state)
        if isinstance(applied, float):
            return value
        axis = state.client_axis
        return value + client_sum(state.weights, factor / state.penalty * squared_norm(applied, axis + 1), axis)

    return wrong


def local_residual_at_consensus(problem, state):
    return residuals._weighted_norm(state, problem.client_grad(state.shared) + state.multiplier)


def one_batch_for_all(rule, problem, seeds, *, experiment, number):
    drawn = RIGHT["draw"](rule, problem, seeds, experiment=experiment, number=number)
    return None if drawn is None else drawn[..., :1, :] + 0 * drawn


def gradient_without_ridge(problem, w):
    axis = w.ndim - problem.initial.ndim
    return client_sum(problem.weights, problem.client_grad(namespace(w).expand_dims(w, axis=axis)), axis)


# --- the report's: orders, schedules, samplers, defaults


def always_before_solve(self, state, at):
    return RIGHT["client"](dataclasses.replace(self, penalty_update="before_solve"), state, at)


def always_server_first(self, state, oracle):
    return RIGHT["step"](dataclasses.replace(self, first="server"), state, oracle)


def polynomial_late(self, initial, state):
    return initial * float(1 + state.iteration) ** self.exponent


def balancing_inverted(self, initial, state):
    return state.penalty * state.penalty / RIGHT["balancing"](self, initial, state)


def cosine_inverted(self, initial, state):
    return initial * initial / RIGHT["cosine"](self, initial, state)


def sisa_with_short_memory(penalty, *, beta=0.99, **settings):
    return RIGHT["sisa"](penalty, beta=beta, **settings)


def one_epoch_for_ever(self, stream, size, number):
    per_epoch = max(size // self.size, 1)
    order = sampling._permutation(stream, size, 0)
    start = (number % per_epoch) * self.size
    return np.take(order, np.arange(start, start + self.size), mode="wrap")


# --- ours: baselines


def adam_uncorrected(self, state, g):
    direction, first, second = RIGHT["sgd"](self, state, g)
    return (first / (np.sqrt(second) + self.epsilon) if self.rule == "adam" else direction), first, second


def momentum_averaged(self, state, g):
    direction, first, second = RIGHT["sgd"](self, state, g)
    if self.rule != "momentum":
        return direction, first, second
    first = self.beta1 * state.first + (1 - self.beta1) * g
    return first, first, second


def one_local_step_less(self, state, oracle):
    return RIGHT["fedavg"](dataclasses.replace(self, local_steps=self.local_steps - 1), state, oracle)


def admm_without_multipliers(self, state, oracle):
    return RIGHT["admm"](self, state, oracle)._replace(multiplier=0 * state.multiplier)


# --- ours: second order


def absolute_hessian(self, at):
    values, vectors = np.linalg.eigh(curvature.matrix(at.problem.hvp, at))
    return Spectral(np.abs(values), vectors)


def hessian_for_gauss_newton(self, at):
    return Hessian.form(self, at)


def absolute_diagonal(self, at):
    dense = curvature.matrix(at.problem.hvp, at)
    return Diagonal(np.abs(np.diagonal(dense, axis1=-2, axis2=-1)))


def fisher_of_the_mean(self, at):
    values, vectors = np.linalg.eigh(at.gradient[..., :, None] * at.gradient[..., None, :])
    return Spectral(np.maximum(values, 0), vectors)


def fisher_root(self, at):
    return np.abs(at.gradient)


def double_power(self, values):
    return np.maximum(values, 0) ** (2 * self.power)


NSISA = ["nsisa-by-hand"]
HAND = ["algorithm-by-hand"]

METHOD_MUTANTS = [
    ("Newton–Schulz returns NaN", orthogonal, "newton_schulz", schulz_of_nan, NSISA),
    ("other coefficients", orthogonal, "COEFFICIENTS", (1.875, -1.25, 0.375), NSISA),
    ("a digit of a coefficient", orthogonal, "COEFFICIENTS", (3.4545, -4.7750, 2.0315), NSISA),
    ("four Newton–Schulz steps", orthogonal, "newton_schulz", four_steps, NSISA),
    ("no √(rows/columns)", OrthogonalMomentum, "_matrices", matrices_unscaled, NSISA),
    ("no Nesterov", OrthogonalMomentum, "update", without_nesterov, NSISA),
    ("momentum ½", OrthogonalMomentum, "update", half_momentum, NSISA),
    ("Q from o", OrthogonalMomentum, "update", root_of_direction_alone, NSISA),
    ("direction o + g", OrthogonalMomentum, "update", direction_and_gradient, NSISA),
    ("server with the next σ", PISA, "server_update", server_with_next_penalty, HAND),
    ("α missing in the total", updates, "consensus_step", total_without_weights, HAND),
    ("λ over m", updates, "consensus_step", ridge_over_clients, HAND),
    ("bias correction a round late", SecondMoment, "advance", late_bias_correction, HAND),
    ("clip on Q and not on n", SecondMoment, "advance", clip_on_root_alone, HAND),
    ("v for √v", SecondMoment, "advance", moment_without_root, HAND),
    ("scheme I clips n", SecondMoment, "advance", scheme_one_clips_what_it_adds, HAND),
    ("moment of g", SecondMoment, "update", moment_of_gradient, HAND),
    ("γ twice", Geometric, "next", ratio_twice, [*HAND, "schedules-in-closed-form"]),
    ("mean ρ", PISA, "_rho", mean_rho, HAND),
    ("warm start with λw", PISA, "init", warm_start_with_ridge, HAND),
    ("warm start with the mean gradient", PISA, "init", warm_start_with_mean, HAND),
    (
        "no ridge in L",
        lagrangian,
        "augmented_lagrangian",
        lagrangian_without_ridge,
        ["lyapunov-by-hand", "I7-lagrangian-budget-in-runs"],
    ),
    ("1000 for 8 in the Lyapunov term", lagrangian, "lyapunov", lyapunov_with(1000), ["lyapunov-by-hand"]),
    ("no Lyapunov term", lagrangian, "lyapunov", lyapunov_with(0), ["lyapunov-by-hand"]),
    ("local residual at w", residuals, "local_residual", local_residual_at_consensus, ["residuals-by-hand"]),
    ("one batch for all clients", sampling, "draw_batch", one_batch_for_all, ["samplers-by-counting"]),
    ("gradient without the ridge", problem, "total_gradient", gradient_without_ridge, ["V3-constant-penalty"]),
    ("after_solve ignored", PISA, "client_update", always_before_solve, ["round-orders-by-hand"]),
    ("first = client ignored", PISA, "step", always_server_first, ["round-orders-by-hand"]),
    ("polynomial a round late", Polynomial, "next", polynomial_late, ["schedules-in-closed-form"]),
    ("SISA's β", method, "sisa", sisa_with_short_memory, ["sisa-by-hand"]),
    ("one epoch for ever", Reshuffled, "draw", one_epoch_for_ever, ["samplers-by-counting"]),
    ("balancing inverted", ResidualBalancing, "next", balancing_inverted, ["balancing-by-hand"]),
    ("cosine inverted", InverseCosine, "next", cosine_inverted, ["schedules-in-closed-form"]),
    ("Adam without its corrections", FedSGD, "_direction", adam_uncorrected, ["baselines-by-hand"]),
    ("momentum averaged", FedSGD, "_direction", momentum_averaged, ["baselines-by-hand"]),
    ("FedAvg a local step short", FedAvg, "step", one_local_step_less, ["baselines-by-hand"]),
    ("exact ADMM without multipliers", ExactADMM, "step", admm_without_multipliers, ["baselines-by-hand"]),
    ("absolute Hessian", Hessian, "form", absolute_hessian, ["curvature-by-hand"]),
    ("Hessian for Gauss–Newton", GaussNewton, "form", hessian_for_gauss_newton, ["curvature-by-hand"]),
    ("absolute diagonal", HessianDiagonal, "form", absolute_diagonal, ["curvature-by-hand"]),
    ("Fisher of the mean gradient", Fisher, "form", fisher_of_the_mean, ["curvature-by-hand"]),
    ("root of the Fisher diagonal", FisherDiagonal, "entries", fisher_root, ["curvature-by-hand"]),
    ("power 2s of the Kronecker factors", KroneckerFactored, "_power", double_power, ["kronecker-by-hand"]),
]
"""The report's thirty-four, then ten of ours; a claim is named by the start of its name."""


# --- broken everywhere: no refutation may pass


def flipped_multiplier(multiplier, penalty, deviation):
    return multiplier - column(penalty, deviation) * deviation


def long_multiplier(multiplier, penalty, deviation):
    return multiplier + 1.7 * column(penalty, deviation) * deviation


def multiplier_of_nan(multiplier, penalty, deviation):
    return multiplier * math.nan


BROKEN = {"sign flipped": flipped_multiplier, "1.7 times": long_multiplier, "NaN": multiplier_of_nan}
"""π steps under which many runs violate many statements, for no reason of the method."""

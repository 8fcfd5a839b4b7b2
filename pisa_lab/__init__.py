"""PISA, the preconditioned inexact stochastic ADMM: the method, its residuals, and one loop to run it."""

from pisa_lab.lagrangian import augmented_lagrangian
from pisa_lab.loop import Run, Status, run
from pisa_lab.measures import MEASURES
from pisa_lab.method import PISA, nsisa, sisa
from pisa_lab.problem import Problem, from_functions, heterogeneity, objective, total_gradient
from pisa_lab.residuals import aggregate_residual, consensus_residual, local_residual, stationarity
from pisa_lab.state import Observation, State, load_state, save_state

__all__ = [
    "MEASURES",
    "PISA",
    "Observation",
    "Problem",
    "Run",
    "State",
    "Status",
    "aggregate_residual",
    "augmented_lagrangian",
    "consensus_residual",
    "from_functions",
    "heterogeneity",
    "load_state",
    "local_residual",
    "nsisa",
    "objective",
    "run",
    "save_state",
    "sisa",
    "stationarity",
    "total_gradient",
]

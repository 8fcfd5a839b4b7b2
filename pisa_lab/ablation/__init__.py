"""Ablations: a study as data, an engine that loses no finished trial, and reports drawn from stored rows."""

from pisa_lab.ablation.backends import ENGINES, require
from pisa_lab.ablation.documents import read_study, study_from
from pisa_lab.ablation.engine import Progress, Stopped, run_study
from pisa_lab.ablation.execution import Arena, Resolver, TrialStatus, Unavailable
from pisa_lab.ablation.queries import frame, query
from pisa_lab.ablation.store import Result, Store
from pisa_lab.ablation.study import MethodSpec, ProblemSpec, Study
from pisa_lab.ablation.trials import Trial

__all__ = [
    "ENGINES",
    "Arena",
    "MethodSpec",
    "ProblemSpec",
    "Progress",
    "Resolver",
    "Result",
    "Stopped",
    "Store",
    "Study",
    "Trial",
    "TrialStatus",
    "Unavailable",
    "frame",
    "query",
    "read_study",
    "require",
    "run_study",
    "study_from",
]

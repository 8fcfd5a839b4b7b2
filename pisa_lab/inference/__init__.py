"""Rates, comparisons and profiles with intervals over seeds; it takes arrays and knows no loop, problem or claim."""

from pisa_lab.inference.comparison import Comparison, compare_all, compare_paired, holm
from pisa_lab.inference.profiles import Profile, cost_to_target, data_profile, performance_profile, target
from pisa_lab.inference.rates import Outcome, Rate, fit_rate

__all__ = [
    "Comparison",
    "Outcome",
    "Profile",
    "Rate",
    "compare_all",
    "compare_paired",
    "cost_to_target",
    "data_profile",
    "fit_rate",
    "holm",
    "performance_profile",
    "target",
]

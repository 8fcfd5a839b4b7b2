"""Which Coq theorems state which claim: the one table that ties the rows to `coq/`."""

from collections.abc import Mapping

from proofs_check.certified.catalogue import THEOREMS as CERTIFIED
from proofs_check.formal.export import theorem_names


def _certified() -> dict[str, tuple[str, ...]]:
    """Return the theorems of the claims that are made of certificates: of all of them, or the claim is not covered."""
    found: dict[str, tuple[str, ...]] = {}
    for theorem in CERTIFIED:
        found[theorem.claim] = (*found.get(theorem.claim, ()), *theorem_names(theorem.name))
    return found


THEOREMS: Mapping[str, tuple[str, ...]] = {
    "I2-server-increment": ("Algorithm.move",),
    "I4-optimistic-gradient": ("Algorithm.optimistic_gradient",),
    "I5-partition-invariance": ("Partition.I5_plain", "Partition.I5_common"),
    "fixed-points-are-KKT-points": (
        "FixedPoints.fixed_points",
        "FixedPoints.kkt_stays",
        "FixedPoints.kkt_stationary",
    ),
    "T1-nonconvex-potential": ("Rates.T1_nonconvex",),
    "T1-convex-potential": ("Rates.T1_convex",),
    "T1-threshold-sharp": ("Threshold.T1_threshold_sharp",),
    "T2-nonconvex-rate": ("Rates.T2_nonconvex_rate",),
    "T2-nonconvex-rate-below-2": ("Rates.T2_nonconvex_rate_below_2",),
    "T2-convex-rate": ("Rates.T2_convex_rate",),
    "T3-convex-attained": ("Attained.T3_convex_attained",),
    "T4-last-iterate": ("LastIterate.T4_last_iterate",),
    "T4-gradient-monotone": ("LastIterate.T4_gradient_monotone",),
    "T5-stochastic-step": ("Stochastic.T5_step",),
    "T6-preconditioned": ("Preconditioned.round_lowers", "Preconditioned.T6_sum", "Preconditioned.T6_warm"),
    "V2-limit-is-stationary": ("Refutations.V2_refuted",),
    "V6-uniform-rate": ("Refutations.V6_refuted",),
    "V7-bound-from-the-first-gap": ("Refutations.V7_refuted",),
    "N6-any-norm-step": ("AnyNorm.N6_step", "AnyNorm.N6_lowers", "Inhabited.N6_inhabited"),
    "N6-any-norm-sum": ("AnyNorm.N6_sum",),
    "N6-fixed-points": ("AnyNorm.N6_fixed_points", "Sign.sign_oracle"),
    "N8-ridge-potential": ("Ridge.N8", "Inhabited.N8_inhabited"),
    "N8-ridge-sum": ("Ridge.N8_gradients",),
    "N8-ridge-threshold": ("RidgeSharp.N8_exactly", "Ridge.N8_converges", "Threshold.N8_threshold_sharp"),
    "N9-last-iterate-bound": ("LastNonconvex.N9_refuted", "LastNonconvex.N9_last_iterate"),
    **_certified(),
}
"""Claim → theorems "Module.name", whose conjunction states it; Coq prints each in the manifest."""

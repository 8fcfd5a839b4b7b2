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
    "I1-multiplier-is-minus-gradient": ("Identities.I1_multiplier", "Identities.I1_deviation"),
    "I2-server-increment": ("Identities.I2_server_increment",),
    "I3-momentum-form": ("Identities.I3_momentum", "Identities.share_symmetric"),
    "I4-optimistic-gradient": ("Oracles.I4_any_gradients",),
    "I4-warm-start": ("Oracles.I4_warm_any_gradients",),
    "I5-partition-invariance": ("Partition.I5_plain", "Partition.I5_common"),
    "I6-stability-edge": (
        "Edge.I6_stability_edge",
        "Edge.I6_converges",
        "Edge.I6_diverges",
        "Exhibits.I6_in_the_plane",
    ),
    "I7-changes-of-the-lagrangian": ("Identities.I7_server", "Identities.I7_penalty", "Identities.I7_multiplier"),
    "server-step-is-the-minimiser": ("Identities.server_step_is_the_minimiser",),
    "local-step-is-the-minimiser": ("Identities.local_step_is_the_minimiser",),
    "multiplier-step-is-dual-ascent": ("Identities.multiplier_step_is_dual_ascent",),
    "heavy-ball-on-optimistic-gradient": (
        "Equivalences.heavy_ball",
        "Equivalences.heavy_ball_first",
        "Equivalences.heavy_ball_mode",
    ),
    "constant-gradient-gives-gradient-steps": (
        "Equivalences.constant_gradient",
        "Equivalences.constant_gradient_gives_gradient_steps",
        "Exhibits.constant_gradient_exhibit",
    ),
    "fixed-points-are-KKT-points": (
        "Oracles.fixed_points_of_a_round",
        "FixedPoints.kkt_stays",
        "FixedPoints.kkt_stationary",
    ),
    "spectrum-on-quadratics": ("Edge.spectrum_on_quadratics", "Jury.jury"),
    "newton-schulz-acts-on-singular-values": (
        "NewtonSchulz.newton_schulz_acts_on_singular_values",
        "NewtonSchulz.transposed_step",
        "NewtonSchulz.newton_schulz_values",
    ),
    "newton-schulz-fixed-points": ("Quintic.newton_schulz_fixed_points",),
    "newton-schulz-landing-interval": ("Quintic.newton_schulz_landing_interval", "Quintic.ends_attained"),
    "newton-schulz-never-returns-an-orthogonal-matrix": (
        "NewtonSchulz.newton_schulz_never_returns_an_orthogonal_matrix",
        "NewtonSchulz.never_one",
    ),
    "V1-steps-are-summable": (
        "Summable.V1_steps_are_summable",
        "GeometricLimit.V1_growing_gradients",
        "GeometricLimit.V1_iterates_converge",
        "Exhibits.V1_noise",
    ),
    "V1-rate-of-optimisation": ("KeptShare.V1_rate_of_optimisation_refuted",),
    "V2-steps-carry-the-residual": ("Residual.V2_steps_carry_the_residual", "GeometricLimit.V2_residual_stays"),
    "V2-share-is-a-basic-hypergeometric-series": ("Share.V2_share", "Share.hypergeometric", "Share.share_inhabited"),
    "V2-limit-is-stationary": (
        "Refutations.V2_refuted",
        "KeptShare.V2_share_at_least",
        "Share.V2_share",
        "Share.share_inhabited",
    ),
    "V2-limit-not-stationary": ("KeptShare.V2_limit_not_stationary", "Share.share_inhabited"),
    "V2-descent-is-not-convergence": (
        "DescentOnly.V2_descent_is_not_convergence",
        "DescentOnly.V2_lagrangian_falls",
        "KeptShare.V2_limit_not_stationary",
        "Share.share_inhabited",
    ),
    "V4-any-bounded-preconditioner": ("Bias.V4_any_bounded_preconditioner_refuted",),
    "V5-lagrangian-descends": ("Lagrangian.V5_lagrangian_refuted",),
    "V5-lyapunov-decrease": ("Lagrangian.V5_lyapunov_refuted",),
    "V5-heavy-preconditioner": ("DescentWitnesses.V5_heavy_refuted",),
    "V5-mini-batch-descent": ("DescentWitnesses.V5_mini_batch_refuted", "DescentWitnesses.sample_smooth"),
    "V6-uniform-rate": ("FirstGaps.V6_uniform_rate_refuted", "ColdStarts.slant_smooth"),
    "V7-bound-from-the-first-gap": ("FirstGaps.V7_bound_refuted",),
    "V8-sole-assumption-read-literally": ("Hypotheses.V8_sole_assumption_read_literally",),
    "V8-without-bounded-sublevel-sets": ("Hypotheses.V8_without_bounded_sublevel_sets",),
    "V8-without-a-gradient-at-a-kink": ("Hypotheses.V8_without_a_gradient_at_a_kink", "Hypotheses.kink_run"),
    "V8-without-a-lipschitz-gradient": (
        "Hoelder.V8_without_a_lipschitz_gradient",
        "Hoelder.hoelder_cycle",
        "Hoelder.hoelder_convex",
        "Hoelder.hoelder_derivative",
    ),
    "V8-without-a-bound-on-the-preconditioner": ("Hypotheses.V8_without_a_bound_on_the_preconditioner",),
    "V9-nsisa-fixed-points": ("Nsisa.V9_refuted", "Nsisa.V9_kkt_point_moves", "Nsisa.settled_balance"),
    "T1-nonconvex-potential": ("RunClaims.T1_nonconvex_potential",),
    "T1-convex-potential": ("RunClaims.T1_convex_potential",),
    "T1-threshold-sharp": ("ParabolaRuns.T1_no_run_converges", "Threshold.T1_threshold_sharp"),
    "T2-nonconvex-rate": ("Rates.T2_nonconvex_rate", "RunClaims.T2_weighted_sum"),
    "T2-nonconvex-rate-below-2": ("RunClaims.T2_run_rate_below_2",),
    "T2-convex-rate": ("Rates.T2_convex_rate",),
    "T3-nonconvex-attained": ("Sawtooth.T3_nonconvex_attained", "Rates.T2_nonconvex_rate"),
    "T3-convex-attained": ("Attained.T3_convex_worst_case", "Rates.T2_convex_rate"),
    "T4-last-iterate": ("RunClaims.T4_run_last_iterate",),
    "T4-gradient-monotone": ("RunClaims.T4_run_monotone",),
    "T5-stochastic-step": ("Stochastic.T5_step", "Stochastic.T5_sum", "BatchExamples.T5_inhabited"),
    "T5-stochastic-both-orders": (
        "Stochastic.T5_both_orders_own",
        "Stochastic.T5_both_orders_mixed",
        "Stochastic.T5_own_order_drop",
    ),
    "T5-repaired-schedule": (
        "Schedules.T5_repaired_schedule",
        "Schedules.T5_powers",
        "Schedules.T5_geometric_empty",
        "EndlessNoise.endless_noise",
    ),
    "T5-variance-floor": ("Floors.T5_variance_floor", "EndlessNoise.endless_noise"),
    "T5-floor-exact-at-2": ("Floors.T5_floor_at_2_step", "Floors.T5_floor_at_2", "CoinRuns.T5_floor_at_2_attained"),
    "T5-floor-tightened": (
        "Tightened.T5_floor_tightened",
        "Tightened.T5_tightened_excess",
        "EndlessNoise.endless_noise",
    ),
    "T5-floor-lower-bound": (
        "CoinRuns.T5_stationary_exact",
        "CoinRuns.T5_floor_lower_bound",
        "CoinRuns.T5_no_smaller_floor",
    ),
    "T6-preconditioned": ("LinearRate.T6_preconditioned", "LinearRate.sufficient_penalty", "LinearRate.T6_inhabited"),
    "T6-linear-rate": ("LinearRate.T6_linear_rate", "LinearRate.T6_linear_rate_after", "LinearRate.T6_inhabited"),
    "T7-minibatch-constant": (
        "BatchClaims.T7_minibatch_constant",
        "BatchClaims.T7_minibatch_mixed",
        "BatchClaims.T7_minibatch_mixed_wide",
        "BatchExamples.T7_inhabited",
    ),
    "T7-minibatch-growing": ("BatchClaims.T7_minibatch_growing", "Lengths.lengths_exist", "BatchExamples.T7_inhabited"),
    "T7-repaired-schedule": (
        "BatchSchedule.T7_repaired_schedule",
        "BatchSchedule.T7_repaired_schedule_mixed",
        "EndlessNoise.endless_noise",
    ),
    "T7-comparable-penalties-needed": (
        "Uncorrected.T7_stuck",
        "Uncorrected.T7_uncorrected_refuted",
        "Uncorrected.T7_uncorrected_schedule",
    ),
    "T8-oblivious-preconditioner": ("Oblivious.T8_oblivious_preconditioner", "ObliviousRuns.T8_inhabited"),
    "T9-same-batch-bias": ("Bias.T9_same_batch_bias", "Bias.T9_floor", "Bias.noisy_runs_exist"),
    "T9-delayed-bias": ("DelayedBias.T9_delayed_bias", "DelayedBias.delayed_bounded", "Bias.noisy_runs_exist"),
    "T10-quadratic-threshold": ("Edge.T10_quadratic_threshold", "Edge.common_converges", "Edge.common_diverges"),
    "T10-quadratic-rate": ("Edge.T10_quadratic_rate", "Jury.roots_inside"),
    "T11-nsisa-covered": (
        "Covered.T11_entry",
        "Covered.T11_nsisa_covered",
        "Covered.T11_run_is_pisa",
        "Covered.T11_then_T6",
        "Exhibits.T11_exhibit",
    ),
    "T12-threshold-any-clients": (
        "SectorRows.T12_threshold_any_clients",
        "SectorRows.separate_table",
        "Threshold.T1_threshold_sharp",
        "SectorRows.T12_inhabited",
    ),
    "T12-threshold-common": (
        "SectorRows.T12_threshold_common",
        "SectorRows.common_table",
        "Threshold.T1_threshold_sharp",
        "SectorRows.T12_inhabited",
    ),
    "N1-restart": (
        "Restart.N1_restart_passes",
        "Restart.N1_restart_trial",
        "Restart.N1_sum",
        "Restart.N1_linear_rate",
        "Restart.N1_inhabited",
    ),
    "N3-metric-descent": (
        "MetricRun.N3_metric_descent",
        "MetricRun.N3_sum",
        "MetricRun.moving_average_falls",
        "MetricRun.N3_inhabited",
        "MetricExample.N3_falling_inhabited",
    ),
    "N6-any-norm-step": ("AnyNorm.N6_step", "AnyNorm.N6_lowers", "Inhabited.N6_inhabited"),
    "N6-any-norm-sum": ("AnyNorm.N6_sum",),
    "N6-fixed-points": ("AnyNorm.N6_fixed_points", "Sign.sign_oracle", "Nsisa.V9_kkt_point_moves"),
    "N8-ridge-potential": ("Ridge.N8", "Inhabited.N8_inhabited"),
    "N8-ridge-sum": ("Ridge.N8_gradients",),
    "N8-ridge-threshold": ("RidgeSharp.N8_exactly", "Ridge.N8_converges", "Threshold.N8_threshold_sharp"),
    "N9-last-iterate-bound": ("LastNonconvex.N9_refuted", "LastNonconvex.N9_last_iterate"),
    "W-any-q-sharp-edge": (
        "SharpEdge.W_any_q_sharp_edge",
        "SharpEdge.W_any_q_edge_is_sharp",
        "SharpEdge.row_entries",
        "SharpEdge.W_any_q_inhabited",
    ),
    "W-merging-lemma": (
        "OneClient.W_merging_lemma",
        "OneClient.W_merging",
        "Splits.W_merging_plain",
        "OneClient.smooth_is_bounds",
    ),
    "W-descent-below-threshold": (
        "DescentWitnesses.W_descent_below_threshold_refuted",
        "DescentWitnesses.W_descent_mixed_order_refuted",
    ),
    "W-descent-convex-below-edge": ("DescentWitnesses.W_descent_convex_below_edge_refuted",),
    "W-descent-light-changing-q": ("DescentWitnesses.W_descent_light_changing_q_refuted",),
    "W-descent-convex-changing-q": ("DescentWitnesses.W_descent_convex_changing_q_refuted",),
    "W-unequal-rho-cold-start-rate": ("ColdStarts.W_unequal_rho_cold_start_refuted",),
    "W-ridge-cold-start-rate": ("FirstGaps.W_ridge_five_rounds_refuted", "ColdStarts.ridged_gap"),
    "W-fixed-ratio-vanishes": ("FixedRatio.W_fixed_ratio_refuted", "FixedRatio.W_fixed_ratio_mixed_refuted"),
    "W-stable-below-edge": ("BelowEdge.W_stable_below_edge_refuted", "BelowEdge.unbounded"),
    "W-pisa-beats-gradient-descent": (
        "Races.W_pisa_beats_gradient_descent_refuted",
        "Races.descent_rate",
        "Races.pisa_bound",
    ),
    **_certified(),
}
"""Claim → theorems "Module.name", whose conjunction states it; Coq prints each in the manifest."""

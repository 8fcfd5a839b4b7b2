"""Claims judged by running the method.

Exact identities, rates, limits, floors, descent, bounds, hypotheses, real data.
"""

from proofs_check.claim import Claim
from proofs_check.measured.absent import CLAIMS_ABSENT
from proofs_check.measured.absent_edges import CLAIMS_ABSENT_EDGES
from proofs_check.measured.arenas import CLAIMS_ARENAS
from proofs_check.measured.backtracking import CLAIMS_BACKTRACKING
from proofs_check.measured.by_hand import CLAIMS_BY_HAND
from proofs_check.measured.by_hand_baselines import CLAIMS_BASELINES
from proofs_check.measured.by_hand_curvature import CLAIMS_CURVATURE
from proofs_check.measured.by_hand_nsisa import CLAIMS_NSISA_BY_HAND
from proofs_check.measured.by_hand_parts import CLAIMS_PARTS
from proofs_check.measured.by_hand_torch import CLAIMS_TORCH
from proofs_check.measured.constant_penalty import CLAIMS_CONSTANT_PENALTY
from proofs_check.measured.deep_rows import CLAIMS_DEEP
from proofs_check.measured.descent import CLAIMS_DESCENT
from proofs_check.measured.descent_breaks import CLAIMS_DESCENT_BREAKS
from proofs_check.measured.equivalences import CLAIMS_EQUIVALENCES
from proofs_check.measured.floors import CLAIMS_FLOORS
from proofs_check.measured.growing_penalty import CLAIMS_GROWING_PENALTY
from proofs_check.measured.hypotheses import CLAIMS_HYPOTHESES
from proofs_check.measured.identities import CLAIMS_IDENTITIES
from proofs_check.measured.inferred import CLAIMS_INFERRED
from proofs_check.measured.limits import CLAIMS_LIMITS
from proofs_check.measured.local_curvature import CLAIMS_LOCAL_CURVATURE
from proofs_check.measured.local_means import CLAIMS_LOCAL_MEANS
from proofs_check.measured.metrics import CLAIMS_METRICS
from proofs_check.measured.mini_batches import CLAIMS_MINI_BATCHES
from proofs_check.measured.nonsmooth import CLAIMS_KINKS
from proofs_check.measured.orthogonal import CLAIMS_ORTHOGONAL
from proofs_check.measured.rates import CLAIMS_RATES
from proofs_check.measured.real_data import CLAIMS_REAL_DATA
from proofs_check.measured.spectral import CLAIMS_SPECTRAL
from proofs_check.measured.uniformity import CLAIMS_UNIFORMITY

CLAIMS_MEASURED: tuple[Claim, ...] = (
    *CLAIMS_BY_HAND,
    *CLAIMS_NSISA_BY_HAND,
    *CLAIMS_PARTS,
    *CLAIMS_CURVATURE,
    *CLAIMS_BASELINES,
    *CLAIMS_TORCH,
    *CLAIMS_IDENTITIES,
    *CLAIMS_EQUIVALENCES,
    *CLAIMS_RATES,
    *CLAIMS_LIMITS,
    *CLAIMS_CONSTANT_PENALTY,
    *CLAIMS_FLOORS,
    *CLAIMS_GROWING_PENALTY,
    *CLAIMS_DESCENT,
    *CLAIMS_DESCENT_BREAKS,
    *CLAIMS_UNIFORMITY,
    *CLAIMS_KINKS,
    *CLAIMS_HYPOTHESES,
    *CLAIMS_ORTHOGONAL,
    *CLAIMS_BACKTRACKING,
    *CLAIMS_LOCAL_CURVATURE,
    *CLAIMS_METRICS,
    *CLAIMS_MINI_BATCHES,
    *CLAIMS_SPECTRAL,
    *CLAIMS_LOCAL_MEANS,
    *CLAIMS_ARENAS,
    *CLAIMS_ABSENT,
    *CLAIMS_ABSENT_EDGES,
    *CLAIMS_REAL_DATA,
    *CLAIMS_INFERRED,
    *CLAIMS_DEEP,
)
"""In the order of MATHEMATICS.md#identities and #claims, data and intervals last."""

__all__ = ["CLAIMS_MEASURED"]

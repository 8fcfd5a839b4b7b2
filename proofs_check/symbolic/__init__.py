"""Claims that SymPy and exact rationals prove or refute: identities, minimisers, equivalences, spectra, limits."""

from proofs_check.claim import Claim
from proofs_check.symbolic.cold_start import START_CLAIMS
from proofs_check.symbolic.equivalences import EQUIVALENCE_CLAIMS
from proofs_check.symbolic.hypotheses import HYPOTHESIS_CLAIMS
from proofs_check.symbolic.identities import IDENTITY_CLAIMS
from proofs_check.symbolic.limits import LIMIT_CLAIMS
from proofs_check.symbolic.minimisers import MINIMISER_CLAIMS
from proofs_check.symbolic.newton_schulz import NEWTON_SCHULZ_CLAIMS
from proofs_check.symbolic.spectra import SPECTRUM_CLAIMS
from proofs_check.symbolic.surviving_gradient import SHARE_CLAIMS

CLAIMS_SYMBOLIC: tuple[Claim, ...] = (
    *IDENTITY_CLAIMS,
    *MINIMISER_CLAIMS,
    *EQUIVALENCE_CLAIMS,
    *SPECTRUM_CLAIMS,
    *NEWTON_SCHULZ_CLAIMS,
    *LIMIT_CLAIMS,
    *SHARE_CLAIMS,
    *START_CLAIMS,
    *HYPOTHESIS_CLAIMS,
)
"""MATHEMATICS.md#preconditioners to #claims, without the theorems for every N."""

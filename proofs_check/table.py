"""The table of all claims: symbolic, theorems, formal, certified, measured."""

import difflib

from proofs_check.certified.claims import CLAIMS_CERTIFIED
from proofs_check.claim import Claim
from proofs_check.formal.absent_claims import CLAIMS_ABSENT_FORMAL
from proofs_check.formal.auto_claims import CLAIMS_AUTO
from proofs_check.formal.claims import CLAIMS_FORMAL
from proofs_check.formal.noisy import CLAIMS_NOISY
from proofs_check.measured import CLAIMS_MEASURED
from proofs_check.stored import hold_to_witness
from proofs_check.symbolic import CLAIMS_SYMBOLIC
from proofs_check.symbolic.theorems import CLAIMS_THEOREMS

CLAIMS: tuple[Claim, ...] = tuple(
    map(
        hold_to_witness,
        (
            *CLAIMS_SYMBOLIC,
            *CLAIMS_THEOREMS,
            *CLAIMS_FORMAL,
            *CLAIMS_AUTO,
            *CLAIMS_ABSENT_FORMAL,
            *CLAIMS_NOISY,
            *CLAIMS_CERTIFIED,
            *CLAIMS_MEASURED,
        ),
    )
)
"""Every claim once; a new row is checked by `pisa-lab verify` and by the tests of all claims.

One that is to be refuted by a trial is held to the numbers of its shipped witness.
"""


def by_name(name: str) -> Claim:
    """Return the claim called ``name``.

    Raises:
        ValueError: there is none; the message lists the nearest ones.
    """
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    close = difflib.get_close_matches(name, [claim.name for claim in CLAIMS], n=3, cutoff=0.4)
    hint = f"; close: {', '.join(close)}" if close else ""
    raise ValueError(f"name: {name!r} names no claim{hint}")

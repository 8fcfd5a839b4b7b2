"""What the tests of checker share."""

from proofs_check.certified.catalogue import THEOREMS
from proofs_check.certified.setting import Setting

LONG_RUNS = [theorem for theorem in THEOREMS if isinstance(theorem.question, Setting)]

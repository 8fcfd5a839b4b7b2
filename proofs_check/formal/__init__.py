"""Theorems that Coq's kernel has checked, from the textbook definitions up: which claim rests on which of them.

``coq/`` holds the sources, ``make formal`` builds them and writes ``manifest.json``, and everything else reads that
record: no Coq is needed to verify, and a source that was edited since makes the record stale.
"""

from proofs_check.formal.manifest import Manifest, read_manifest, strength
from proofs_check.formal.theorems import THEOREMS

__all__ = ["THEOREMS", "Manifest", "read_manifest", "strength"]

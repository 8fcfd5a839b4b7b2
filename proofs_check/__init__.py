"""What is claimed of PISA, and what a check finds: symbolic, certified and measured claims in one table, ``CLAIMS``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofs_check.table import CLAIMS

__all__ = ["CLAIMS"]

if not TYPE_CHECKING:  # Hidden from mypy, which would take any name for one of ours.

    def __getattr__(name):
        """Return the table, imported when it is first asked for: it takes SymPy and seconds, one check does not."""
        if name == "CLAIMS":
            from proofs_check.table import CLAIMS

            return CLAIMS
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Problems with known mathematics, on synthetic and real data; ``PROBLEMS`` lists the families."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from problems.table import PROBLEMS

__all__ = ["PROBLEMS"]

if not TYPE_CHECKING:  # Hidden from mypy, which would take any name for one of ours.

    def __getattr__(name):
        """Return the table, imported when it is first asked for: it needs every family, and they need this package."""
        if name == "PROBLEMS":
            from problems.table import PROBLEMS

            return PROBLEMS
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

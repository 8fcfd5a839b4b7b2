"""Which hypothesis a run violates, and when: watched from beside the run, without changing it."""

from pisa_lab.monitor.findings import MEANINGS, Finding, Hypothesis
from pisa_lab.monitor.watch import STATEMENTS, Monitor

__all__ = ["MEANINGS", "STATEMENTS", "Finding", "Hypothesis", "Monitor"]

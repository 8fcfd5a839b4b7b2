"""The claims report: one self-contained HTML page, made from plain rows."""

from pisa_lab.report.claims_page import claims_page

__all__ = ["claims_page"]

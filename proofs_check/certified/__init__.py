"""Exact worst cases, rational certificates, their solver-free checker, and refutations with witnesses."""

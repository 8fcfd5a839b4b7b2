r"""The lemma "equal $\sigma_i$, $\rho_i$ ⇒ one client": when it applies, and the reduction."""

import dataclasses
from fractions import Fraction

from proofs_check.certified.setting import Setting


def applies(setting: Setting) -> bool:
    r"""Return whether the worst case over m clients equals that over one with $\alpha$-averaged constants.

    PISA: $\rho_i$ and $\sigma_i$ equal for all clients, or every $\rho_i = 0$ with common ratios of $\sigma$ from
    round to round;
    FedAvg: one local step. A heterogeneity bound needs equal $L_i$ (the extremal clients then are all F). Source:
    MATHEMATICS.md#I5.
    """
    if setting.clients == 1 or setting.method == "admm":
        return setting.clients == 1
    if setting.heterogeneity is not None and len(set(setting.lipschitz)) > 1:
        return False
    if setting.method == "fedavg":
        return setting.local_steps == 1
    same = all(len(set(row)) == 1 for row in setting.penalties) and len(set(setting.rho)) == 1
    return same or (not any(setting.rho) and _common_ratios(setting))


def _common_ratios(setting: Setting) -> bool:
    first = setting.penalties[0]
    return all(len({s / f for s, f in zip(row, first, strict=True)}) == 1 for row in setting.penalties)


def merge_clients(setting: Setting) -> Setting:
    """Return the one-client setting with the same worst case where the lemma applies, else ``setting``."""
    if setting.clients == 1 or not applies(setting):
        return setting

    def mean(values: tuple[Fraction, ...]) -> tuple[Fraction]:
        return (sum((a * v for a, v in zip(setting.weights, values, strict=True)), Fraction(0)),)

    return dataclasses.replace(
        setting,
        weights=(Fraction(1),),
        lipschitz=mean(setting.lipschitz),
        rho=setting.rho[:1],
        penalties=tuple(mean(row) for row in setting.penalties),
        heterogeneity=None,
    )

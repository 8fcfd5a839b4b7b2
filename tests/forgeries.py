"""False theorems that an earlier checker called proved, made anew with the project's own solver.

``python tests/forgeries.py`` writes them into `forged_certificates`; the tests that only read them need no solver.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from unittest import mock

import numpy as np
from checker_cases import FORGED, forged, shipped

from proofs_check.certified import checker, inequalities
from proofs_check.certified.algorithms import combine
from proofs_check.certified.certificate import certify
from proofs_check.certified.setting import fedavg_setting, pisa_setting


def unstated_hypothesis():
    """Return "PISA with ρ = (0, 2), σ = 3 and π⁰ = 0 has a bound", proved by rows that suppose equal gradients.

    The number of V6 that it denies: on ±1000x + x²/2 from F(w^0) − inf F = 1 the smallest squared gradient is 2.
    """
    document = json.loads(
        certify(pisa_setting("nonconvex", 2, sigma=3, rho=(0, 2), clients=2, heterogeneity=0), slack=1e-3)
    )
    document["parameters"]["heterogeneity"] = None
    return document


def infinite_curvature():
    """Return "FedAvg on functions of any lower curvature has F(w^10) − inf F below a number", by rows of convex ones.

    F' = x up to .8, then steeply down to 0, is in that class: from w^0 = 1 nothing moves, and F(w^0) − inf F > .32.
    """

    def tangent(self, client, i, j):
        first, second = self.path.points[client][i], self.path.points[client][j]
        slope = np.outer(self.vector(second.gradient), self.vector(combine((1, first.x), (-1, second.x))))
        values = {first.value: Fraction(1), second.value: Fraction(-1)}
        return inequalities.Row("interpolation", (client, i, j), Fraction(0), values, -(slope + slope.T) / 2)

    def convex(p, q, low, high):
        return p[2] - q[2] - q[1] @ (p[0] - q[0])

    setting = fedavg_setting("convex", 10, step="1/4", initial="distance", metric="last_value")
    with (
        mock.patch.object(inequalities.Rows, "_pair", tangent),
        mock.patch.object(checker, "interpolation", convex),
    ):
        document = json.loads(certify(setting, slack=1e-3))
    document["parameters"]["curvature"] = [float("-inf")]
    return document


def float_division():
    """Return "gradient descent with step about 1/(1000L) has min(|g_0|², |g_1|²) ≤ L", proved by rounding.

    On (L/2)x² it is 1.996L. Integers for curvature and Lipschitz constant made 1/(2(high − low)) a float, and the
    identity, whose coefficients are near 10³⁷, was judged in floats.
    """
    document = shipped("nonconvex-gradient-descent-N1")
    smoothness = 6126933103096309
    document["parameters"] |= {"curvature": [smoothness - 1], "lipschitz": [smoothness], "ridge": 0}
    document["parameters"]["step"] = f"1/{1000 * smoothness - 1}"
    large = str(500_000 * smoothness)
    pairs = {"interpolation 0 0 1": large, "interpolation 0 1 0": large}
    bound = str(smoothness)
    return {**document, "bound": bound, "multipliers": {"metric 0": "1", "infimum 0": bound, "initial": bound, **pairs}}


def all_forgeries() -> Iterator[tuple[str, str]]:
    yield "unstated-hypothesis", forged(unstated_hypothesis())
    yield "infinite-curvature", forged(infinite_curvature())
    yield "float-division", forged(float_division())


if __name__ == "__main__":
    FORGED.mkdir(exist_ok=True)
    for name, text in all_forgeries():
        (FORGED / f"{name}.json").write_text(text, encoding="utf-8")

"""The multipliers of the variance floors, exact; found by a semidefinite programme and rounded to fractions."""

import dataclasses
from fractions import Fraction

PAIRS = (
    ("w", "y⁺"), ("w", "w⁺"), ("y", "w"), ("y", "y⁺"), ("y⁺", "w"), ("y⁺", "w⁺"), ("y⁺", "y"), ("w⁺", "y⁺"), ("w⁺",
    "w"), ("w", "y"),
)  # fmt: skip
EXCESS = tuple(map(Fraction, ("3/1000", "3/1000", "4/100", "6/100", "14/100", "17/100")))
NAMES = ("w", "y", "w⁺", "y⁺")


@dataclasses.dataclass(frozen=True)
class Floor:
    """One certificate: ``pairs`` are the multipliers of the interpolation inequalities `PAIRS`."""

    kappa: Fraction
    level: Fraction
    """d"""
    pairs: tuple[Fraction, ...]
    form: tuple[Fraction, ...]
    """entries pp, pu, pg, uu, ug, gg of the symmetric matrix"""
    unbiased: tuple[Fraction, ...]
    """multipliers, of either sign, of E⟨ξ,p⟩ = E⟨ξ,u⟩ = E⟨ξ,g⟩ = 0"""

    def net(self, name: str) -> Fraction:
        """Return the multipliers leaving the point ``name`` less those entering it."""
        leaving = sum((m for m, pair in zip(self.pairs, PAIRS, strict=True) if pair[0] == name), Fraction(0))
        return leaving - sum((m for m, pair in zip(self.pairs, PAIRS, strict=True) if pair[1] == name), Fraction(0))


def _floor(kappa: str, level: str, pairs: str, form: str, unbiased: str) -> Floor:
    numbers = [tuple(map(Fraction, text.split())) for text in (pairs, form, unbiased)]
    return Floor(Fraction(kappa), Fraction(level), *numbers)


TABLE = (
    _floor(
        "8/5", "88639/10000",
        "4529/10000 76641/10000 21987/10000 9/2500 1/10000 1/500 21983/10000 17461/10000 3/10000 9/5000",
        "1449/625 -2929/2500 -38/625 3879/5000 -1941/2500 7757/10000", "-30823/5000 -23/10000 78633/10000",
    ),
    _floor(
        "7/4", "6923/2000",
        "201/250 3501/1000 24/25 1/250 0 1/500 959/1000 39/250 0 1/500",
        "929/1000 -79/200 77/1000 53/250 -213/1000 53/250", "-2549/1000 -1/500 2461/1000",
    ),
    _floor(
        "3", "129/250",
        "10889/5000 1597/5000 3131/5000 21107/10000 2091/5000 5667/5000 0 0 0 0",
        "1209/10000 69/10000 69/1250 -5077/10000 557/10000 331/5000", "-3119/10000 -3481/5000 247/2500",
    ),
    _floor(
        "4", "2967/10000",
        "3077/1250 0 1617/2500 34589/10000 173/400 13823/10000 0 0 0 0",
        "81/1250 33/10000 337/5000 -2163/5000 -307/5000 1667/10000", "-1509/10000 -4223/5000 -7/1250",
    ),
    _floor(
        "8", "213/2000",
        "13797/5000 0 1493/2000 9823/1250 179/500 16549/10000 0 0 0 0",
        "17/1000 59/2500 127/2500 -4659/10000 -567/10000 1851/10000", "-83/2000 -47/50 -577/5000",
    ),
    _floor(
        "16", "28/625",
        "35253/10000 0 4727/5000 401/25 4209/10000 2159/1000 0 0 0 0",
        "53/10000 119/5000 347/10000 -957/2500 -989/10000 279/1250", "-133/10000 -604/625 -1219/10000",
    ),
)  # fmt: skip

"""The numbers of the versions of Theorem 2, exact."""

import dataclasses
from fractions import Fraction


@dataclasses.dataclass(frozen=True)
class Constants:
    r"""The numbers of one version of Theorem 2.

    With $\kappa_k \ge K\sqrt{(1+\beta_k)(1+2\beta_k)}$: $E V_{k+1} \le V_k - \text{rate}\,\tau_k\|G\|^2 +
    \tau_k[\text{mean}\,v/\kappa_k + (1+2\beta_k)(\text{spread}/\kappa_k^2 + \text{damped}\,q_k^2)\bar v]$.
    """

    reach: Fraction
    """K"""
    rate: Fraction
    mean: Fraction
    spread: Fraction
    damped: Fraction
    growing: bool
    """False: τ_k = c_k (constant penalties, or the mixed order); True: c_k ≤ τ_k ≤ 2c_k, the other order"""
    turn: Fraction = Fraction(2, 5)
    """θ of ⟨G, Eε⟩"""
    shift: Fraction = Fraction(1, 10)
    """φ of ⟨G, ∇F(y) − G⟩"""
    young: tuple[Fraction, Fraction, Fraction, Fraction] = (
        Fraction(5, 2),
        Fraction(1, 5),
        Fraction(3, 5),
        Fraction(2, 5),
    )
    """t₁ … t₄ of the four splittings ‖x+y‖² ≤ (1+t)‖x‖² + (1+1/t)‖y‖²"""
    share: Fraction = Fraction(11, 10)
    """x of B_k"""

    @property
    def moved(self) -> Fraction:
        """The multiplier of ‖∇F(y) − G‖² ≤ c²‖R‖²."""
        return 1 / (4 * self.shift) + Fraction(1, 2)

    @property
    def biased(self) -> Fraction:
        """The multiplier of ‖Eε‖² ≤ E‖ε‖²."""
        return 1 / (2 * self.turn) + Fraction(1, 2)

    @property
    def longest(self) -> int:
        """The largest τ_k/c_k."""
        return 2 if self.growing else 1

    @property
    def curvature_share(self) -> Fraction:
        """B_k's part that goes with 1/κ²."""
        return self.moved * (1 + 1 / self.young[0])

    @property
    def damped_share(self) -> Fraction:
        """B_k's part that goes with q²."""
        return self.biased + Fraction(self.longest, 2) / self.reach * (1 + 1 / self.young[1])


SPLITTINGS = (Fraction(5, 3), Fraction(3, 10), Fraction(7, 10), Fraction(9, 20))
WIDE = Constants(
    reach=Fraction(12), rate=Fraction(9, 20), mean=Fraction(2, 3), spread=Fraction(13), damped=Fraction(15, 2),
    growing=False, turn=Fraction(9, 20), shift=Fraction(11, 100), young=SPLITTINGS, share=Fraction(13, 10),
)  # fmt: skip
CONSTANT = Constants(
    reach=Fraction(20),
    rate=Fraction(3, 5),
    mean=Fraction(3, 5),
    spread=Fraction(10),
    damped=Fraction(13, 2),
    growing=False,
)
GROWING = Constants(
    reach=Fraction(20),
    rate=Fraction(11, 20),
    mean=Fraction(6, 5),
    spread=Fraction(20),
    damped=Fraction(12),
    growing=True,
)

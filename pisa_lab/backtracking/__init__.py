r"""PISA without a constant to know: one inequality to check, a restart where it fails, then a larger penalty.

A round proposes PISA's own step. With $e_i = \nabla F_i(w)+\pi_i$, $G = \nabla F_\lambda(w)$, $s = \sigma+\lambda$
it is accepted where

$$F_\lambda(w') + (1+\varepsilon)\tfrac as\sum_i\alpha_i\|\nabla F_i(w')+\pi_i'\|^2 \le F_\lambda(w) +
(1-\delta)\tfrac as\sum_i\alpha_i\|e_i\|^2 - \tfrac cs\|G\|^2. \tag{T}$$

If it fails, the multipliers restart at $\pi_i = -\nabla F_i(w)$, so that the step is $-G/s$; if that fails too, σ
grows t-fold. After an accepted round σ falls by 1+ε. Any preconditioner will do, bounded or not. To globalise a
candidate step by a merit function and a fallback is standard; PISA's potential as the merit function, and the
constants, are ours. Source: MATHEMATICS.md#N1.
"""

from pisa_lab.backtracking.rounds import begin, search
from pisa_lab.backtracking.rule import ROUNDING, SEARCHING, TRIALS, Backtracking, Search

__all__ = ["ROUNDING", "SEARCHING", "TRIALS", "Backtracking", "Search", "begin", "search"]

"""The preconditioners, one file each, and the table that the conformance tests run over."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from pisa_lab._checks import row_named
from pisa_lab.preconditioners.base import (
    Base,
    Blockwise,
    ClientOperator,
    Diagonal,
    Guarantee,
    Kronecker,
    Preconditioner,
    Spectral,
)
from pisa_lab.preconditioners.composed import Clipped, Every, Nondecreasing
from pisa_lab.preconditioners.contractive import Contraction, Quantised, ScaledSign, TopK
from pisa_lab.preconditioners.curvature import GaussNewton, Hessian, HessianDiagonal
from pisa_lab.preconditioners.fisher import Fisher, FisherDiagonal
from pisa_lab.preconditioners.identity import HeavyBall, Identity, Zero
from pisa_lab.preconditioners.kronecker import KroneckerFactored
from pisa_lab.preconditioners.orthogonal import OrthogonalMomentum, newton_schulz
from pisa_lab.preconditioners.second_moment import SecondMoment

__all__ = [
    "PRECONDITIONERS",
    "Base",
    "Blockwise",
    "ClientOperator",
    "Clipped",
    "Contraction",
    "Diagonal",
    "Every",
    "Fisher",
    "FisherDiagonal",
    "GaussNewton",
    "Guarantee",
    "HeavyBall",
    "Hessian",
    "HessianDiagonal",
    "Identity",
    "Kronecker",
    "KroneckerFactored",
    "Nondecreasing",
    "OrthogonalMomentum",
    "Preconditioner",
    "PreconditionerRow",
    "Quantised",
    "ScaledSign",
    "SecondMoment",
    "Spectral",
    "TopK",
    "Zero",
    "by_name",
    "newton_schulz",
]


@dataclasses.dataclass(frozen=True)
class PreconditionerRow:
    """One preconditioner: how it is built for a problem, what it asks of it, and what it costs.

    ``needs`` is the method that the problem must have: '', 'hvp', 'sample_grad' or 'gauss_newton'. ``buffers`` are
    the numbers kept for one client with a parameter of p numbers, ``cost`` the work of one client and iteration
    beyond the gradient and a few passes over the parameter. ``exempt`` maps a conformance test to the reason why it
    does not apply.
    """

    name: str
    build: Callable[[Any], ClientOperator[Any]]
    summary: str
    buffers: str
    cost: str = ""
    needs: str = ""
    exempt: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _second_moment(scheme: str, clip: float | None = None) -> Callable[[Any], Preconditioner[Any]]:
    return lambda problem: SecondMoment(scheme=scheme, clip=clip)


def _dense(kind: type[Any]) -> Callable[[Any], Preconditioner[Any]]:
    return lambda problem: kind(parameter_axes=problem.initial.ndim)


def _orthogonal(problem: Any) -> OrthogonalMomentum:
    return OrthogonalMomentum(blocks=getattr(problem, "blocks", None))


def _kronecker(problem: Any) -> KroneckerFactored:
    """Take a two-axis parameter as one matrix, a flat one by its blocks, or as one vector where it has none."""
    if problem.initial.ndim == 2:
        return KroneckerFactored()
    return KroneckerFactored(blocks=getattr(problem, "blocks", None) or (("w", tuple(problem.initial.shape)),))


_DENSE = "p products, an eigendecomposition of order p"
NOT_KKT = {"kkt": "the gradient is replaced by its orthogonalisation (MATHEMATICS.md#V9)"}
"""Why orthogonalised momentum is excused from one test of conformance."""
NOT_LINEAR = {"linear": "a contraction C in the place of the solve, which no Q gives (MATHEMATICS.md#N7)"}
"""Why contractions are excused from the tests of a Q; they have tests of their own."""

PRECONDITIONERS = (
    PreconditionerRow("none", lambda problem: Zero(), "Q = 0: the optimistic gradient method", "0"),
    PreconditionerRow("identity", lambda problem: Identity(), "Q = I: a damped step", "0"),
    PreconditionerRow("heavy-ball", lambda problem: HeavyBall(), "ρQ = 9σI: heavy-ball momentum 0.9", "p"),
    PreconditionerRow("second-moment-1", _second_moment("I"), "SISA I: root of the sum of (π+g)²", "2p"),
    PreconditionerRow("second-moment-2", _second_moment("II"), "SISA II: root of a moving average", "2p"),
    PreconditionerRow("second-moment-3", _second_moment("III"), "SISA III: II with bias correction", "2p"),
    PreconditionerRow("second-moment-1-clipped", _second_moment("I", 1.0), "SISA I with Q ⪯ I", "2p"),
    PreconditionerRow("second-moment-2-clipped", _second_moment("II", 1.0), "SISA II with Q ⪯ I", "2p"),
    PreconditionerRow("second-moment-3-clipped", _second_moment("III", 1.0), "SISA III with Q ⪯ I", "2p"),
    PreconditionerRow(
        "orthogonal-momentum",
        _orthogonal,
        "NSISA: Newton–Schulz orthogonalised momentum for the gradient",
        "2p",
        "15 matrix products for each matrix block",
        exempt=NOT_KKT,
    ),
    PreconditionerRow(
        "hessian", _dense(Hessian), "the Hessian, negative eigenvalues put to 0", "p² + p", _DENSE, "hvp"
    ),
    PreconditionerRow(
        "hessian-diagonal", _dense(HessianDiagonal), "the Hessian's diagonal where positive", "p", "p products", "hvp"
    ),
    PreconditionerRow("gauss-newton", _dense(GaussNewton), "the Gauss–Newton matrix", "p² + p", _DENSE, "gauss_newton"),
    PreconditionerRow(
        "fisher",
        _dense(Fisher),
        "second moment of the samples' gradients",
        "p² + p",
        "b sample gradients, an eigendecomposition of order p",
        "sample_grad",
    ),
    PreconditionerRow(
        "fisher-diagonal",
        lambda problem: FisherDiagonal(),
        "mean squares of the samples' gradients",
        "p",
        "b sample gradients",
        "sample_grad",
    ),
    PreconditionerRow(
        "kronecker",
        _kronecker,
        "Shampoo's factors: fourth roots of averaged GGᵀ and GᵀG",
        "2(rows² + columns²) + rows·columns for each matrix block",
        "two eigendecompositions for each matrix block",
    ),
    PreconditionerRow(
        "nondecreasing",
        lambda problem: Nondecreasing(SecondMoment("II")),
        "any other's diagonal, the largest so far, here that of SISA II",
        "3p",
    ),
    PreconditionerRow(
        "clipped",
        lambda problem: Clipped(_dense(Hessian)(problem), 1.0),
        "any other with its eigenvalues clipped, here the Hessian to [0, 1]",
        "p² + p",
        _DENSE,
        "hvp",
    ),
    PreconditionerRow(
        "every-k",
        lambda problem: Every(_dense(Hessian)(problem), 10),
        "any other, Q refreshed now and then, here the Hessian in every tenth iteration",
        "p² + p",
        f"in every tenth iteration {_DENSE}",
        "hvp",
    ),
    PreconditionerRow(
        "top-k",
        lambda problem: TopK(),
        "EF21's top-k: a tenth of the entries of π+g, the largest",
        "0",
        "two sorts of p numbers",
        exempt=NOT_LINEAR,
    ),
    PreconditionerRow(
        "scaled-sign",
        lambda problem: ScaledSign(),
        "the signs of π+g and their mean size: a bit an entry",
        "0",
        exempt=NOT_LINEAR,
    ),
    PreconditionerRow(
        "eight-bit",
        lambda problem: Quantised(),
        "π+g on 255 levels: a byte an entry",
        "0",
        exempt=NOT_LINEAR,
    ),
)
"""The preconditioners a command line can name; adding a row adds its conformance tests."""


def by_name(name: str) -> PreconditionerRow:
    """Return the row called ``name``.

    Raises:
        ValueError: there is none; the message lists all.
    """
    return row_named("preconditioner", name, PRECONDITIONERS)

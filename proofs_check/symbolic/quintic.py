r"""The quintic $p(x) = ax + bx^3 + cx^5$ that a Newton-Schulz step applies to singular values, as the library has it.

Source: MATHEMATICS.md#preconditioners; the coefficients are decimal and are taken as the rationals they are.
"""

import ast
import dataclasses
import inspect
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pisa_lab
from pisa_lab.preconditioners import orthogonal
from proofs_check.kernel.algebra import exact

TORCH_SOURCE = Path(pisa_lab.__file__).parent / "torch" / "_orthogonal.py"


@dataclasses.dataclass(frozen=True)
class Quintic:
    r"""The map $X \mapsto aX + bAX + cA^2X$ applied ``steps`` times, A = ``gram``(X, Xᵀ)."""

    a: Fraction
    b: Fraction
    c: Fraction
    steps: int = 5
    gram: Callable[[Any, Any], Any] = lambda x, transposed: x * transposed

    def on(self, x: Any) -> Any:
        """Return p(x) for a rational or an expression."""
        a, b, c = (self.a, self.b, self.c) if isinstance(x, Fraction) else map(exact, (self.a, self.b, self.c))
        return x * (a + b * x**2 + c * x**4)

    def repeated(self, x: Fraction) -> Fraction:
        """Return p applied ``steps`` times."""
        for _ in range(self.steps):
            x = self.on(x)
        return x

    def gain(self, square: Fraction) -> Fraction:
        r"""Return the rational R with $p^{\circ k}(x) = xR$ for $x^2$ = ``square``: x itself may be irrational."""
        gain = Fraction(1)
        for _ in range(self.steps):
            here = square * gain**2
            gain *= self.a + self.b * here + self.c * here**2
        return gain

    def matrix(self, x: Any, transposed: Any) -> Any:
        """Return one step on a matrix ``x`` (non-commutative symbols)."""
        a, b, c = map(exact, (self.a, self.b, self.c))
        gram = self.gram(x, transposed)
        return a * x + b * gram * x + c * gram * gram * x


def library_quintic() -> Quintic:
    """Return the quintic of `pisa_lab.preconditioners.newton_schulz`: its coefficients and its number of steps."""
    a, b, c = (Fraction(str(coefficient)) for coefficient in orthogonal.COEFFICIENTS)
    steps = inspect.signature(orthogonal.newton_schulz).parameters["steps"].default
    return Quintic(a, b, c, steps)


def torch_takes_the_librarys(source: Path = TORCH_SOURCE) -> bool:
    """Return whether the torch backend imports the library's coefficients and assigns none of its own."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    imported = [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "COEFFICIENTS" for alias in node.names)
    ]
    targets = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
    assigned = any(isinstance(target, ast.Name) and target.id == "COEFFICIENTS" for target in targets)
    return imported == ["pisa_lab.preconditioners.orthogonal"] and not assigned

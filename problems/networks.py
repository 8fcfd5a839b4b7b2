"""Two-layer networks on a flat parameter with blocks W1, b1, W2, b2: exact gradients and Hessian products, by hand."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._array import Array, namespace, to_numpy
from pisa_lab._checks import choice, whole
from problems.base import HostArray, ball, joined, matrix, start
from problems.losses import OUTPUT_LOSSES, OutputLoss
from problems.samples import FiniteSum, Rows
from problems.user_data import arranged, one_hot, real_targets


class Activation(NamedTuple):
    """φ(a), φ' and φ'' as functions of (a, φ(a)), |φ'| ≤ 1; ``bend`` is sup|φ''|, inf where φ' jumps."""

    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Array]
    bend: float


def _tanh(a: Array) -> Array:
    return namespace(a).tanh(a)


def _tanh_slope(a: Array, h: Array) -> Array:
    return (1 - h) * (1 + h)


def _tanh_curvature(a: Array, h: Array) -> Array:
    return -2 * h * (1 - h) * (1 + h)


def _relu(a: Array) -> Array:
    return namespace(a).clip(a, 0.0, math.inf)


def _relu_slope(a: Array, h: Array) -> Array:
    return namespace(a).astype(a > 0, a.dtype)


def _relu_curvature(a: Array, h: Array) -> Array:
    return namespace(a).zeros_like(a)


ACTIVATIONS = {
    "tanh": Activation(_tanh, _tanh_slope, _tanh_curvature, 4 / (3 * math.sqrt(3))),
    "relu": Activation(_relu, _relu_slope, _relu_curvature, math.inf),
}


class Layers(NamedTuple):
    """A flat parameter as matrices: (…, p, k), (…, 1, k), (…, k, C), (…, 1, C)."""

    inner: Array
    inner_bias: Array
    outer: Array
    outer_bias: Array


class Pass(NamedTuple):
    """A forward pass: φ', φ'' at the hidden units, the hidden values, the outputs."""

    slope: Array
    curvature: Array
    hidden: Array
    outputs: Array


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Network(FiniteSum):
    r"""$F_i(w) = \frac{1}{n_i}\sum_j\ell(z_{ij}; y_{ij}) + \tfrac{\mu}{2}\|w\|^2$.

    $z = W_2^\top\varphi(W_1^\top x + b_1) + b_2$; ``loss`` names a row of `OUTPUT_LOSSES`, ``activation`` one of
    `ACTIVATIONS`, ``hidden`` is the number of units.
    With "relu" ∇F_i jumps: no Lipschitz constant on any ball, `hvp` is that of the smooth piece.
    """

    hidden: int
    loss: str
    activation: str = "tanh"

    @property
    def task(self) -> str:
        """The loss's task."""
        return OUTPUT_LOSSES[self.loss].task

    @property
    def convex(self) -> bool:
        """Never."""
        return False

    @property
    def blocks(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """W1 (p, k), b1 (k,), W2 (k, C), b2 (C,)."""
        inputs, units, outputs = self.features.shape[-1], self.hidden, self.targets.shape[-1]
        return (("W1", (inputs, units)), ("b1", (units,)), ("W2", (units, outputs)), ("b2", (outputs,)))

    def outputs(self, w: Array, features: Array) -> Array:
        """Return φ(X W1 + b1) W2 + b2, (…, n, C)."""
        layers, xp = self._layers(w), namespace(w)
        hidden = ACTIVATIONS[self.activation].value(xp.matmul(features, layers.inner) + layers.inner_bias)
        return xp.matmul(hidden, layers.outer) + layers.outer_bias

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        xp = namespace(w)
        value = xp.sum(self.shares * self._loss.value(self.outputs(w, self.features), self.targets), axis=-1)
        return value + self.local_ridge / 2 * xp.sum(w * w, axis=-1)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, P)."""
        rows, layers = self.rows(batch), self._layers(w)
        passed = self._forward(layers, rows.features)
        slopes = rows.scale(self._loss.slope(passed.outputs, rows.targets))
        return self._pulled(layers, passed, rows.features, slopes) + self.local_ridge * w

    def sample_grad(self, w: Array, batch: Array) -> Array:
        """Return every sample's gradient, (…, clients, b, P); their mean is the mini-batch gradient."""
        rows, layers, xp = self.rows(batch), self._layers(w), namespace(w)
        passed = self._forward(layers, rows.features)
        outer = self._loss.slope(passed.outputs, rows.targets)
        inner = xp.matmul(outer, xp.matrix_transpose(layers.outer)) * passed.slope
        gradient = joined(
            rows.features[..., :, None] * inner[..., None, :],
            inner[..., None, :],
            passed.hidden[..., :, None] * outer[..., None, :],
            outer[..., None, :],
        )
        return gradient + self.local_ridge * w[..., None, :]

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v by differentiating the backward pass along v; shape (…, clients, P)."""
        rows, layers, along, xp = self.rows(batch), self._layers(w), self._layers(v), namespace(w)
        passed = self._forward(layers, rows.features)
        inner, hidden, outputs = self._tangent(layers, along, passed, rows)
        slope = rows.scale(self._loss.slope(passed.outputs, rows.targets))
        slope_along = rows.scale(self._loss.product(passed.outputs, outputs))
        linear = self._pulled(layers, passed, rows.features, slope_along)
        error = xp.matmul(slope, xp.matrix_transpose(layers.outer))
        bent = xp.matmul(slope, xp.matrix_transpose(along.outer)) * passed.slope + error * passed.curvature * inner
        change = joined(
            xp.matmul(xp.matrix_transpose(rows.features), bent),
            xp.sum(bent, axis=-2, keepdims=True),
            xp.matmul(xp.matrix_transpose(hidden), slope),
            xp.zeros_like(xp.sum(slope, axis=-2, keepdims=True)),
        )
        return linear + change + self.local_ridge * v

    def gauss_newton(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return (JᵀHJ + μI)v, J of the outputs and H of the loss in them; shape (…, clients, P)."""
        rows, layers = self.rows(batch), self._layers(w)
        passed = self._forward(layers, rows.features)
        _, _, outputs = self._tangent(layers, self._layers(v), passed, rows)
        slopes = rows.scale(self._loss.product(passed.outputs, outputs))
        return self._pulled(layers, passed, rows.features, slopes) + self.local_ridge * v

    def lipschitz_on(self, radius: float) -> HostArray:
        r"""Return a bound of ‖∇²F_i‖ on ‖w‖ ≤ R: $\sup\|H\|\,\|J\|^2 + \sup\|\ell'\|\,\|D^2z\|$, averaged over samples.

        With $c = \|(x, 1)\|$ and $s^2 = \min(k+1, 1+c^2R^2)$: $\|J\|^2 \le s^2 + R^2c^2$, and $\|D^2z\|$ is at most
        the largest eigenvalue of $\begin{pmatrix}tRc^2 & c\\ c & 0\end{pmatrix}$, $t = \sup|\varphi''|$. Source: ours.
        """
        limit, bend = ball(radius), ACTIVATIONS[self.activation].bend
        if not math.isfinite(bend):
            return np.full(len(self.counts), np.inf)
        shares, targets = (to_numpy(part).astype(np.float64) for part in (self.shares, self.targets))
        reach = 1 + np.sum(to_numpy(self.features).astype(np.float64) ** 2, axis=-1)
        spread = np.minimum(self.hidden + 1.0, 1 + reach * limit**2)
        corner = bend * limit * reach
        second = (corner + np.sqrt(corner**2 + 4 * reach)) / 2
        slope = self._loss.slope_bound(limit * np.sqrt(spread), targets)
        bound = self._loss.bound * (spread + limit**2 * reach) + slope * second
        return np.asarray(np.sum(shares * bound, axis=-1)) + self.local_ridge

    @property
    def _loss(self) -> OutputLoss:
        return OUTPUT_LOSSES[self.loss]

    def _layers(self, w: Array) -> Layers:
        inputs, units, outputs = self.features.shape[-1], self.hidden, self.targets.shape[-1]
        second = (inputs + 1) * units
        return Layers(
            matrix(w, 0, inputs, units),
            matrix(w, inputs * units, 1, units),
            matrix(w, second, units, outputs),
            matrix(w, second + units * outputs, 1, outputs),
        )

    def _forward(self, layers: Layers, features: Array) -> Pass:
        rule, xp = ACTIVATIONS[self.activation], namespace(features)
        inner = xp.matmul(features, layers.inner) + layers.inner_bias
        hidden = rule.value(inner)
        outputs = xp.matmul(hidden, layers.outer) + layers.outer_bias
        return Pass(rule.slope(inner, hidden), rule.curvature(inner, hidden), hidden, outputs)

    @staticmethod
    def _tangent(layers: Layers, along: Layers, passed: Pass, rows: Rows) -> tuple[Array, Array, Array]:
        """Return the derivatives of the hidden inputs, hidden values and outputs in the direction ``along``."""
        xp = namespace(passed.hidden)
        inner = xp.matmul(rows.features, along.inner) + along.inner_bias
        hidden = passed.slope * inner
        outputs = xp.matmul(hidden, layers.outer) + xp.matmul(passed.hidden, along.outer) + along.outer_bias
        return inner, hidden, outputs

    @staticmethod
    def _pulled(layers: Layers, passed: Pass, features: Array, slopes: Array) -> Array:
        """Return Jᵀ of ``slopes`` (…, n, C), summed over the samples."""
        xp = namespace(slopes)
        inner = xp.matmul(slopes, xp.matrix_transpose(layers.outer)) * passed.slope
        return joined(
            xp.matmul(xp.matrix_transpose(features), inner),
            xp.sum(inner, axis=-2, keepdims=True),
            xp.matmul(xp.matrix_transpose(passed.hidden), slopes),
            xp.sum(slopes, axis=-2, keepdims=True),
        )


def network(
    X: Any,
    y: Any,
    parts: Sequence[Any] | None = None,
    *,
    hidden: int = 8,
    task: str = "multiclass",
    classes: int | None = None,
    activation: str = "tanh",
    ridge: float = 0.0,
    local_ridge: float = 0.0,
    weights: Any = None,
    initial: Any = None,
    seed: int = 0,
) -> Network:
    r"""Return a two-layer network on ``X`` (n, p), ``y`` (n,); w is flat, (p·k + k + k·C + C,).

    Args:
        X: features.
        y: labels 0 … C−1 for "multiclass", real numbers for "regression".
        parts: row numbers of every client; None means one client.
        hidden: k, the number of hidden units.
        task: "multiclass" (cross-entropy) or "regression" (half the squared distance).
        classes: C, by default the largest label + 1.
        activation: "tanh" or "relu".
        ridge: λ of $F_\lambda$.
        local_ridge: μ of every $F_i$.
        weights: α, by default $|D_i|/|D|$.
        initial: the start, by default normal with variance 1/(number of inputs of the layer), drawn from ``seed``.
        seed: of the start.

    Raises:
        ValueError: data or numbers outside their domain; labels that another family fits name it.
    """
    units = whole("hidden", hidden, at_least=1)
    if choice("task", task, ("multiclass", "regression")) == "multiclass":
        target = one_hot(y, classes)
    else:
        target = real_targets(y)[:, None]
    fields = arranged(X, target, parts, weights, ridge, local_ridge)
    clients = len(fields["counts"])
    return Network(
        hidden=units,
        loss="cross-entropy" if task == "multiclass" else "squared",
        activation=choice("activation", activation, tuple(ACTIVATIONS)),
        initial=start(initial, _random_start(seed, fields["features"].shape[-1], units, target.shape[-1])),
        smoothness=(math.inf,) * clients,
        **fields,
    )


def relu_network(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> Network:
    """Return a two-layer ReLU network, whose gradient jumps, against an assumption on purpose (MATHEMATICS.md#V8)."""
    return network(X, y, parts, activation="relu", **settings)


def _random_start(seed: int, inputs: int, units: int, outputs: int) -> HostArray:
    rng = np.random.default_rng(whole("seed", seed))
    inner = rng.normal(size=(inputs + 1) * units) / math.sqrt(inputs)
    outer = rng.normal(size=(units + 1) * outputs) / math.sqrt(units)
    return np.concatenate([inner, outer])

"""Linear models with any loss of the table: eight families in one class."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace, to_numpy
from pisa_lab._checks import choice, real
from pisa_lab.problem import objective, total_gradient
from problems.base import HostArray, ball, pull, push, start
from problems.losses import LOSSES
from problems.samples import FiniteSum, top_eigenvalues
from problems.user_data import arranged, real_targets, signs


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LinearModel(FiniteSum):
    r"""$F_i(w) = \frac{1}{n_i}\sum_j \ell(\langle x_{ij}, w\rangle; y_{ij})$ plus penalties.

    These are $\tfrac{\mu}{2}\|w\|^2 + \kappa\sum_k\frac{w_k^2}{1+w_k^2}$.
    ``loss`` names a row of `LOSSES`, ``width`` is that of Huber and log-cosh, ``bump`` is κ.
    $L_i = \sup|\ell''|\,\lambda_{\max}(X_i^\top X_i/n_i) + \mu + 2\kappa$.
    """

    loss: str
    width: float = 1.0
    bump: float = 0.0

    @property
    def task(self) -> str:
        """The loss's task."""
        return LOSSES[self.loss].task

    @property
    def convex(self) -> bool:
        """Whether the loss is convex and κ = 0."""
        return LOSSES[self.loss].convex and self.bump == 0

    def outputs(self, w: Array, features: Array) -> Array:
        """Return X w, (…, n)."""
        return push(features, w)

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        xp = namespace(w)
        losses = LOSSES[self.loss].value(push(self.features, w), self.targets, self.width)
        value = xp.sum(self.shares * losses, axis=-1)
        if self.local_ridge:
            value = value + self.local_ridge / 2 * xp.sum(w * w, axis=-1)
        return value + self.bump * xp.sum(w * w / (1 + w * w), axis=-1) if self.bump else value

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, p)."""
        rows = self.rows(batch)
        slopes = LOSSES[self.loss].slope(push(rows.features, w), rows.targets, self.width)
        return self._with_penalties(pull(rows.features, rows.shares * slopes), w)

    def sample_grad(self, w: Array, batch: Array) -> Array:
        """Return every sample's gradient, (…, clients, b, p); their mean is the mini-batch gradient."""
        rows = self.rows(batch)
        slopes = LOSSES[self.loss].slope(push(rows.features, w), rows.targets, self.width)
        return self._with_penalties(slopes[..., None] * rows.features, w[..., None, :])

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v, shape (…, clients, p)."""
        rows = self.rows(batch)
        curvature = LOSSES[self.loss].curvature(push(rows.features, w), rows.targets, self.width)
        product = pull(rows.features, rows.shares * curvature * push(rows.features, v))
        return self._with_curvature(product, self._bump_curvature(w), v)

    def gauss_newton(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return (Xᵀ Diag(ℓ''₊/n_i) X + μI + the positive part of the bump)v, shape (…, clients, p)."""
        rows = self.rows(batch)
        curvature = LOSSES[self.loss].positive(push(rows.features, w), rows.targets, self.width)
        product = pull(rows.features, rows.shares * curvature * push(rows.features, v))
        return self._with_curvature(product, namespace(w).clip(self._bump_curvature(w), 0.0, 2 * self.bump), v)

    def lipschitz_on(self, radius: float) -> HostArray:
        r"""Return $\lambda_{\max}(\sum_j c_jx_jx_j^\top)/n_i + \mu + 2\kappa$, $c_j = \sup|\ell''|$ on the ball."""
        limit, bound_on = ball(radius), LOSSES[self.loss].bound_on
        if bound_on is None:
            return self.lipschitz
        reach = limit * np.linalg.norm(to_numpy(self.features).astype(np.float64), axis=-1)
        shares = to_numpy(self.shares).astype(np.float64)
        bounds = np.where(shares > 0, bound_on(reach, to_numpy(self.targets).astype(np.float64)), 0.0)
        return top_eigenvalues(self.features, shares * bounds) + self.local_ridge + 2 * self.bump

    def _with_penalties(self, gradient: Array, w: Array) -> Array:
        if self.local_ridge:
            gradient = gradient + self.local_ridge * w
        if self.bump:
            spread = 1 + w * w
            gradient = gradient + 2 * self.bump * w / (spread * spread)
        return gradient

    def _bump_curvature(self, w: Array) -> Array:
        spread = 1 + w * w
        return 2 * self.bump * (1 - 3 * w * w) / (spread * spread * spread)

    def _with_curvature(self, product: Array, bump: Array, v: Array) -> Array:
        if self.local_ridge:
            product = product + self.local_ridge * v
        return product + bump * v if self.bump else product


def linear_model(
    loss: str,
    X: Any,
    y: Any,
    parts: Sequence[Any] | None = None,
    *,
    ridge: float = 0.0,
    local_ridge: float = 0.0,
    bump: float = 0.0,
    width: float = 1.0,
    weights: Any = None,
    initial: Any = None,
) -> LinearModel:
    r"""Return the linear model of ``loss`` on data ``X`` (n, p), ``y`` (n,).

    Args:
        loss: a row of `LOSSES`.
        X: features.
        y: ±1 for "logistic" and "sigmoid", real otherwise.
        parts: row numbers of every client; None means one client.
        ridge: λ of $F_\lambda$.
        local_ridge: μ of every $F_i$.
        bump: κ of the bounded nonconvex penalty.
        width: of Huber and log-cosh, where they turn from a parabola into a line.
        weights: α, by default $|D_i|/|D|$.
        initial: the start, by default 0.

    Raises:
        ValueError: data or numbers outside their domain; labels that another family fits name it.
    """
    row = LOSSES[choice("loss", loss, tuple(LOSSES))]
    target = signs(y) if row.task == "binary" else real_targets(y)
    fields = arranged(X, target, parts, weights, ridge, local_ridge)
    kappa = real("bump", bump, at_least=0.0)
    scale = top_eigenvalues(fields["features"], fields["shares"])
    flat = fields["local_ridge"] + 2 * kappa
    # A client whose features are all 0 has curvature 0 even where the loss has no bound.
    constants = np.where(scale > 0, row.bound, 0.0) * np.where(scale > 0, scale, 1.0) + flat
    return LinearModel(
        loss=loss,
        width=real("width", width, above=0.0),
        bump=kappa,
        initial=start(initial, np.zeros(fields["features"].shape[-1])),
        smoothness=tuple(constants.tolist()),
        **fields,
    )


def least_squares(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> LinearModel:
    r"""Return $\frac{1}{2n_i}\|X_iw - y_i\|^2 + \tfrac{\mu}{2}\|w\|^2$ with its exact minimiser; see `linear_model`."""
    problem = linear_model("squared", X, y, parts, **settings)
    width = problem.initial.shape[0]
    scales = problem.weights[:, None] * problem.shares
    scaled = problem.features * scales[..., None]
    hessian = np.einsum("inp,inq->pq", scaled, problem.features, optimize=True)
    hessian = hessian + (problem.ridge + problem.local_ridge) * np.eye(width)
    w = np.zeros(width)
    # The second round is iterative refinement: the normal equations square the condition number.
    for _ in range(2):
        w = w - np.linalg.lstsq(hessian, total_gradient(problem, w), rcond=None)[0]
    return dataclasses.replace(problem, minimiser=w, optimum=float(objective(problem, w)))


def logistic(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> LinearModel:
    r"""Return $\frac{1}{n_i}\sum_j\log(1+e^{-y_j\langle x_j,w\rangle})$ plus penalties, y = ±1; see `linear_model`."""
    return linear_model("logistic", X, y, parts, **settings)


def logistic_nonconvex(
    X: Any, y: Any, parts: Sequence[Any] | None = None, *, bump: float = 0.1, **settings: Any
) -> LinearModel:
    r"""Return logistic regression with the nonconvex penalty $\kappa\sum_k w_k^2/(1+w_k^2)$; see `linear_model`."""
    return linear_model("logistic", X, y, parts, bump=real("bump", bump, above=0.0), **settings)


def huber(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> LinearModel:
    """Return Huber regression: a parabola within ``width`` of the target and lines outside; see `linear_model`."""
    return linear_model("huber", X, y, parts, **settings)


def log_cosh(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> LinearModel:
    r"""Return regression with $\delta^2\log\cosh(r/\delta)$, δ = ``width``; see `linear_model`."""
    return linear_model("log-cosh", X, y, parts, **settings)


def sigmoid(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> LinearModel:
    r"""Return the nonconvex $\frac{1}{n_i}\sum_j 1/(1+e^{y_j\langle x_j,w\rangle})$, y = ±1; see `linear_model`."""
    return linear_model("sigmoid", X, y, parts, **settings)


def phase_retrieval(
    X: Any, y: Any, parts: Sequence[Any] | None = None, *, seed: int = 0, **settings: Any
) -> LinearModel:
    r"""Return $\frac{1}{4n_i}\sum_j(\langle x_j,w\rangle^2 - y_j)^2$; see `linear_model`.

    0 is a stationary point, so that the default start is random, drawn from ``seed``. There is a Lipschitz constant on
    every ball and no global one.
    """
    if settings.get("initial") is None:
        settings["initial"] = np.random.default_rng(seed).normal(size=np.shape(X)[-1:])
    return linear_model("intensity", X, y, parts, **settings)


def power(X: Any, y: Any, parts: Sequence[Any] | None = None, **settings: Any) -> LinearModel:
    r"""Return $\frac{2}{3n_i}\sum_j|\langle x_j,w\rangle - y_j|^{3/2}$; see `linear_model`.

    It is convex, but ∇F_i is Lipschitz on no ball where a residual vanishes: it violates an assumption on purpose
    (MATHEMATICS.md#V8).
    """
    return linear_model("power-3/2", X, y, parts, **settings)

"""Smooth problems without a structure that a method could exploit: sums of cosines, or of √(1+z²), with tilts."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Waves:
    """F_i(w) = Σ_j h_ij(1 − cos(w_j + p_ij)) + ⟨b_i, w⟩ + (μ/2)‖w‖²; ``convex``: √(1+z²) in place of 1 − cos z."""

    heights: np.ndarray
    phases: np.ndarray
    tilts: np.ndarray
    weights: np.ndarray
    initial: np.ndarray
    ridge: float = 0.0
    convex: bool = False
    curvature: float = 0.0

    @property
    def lipschitz(self):
        return np.max(np.abs(self.heights), axis=1) + self.curvature

    def client_value(self, w):
        z = w + self.phases
        bump = np.sqrt(1 + z * z) if self.convex else 1 - np.cos(z)
        return np.sum(self.heights * bump + self.tilts * w + self.curvature / 2 * w * w, axis=-1)

    def client_grad(self, w, batch=None):
        z = w + self.phases
        slope = z / np.sqrt(1 + z * z) if self.convex else np.sin(z)
        return self.heights * slope + self.tilts + self.curvature * w


def waves(rng, clients=3, size=4, *, ridge=0.0, convex=False, curvature=0.0, tilt=3.0):
    heights = rng.uniform(0.2, 1, (clients, size))
    tilts = tilt * rng.normal(size=(clients, size))
    weights = rng.dirichlet(np.ones(clients))
    tilts -= weights @ tilts
    return Waves(
        heights, rng.uniform(0, 6, (clients, size)), tilts, weights, rng.normal(size=size) * 2, ridge, convex, curvature
    )

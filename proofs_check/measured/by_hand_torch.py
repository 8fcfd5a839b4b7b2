"""The steps of the torch optimisers against the equations written out in NumPy, one client and several."""

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from proofs_check.claim import Claim
from proofs_check.measured.by_hand import moment_root
from proofs_check.measured.by_hand_nsisa import polar
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, relative

TOLERANCE = 1e-8
STEPS = 8
SHAPES = {"W": (4, 3), "b": (3,)}
LR, SIGMA, RHO, RIDGE, BETA = 0.4, 1.5, 2.0, 0.1, 0.9
REST_LR, REST_RHO = 3.0, 5.0
"""What NSISA does to the parameters that are no matrix: lr times the first, the second for ρ."""
MOMENTUM, FLOOR, TAU = 0.8, 0.05, 0.3
"""b of the clients under a metric, the least of D, and τ of the clipped step."""
_REST = {"elementwise_lr": REST_LR, "elementwise_rho": REST_RHO}
_OWN: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "pisa": ("PISA", {"preconditioner": "identity", "rho": RHO}),
    "momentum": ("PISA", {"momentum": MOMENTUM}),
    "sisa": ("SISA.published", {"rho": RHO, "beta": BETA}),
    "nsisa": ("NSISA.published", {"rho": RHO, "beta": BETA, **_REST}),
    "nsisa-core": ("NSISA.published", {"rho": RHO, "elementwise": "momentum", **_REST}),
    "ema": ("SISA", {"momentum": MOMENTUM, "beta": BETA, "eps": FLOOR}),
    "max": ("SISA", {"metric": "max", "momentum": MOMENTUM, "beta": BETA, "eps": FLOOR}),
    "adagrad": ("SISA", {"metric": "adagrad", "momentum": MOMENTUM, "eps": FLOOR}),
}
_SPECTRAL = {"momentum": MOMENTUM, "beta": BETA, "eps": FLOOR, "tau": TAU, "elementwise_lr": REST_LR}
OPTIMIZERS = {
    **_OWN,
    **{scale: ("NSISA", {**_SPECTRAL, "scale": scale}) for scale in ("constant", "nuclear", "clipped")},
}
"""What is checked: the optimiser of pisa_lab.torch and what it is told beside lr, σ and λ."""
WEIGHTS = (3.0, 2.0, 5.0)

Parameters = dict[str, Array]


class Losses:
    """Clients with F_i = Σ s_i(w − c_i)²/2 of a matrix and a vector, started at random; ``spread`` is that of c_i."""

    def __init__(self, instance: Instance) -> None:
        rng, spread = generator(instance), float(instance["spread"])
        self.clients = int(instance["clients"])
        self.clip: Any = instance["clip"]
        self.scheme = str(instance["scheme"])
        self.scales = [{n: rng.uniform(0.2, 1.0, size=s) for n, s in SHAPES.items()} for _ in range(self.clients)]
        self.centres = [{n: rng.normal(size=s) * spread for n, s in SHAPES.items()} for _ in range(self.clients)]
        self.start = {n: rng.normal(size=s) for n, s in SHAPES.items()}

    def bound(self, rho: float) -> float:
        """Return η, the bound on Q: "auto" is none for one client and 10σ/ρ for several."""
        if self.clip == "auto":
            return 10 * SIGMA / rho if self.clients > 1 else math.inf
        return float(self.clip)

    def gradient(self, client: int, name: str, w: Array) -> Array:
        """Return the gradient of one client in one parameter."""
        return np.asarray(self.scales[client][name] * (w - self.centres[client][name]))


def _library_path(losses: Losses, name: str) -> list[Parameters]:
    """Return the parameters after each step of the torch optimiser called ``name``."""
    import torch

    from pisa_lab import torch as optimizers

    params = {n: torch.nn.Parameter(torch.tensor(w)) for n, w in losses.start.items()}
    common: dict[str, Any] = {"lr": LR, "penalty": SIGMA, "weight_decay": RIDGE}
    if losses.clients > 1:
        common |= {"clients": losses.clients, "weights": WEIGHTS[: losses.clients]}
    kind, own = OPTIMIZERS[name]
    common |= {"clip": losses.clip} if kind.endswith("published") else {}
    common |= {"scheme": losses.scheme} if name == "sisa" else {}
    build: Any = functools.reduce(getattr, kind.split("."), optimizers)
    optimizer = build(list(params.values()), **common, **own)

    def closure(client: int) -> Any:
        def evaluate() -> Any:
            optimizer.zero_grad()
            loss = torch.zeros((), dtype=torch.float64)
            for n, param in params.items():
                scale, centre = torch.tensor(losses.scales[client][n]), torch.tensor(losses.centres[client][n])
                loss = loss + (scale * (param - centre) ** 2).sum() / 2
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach()

        return evaluate

    closures, path = [closure(client) for client in range(losses.clients)], []
    for _ in range(STEPS):
        optimizer.step(closures if losses.clients > 1 else closures[0])
        path.append({n: param.detach().numpy().copy() for n, param in params.items()})
    return path


def _path_by_hand(losses: Losses, name: str) -> list[Parameters]:
    """Return the parameters after each step of the equations.

    Client i: q_i = (π_i + g_i)/(σ + ρQ_i), π_i⁺ = π_i − σq_i; server: w⁺ = w + lr(Σα_i(π_i⁺ − σq_i) − λw)/(σD + lr λ),
    or along what Newton–Schulz makes of the numerator.
    """
    alphas = np.asarray(WEIGHTS[: losses.clients]) / sum(WEIGHTS[: losses.clients])
    path: list[Parameters] = [losses.start]
    kept = {(i, n): Memory(*[np.zeros(s)] * 3) for i in range(losses.clients) for n, s in SHAPES.items()}
    servers = {n: Server(name) for n in SHAPES}
    for number in range(1, STEPS + 1):
        moved = {}
        for n, w in path[-1].items():
            kind, lr, rho = _rule_for(name, len(SHAPES[n]) == 2)
            pull, gradient = -RIDGE * w, 0 * w
            for i, alpha in enumerate(alphas):
                rule = Rule(kind, rho, losses.bound(rho), losses.scheme if kind == name else "III")
                g = losses.gradient(i, n, w)
                q, kept[i, n] = _client(rule, kept[i, n], g, number)
                pull, gradient = pull + alpha * (kept[i, n].multiplier - SIGMA * q), gradient + alpha * g
            moved[n] = w + servers[n].step(kind, lr, pull, gradient, number)
        path.append(moved)
    return path[1:]


def _rule_for(name: str, is_matrix: bool) -> tuple[str, float, float]:
    """Return what rule a parameter follows, its lr and its ρ."""
    if name in ("nsisa", "nsisa-core") and not is_matrix:
        return ("sisa" if name == "nsisa" else "average"), LR * REST_LR, REST_RHO
    if name in ("constant", "nuclear", "clipped") and not is_matrix:
        return "ema", LR * REST_LR, RHO
    return ("nsisa" if name == "nsisa-core" else name), LR, RHO


class Server:
    """What the server does with the numerator: divide, or step along its orthogonalisation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.moment: list[float] = []
        self.largest: Any = 0.0

    def step(self, kind: str, lr: float, pull: Array, gradient: Array, number: int) -> Array:
        """Return w⁺ − w after a look at the aggregate gradient."""
        if kind in ("constant", "nuclear", "clipped"):
            along = polar(pull)
            nuclear = float((pull * along).sum()) / 1.2024
            rows, columns = pull.shape
            lengths = {"constant": max(1.0, rows / columns) ** 0.5, "nuclear": nuclear / 1.2024}
            lengths["clipped"] = min(1.0, TAU / nuclear) * lengths["nuclear"]
            return np.asarray(lr / SIGMA * lengths[kind] * along)
        if kind not in ("ema", "max", "adagrad"):
            return np.asarray(lr * pull / (SIGMA + lr * RIDGE))
        self.moment = self.moment or [0.0] * gradient.size
        scheme = "moment-I" if kind == "adagrad" else "moment-III"
        root = moment_root(scheme, self.moment, gradient.ravel(), None, BETA, number).reshape(gradient.shape)
        self.largest = np.maximum(self.largest, root)
        root = self.largest if kind == "max" else root
        return np.asarray(lr * pull / (SIGMA * (root + FLOOR) + lr * RIDGE))


_SCALAR = ("momentum", "ema", "max", "adagrad", "constant", "nuclear", "clipped")
"""The rules whose clients have one number for a momentum."""


class Memory(NamedTuple):
    """What a client keeps of one parameter: π, v and b."""

    multiplier: Array
    moment: Array
    momentum: Array


class Rule(NamedTuple):
    """How Q comes about: the method, ρ, η and the scheme of v."""

    kind: str
    rho: float
    clip: float
    scheme: str


def _client(rule: Rule, kept: Memory, g: Array, number: int) -> tuple[Array, Memory]:
    """Return q and what the client keeps after step ``number``, counted from one."""
    pi, moment, momentum = kept
    if rule.kind in _SCALAR:
        # Q = I, ρ = σb/(1 − b).
        q = (1 - MOMENTUM) * (pi + g) / SIGMA
        return q, Memory(pi - SIGMA * q, moment, momentum)
    if rule.kind in ("nsisa", "average"):
        momentum = 0.95 * momentum + g
        g = g + 0.95 * momentum
        g = polar(g) * np.sqrt(max(1.0, g.shape[0] / g.shape[1])) if rule.kind == "nsisa" else g
        root = np.minimum(np.abs(pi + g), rule.clip)
    elif rule.kind == "sisa":
        entries = list(moment.ravel())
        root = moment_root(f"moment-{rule.scheme}", entries, (pi + g).ravel(), rule.clip, BETA, number).reshape(g.shape)
        moment = np.reshape(entries, g.shape)
    else:
        root = np.ones_like(g)
    q = (pi + g) / (SIGMA + rule.rho * root)
    return q, Memory(pi - SIGMA * q, moment, momentum)


def torch_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of the parameters over eight steps; margin in digits below 1e-8."""
    losses, name = Losses(instance), str(instance["optimizer"])
    pairs = zip(_library_path(losses, name), _path_by_hand(losses, name), strict=True)
    error = max(relative(found[n], wanted[n]) for found, wanted in pairs for n in SHAPES)
    return {"optimizer": name, "error": error, "margin": digits_to_spare(error, TOLERANCE)}


def _claim(name: str, clients: tuple[int, ...], statement: str) -> Claim:
    return measured_claim(
        name,
        statement,
        trial=torch_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 44, 176),
            clients=clients,
            optimizer=tuple(OPTIMIZERS),
            clip=("auto", 0.7),
            scheme=("I", "II", "III"),
            spread=(1.0, 20.0),
        ),
        detail="parameters of eight steps differ by at most {error:.1e} relative ({optimizer}, worst of {trials})",
        hypotheses=(
            "float64, a matrix and a vector, gradients of all clients in full",
            "lr = .4, σ = 1.5, ρ = 2, λ = .1; SISA as published: schemes I, II and III, β = .9",
            "Q bounded by η = .7 or by the default: none for one client, 10σ/ρ for several",
            "NSISA as published: matrices by orthogonalised momentum, vectors by SISA's rule or by their momentum, "
            "with lr and ρ of their own",
            "scalar momentum b = .8 alone; with the metrics ema, max and adagrad, ε = .05; with one Newton–Schulz on "
            "the server, constant, nuclear and clipped, vectors by the metric with an lr of their own",
        ),
        provenance="ours",
        source="MATHEMATICS.md#algorithm, MATHEMATICS.md#preconditioners",
        requires=("torch",),
    )


CLAIMS_TORCH: tuple[Claim, ...] = (
    _claim(
        "torch-steps-by-hand",
        (1,),
        "A step of the torch optimisers PISA, SISA and NSISA, repaired and as published, is the round of one client, "
        "the client first, written out in NumPy.",
    ),
    _claim(
        "torch-clients-by-hand",
        (2, 3),
        "A step of the torch optimisers with several clients, repaired and as published, is the round of clients of "
        "unequal weight, the clients first, written out in NumPy.",
    ),
)

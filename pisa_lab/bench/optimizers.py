"""A step of the torch optimisers: time per parameter against fused AdamW, SGD and a copy, peak memory, compile time."""

import functools
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pisa_lab._checks import whole
from pisa_lab.bench.devices import device_seconds, environment, free_bytes, most_allocated, name_of, one_thread
from pisa_lab.stamp import stamp
from pisa_lab.torch import NSISA, SISA
from pisa_lab.torch._engines import compiles

SIZES = (10**6, 10**7, 5 * 10**7)
TENSORS = (1, 96)
ENGINES: dict[str, dict[str, bool]] = {
    "compiled": {"compiled": True},
    "in-place": {"compiled": False},
    "foreach": {"foreach": True},
    "single": {"foreach": False},
}
_BYTES = 4
_LAYERS = 8
_ENGINES_UP_TO = 10**7
"""The largest size at which the slow engines are timed too."""
_CACHES = 1 << 26
"""Numbers that are written between two turns: 256 MB, the largest caches of processors as of GPUs."""
_MATRICES_UP_TO = {"cpu": 10**6}
"""The largest size at which Newton–Schulz is timed: on one thread it takes a second for a million numbers."""


class Way(NamedTuple):
    """One thing to time: an optimiser, its engine, and how many clients take part in a step."""

    optimizer: str
    engine: str
    clients: int = 1

    def make(self, params: list[Tensor]) -> Any:
        """Return the optimiser over ``params``."""
        if self.optimizer == "AdamW":
            return torch.optim.AdamW(params, fused=True)
        if self.optimizer == "SGD":
            return torch.optim.SGD(params, lr=1e-3, momentum=0.9, fused=True)
        if self.optimizer == "Muon":
            return torch.optim.Muon(params, lr=1e-3)
        settings: dict[str, Any] = {"lr": 1e-3, "clients": self.clients, **ENGINES[self.engine]}
        if self.optimizer == "metric SISA":
            return SISA(params, **settings)
        # With ρ small π + g would decay into denormal numbers under a gradient that never changes.
        kind = SISA.published if self.optimizer == "SISA" else NSISA.published
        return kind(params, rho=10.0, **settings)


def shapes_of(parameters: int, tensors: int) -> list[tuple[int, ...]]:
    """Return about ``parameters`` numbers as one tensor, or as the 96 of eight transformer layers."""
    if tensors == 1:
        return [(parameters,)]
    width = max(1, round((parameters / (12 * _LAYERS)) ** 0.5))
    layer = [(3 * width, width), (3 * width,), (width, width), (width,), (4 * width, width), (4 * width,)]
    return [*layer, (width, 4 * width), *[(width,)] * 5] * _LAYERS


def ways(parameters: int, tensors: int, device: str) -> list[Way]:
    """Return what is timed at one size."""
    found = [Way("AdamW", "fused"), Way("SGD", "fused")]
    found += [Way("SISA", "compiled", clients) for clients in (1, 4, 10)]
    found += [Way("SISA", "in-place"), Way("metric SISA", "in-place")]
    if parameters <= _ENGINES_UP_TO:
        found += [Way("SISA", "in-place", 4), Way("SISA", "foreach"), Way("SISA", "single")]
    if tensors > 1 and parameters <= _MATRICES_UP_TO.get(device, parameters):
        found += [Way("Muon", "foreach"), Way("NSISA", "compiled")]
    return found if compiles(device) else [way for way in found if way.engine != "compiled"]


class Setting:
    """The parameters, and one gradient a client, of ``shapes``."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], clients: int, device: str) -> None:
        def drawn() -> list[Tensor]:
            return [torch.randn(shape, device=device) for shape in shapes]

        self.params: list[Tensor] = [torch.nn.Parameter(tensor) for tensor in drawn()]
        self.gradients = [drawn() for _ in range(clients)]
        self.device, self.size = device, sum(param.numel() for param in self.params)

    def show(self, client: int, *, fresh: bool = False) -> None:
        """Put the gradient of ``client`` in place, a new tensor if ``fresh``."""
        for param, gradient in zip(self.params, self.gradients[client], strict=True):
            param.grad = None
            param.grad = gradient.clone() if fresh else gradient

    def stepper(self, optimizer: Any, clients: int, *, fresh: bool = False) -> Callable[[], object]:
        """Return a function that makes one step."""
        if clients == 1:
            self.show(0)
            return functools.partial(self._shown_step, optimizer) if fresh else optimizer.step
        return functools.partial(
            optimizer.step, [functools.partial(self.show, client, fresh=fresh) for client in range(clients)]
        )

    def _shown_step(self, optimizer: Any) -> None:
        self.show(0, fresh=True)
        optimizer.step()


def measure_optimizers(
    sizes: Sequence[int] = SIZES,
    *,
    device: str = "cpu",
    calls: int = 9,
    told: Callable[[dict[str, Any]], object] = lambda row: None,
) -> list[dict[str, Any]]:
    """Return one row per way, at each of ``sizes`` in one tensor and in 96; ``told`` sees every row as it is done.

    Times are of one thread's processor on "cpu", of the device on "cuda"; the ratios are medians over ``calls`` rounds
    in which the way, fused AdamW, fused SGD with momentum and a copy of as many numbers take turns. ``copy_share`` is
    the rate at which a step moves what it must (5m + 2 words a parameter for m clients, AdamW 7) as a share of the
    copy's; above 1 where a processor reads what a copy is about to write over. ``peak_bytes_per_parameter`` is beside
    the parameters and one gradient of each. ``compile_s`` are the seconds of the first step, in an empty cache, once
    torch has set itself up for this machine.

    Raises:
        ValueError: ``device`` is neither "cpu" nor a CUDA device that is there.
    """
    sizes = [whole("sizes", size, at_least=1) for size in sizes]
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device: {device!r} is not one of cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: 'cuda' is not here; torch finds no CUDA device")
    rows: list[dict[str, Any]] = []
    with one_thread(), tempfile.TemporaryDirectory() as folder, environment("TORCHINDUCTOR_CACHE_DIR", folder):
        for size in sizes:
            for tensors in TENSORS:
                for way in ways(size, tensors, device):
                    rows.append(_row(way, size, tensors, device, calls))
                    told(rows[-1])
                    gc.collect()
    return rows


def _row(way: Way, parameters: int, tensors: int, device: str, calls: int) -> dict[str, Any]:
    shapes = shapes_of(parameters, tensors)
    if way.optimizer in ("Muon", "NSISA"):
        shapes = [shape for shape in shapes if len(shape) == 2]
    row = {**way._asdict(), "parameters": parameters, "tensors": len(shapes), "status": "done"} | dict.fromkeys(FIGURES)
    row |= {"device": name_of(device), "threads": torch.get_num_threads() if device == "cpu" else None} | stamp()
    needed = (3 * way.clients + 10) * parameters * _BYTES
    free = free_bytes(device)
    if free is not None and free < needed:
        return row | {"status": f"skipped: needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"}
    torch.manual_seed(0)
    setting = Setting(shapes, way.clients, device)
    return row | {"parameters": setting.size} | _figures(way, setting, calls)


FIGURES = (
    *("ns_per_parameter", "ratio_adamw_fused", "ratio_sgd", "ratio_muon", "ratio_copy", "copy_share"),
    *("peak_bytes_per_parameter", "compile_s"),
)


def _figures(way: Way, setting: Setting, calls: int) -> dict[str, Any]:
    first, times = _times(way, setting, calls)
    seconds = statistics.median(times["way"])

    def ratio(name: str) -> float | None:
        return (
            statistics.median(a / b for a, b in zip(times["way"], times[name], strict=True)) if name in times else None
        )

    known = {"AdamW": 7, "SISA": 5 * way.clients + 2, "metric SISA": 7 if way.clients == 1 else None}
    words, copied = known.get(way.optimizer), ratio("copy")
    return {
        "ns_per_parameter": seconds / setting.size * 1e9,
        "ratio_adamw_fused": ratio("AdamW"),
        "ratio_sgd": ratio("SGD"),
        "ratio_muon": ratio("Muon"),
        "ratio_copy": copied,
        "copy_share": words / 2 / copied if words and copied else None,
        "peak_bytes_per_parameter": _peak(way, setting) / setting.size,
        "compile_s": max(0.0, first - seconds) if way.engine == "compiled" else None,
    }


def _times(way: Way, setting: Setting, calls: int) -> tuple[float, dict[str, list[float]]]:
    """Return the seconds of the first step by the clock on the wall, and those of every turn."""
    step = setting.stepper(way.make(setting.params), way.clients)
    begin = time.perf_counter()
    step()
    if setting.device != "cpu":
        torch.cuda.synchronize()
    first = time.perf_counter() - begin
    numbers = torch.ones(setting.size, device=setting.device)
    target = torch.zeros_like(numbers)
    turns: dict[str, Callable[[], object]] = {"way": step, "copy": lambda: target.copy_(numbers)}
    rivals = [Way("AdamW", "fused"), Way("SGD", "fused")]
    if way.optimizer in ("Muon", "NSISA"):
        rivals.append(Way("Muon", "foreach"))
    turns |= {rival.optimizer: setting.stepper(rival.make(setting.params), 1) for rival in rivals}
    return first, _in_turns(turns, setting.device, calls)


def _in_turns(turns: dict[str, Callable[[], object]], device: str, calls: int) -> dict[str, list[float]]:
    """Return the seconds of every turn, taken one after the other ``calls`` times; two rounds before do not count."""
    found: dict[str, list[float]] = {name: [] for name in turns}
    others = torch.empty(_CACHES, device=device)
    for number in range(calls + 2):
        for name, turn in turns.items():
            # What the turn before left in the caches would help this one; in training a backward pass stands between.
            others.zero_()
            taken = device_seconds(turn, device)
            if number >= 2:
                found[name].append(taken)
    return found


def _peak(way: Way, setting: Setting) -> int:
    """Return the most bytes that two first steps hold beside the parameters and one gradient of each.

    Every client's gradient is made anew, as a backward pass does.
    """
    step = setting.stepper(way.make(setting.params), way.clients, fresh=True)
    for param in setting.params:
        param.grad = None
    return most_allocated(step, setting.device, calls=2) - setting.size * _BYTES

"""The device and the number of threads that torch uses."""

import torch

from pisa_lab._checks import choice, whole

DEVICES = ("cpu", "cuda", "mps", "xpu")


def prepare(device: str, *, threads: int) -> None:
    """Let torch use ``threads`` threads, after checking that ``device`` is there.

    Raises:
        ValueError: an unknown device, or one that this machine does not have.
    """
    choice("device", device.partition(":")[0], DEVICES)
    whole("threads", threads, at_least=1)
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"device: {device!r} is not there ({reason})") from error
    torch.set_num_threads(threads)

"""Where a run is trained and evaluated: on the accelerator that is there."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from mmser.core.errors import MmserError
from mmser.settings.trainer import Trainer

AUTO, CPU = "auto", "cpu"
KNOWN = (AUTO, CPU, "gpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of device: ``accelerator`` is cpu, cuda or mps, ``name`` what its maker calls it."""

    accelerator: str
    name: str
    count: int = 1
    reason: str = ""

    @property
    def line(self) -> str:
        """For the user: what was taken, and why."""
        return f"{self.name} ({self.reason})" if self.reason else self.name

    @property
    def device(self) -> torch.device:
        return torch.device(self.accelerator)


def find_place(accelerator: str, required: bool = False) -> Place:
    """The place that ``trainer.accelerator`` asks for.

    The CPU where a GPU is asked for and there is none.

    Raises MmserError for an unknown word and, where the accelerator is ``required``, when it is not
    there.
    """
    if accelerator not in KNOWN:
        raise MmserError(
            f"trainer.accelerator among {', '.join(KNOWN)}", accelerator, "Choose one."
        )
    reason = f"trainer.accelerator={accelerator}"
    if accelerator in (AUTO, "gpu", "cuda") and torch.cuda.is_available():
        return Place("cuda", torch.cuda.get_device_name(), torch.cuda.device_count(), reason)
    if accelerator in ("gpu", "mps") and torch.backends.mps.is_available():
        return Place("mps", "the GPU of this Mac", reason=reason)
    if accelerator not in (AUTO, CPU):
        if required:
            remedy = "Use trainer.accelerator=auto or cpu; `mmser doctor` tells what torch finds."
            raise MmserError(
                f"a GPU for {reason}", "none that torch can use on this machine", remedy
            )
        reason += ", and this machine has no GPU"
    elif accelerator == AUTO:
        reason += ": no GPU found"
    return Place(CPU, f"the CPU ({platform.processor() or platform.machine()})", reason=reason)


def is_distributed(devices: int | str | Sequence[int], place: Place) -> bool:
    """Whether one fold takes several processes, each with its device."""
    if devices in (AUTO, -1, "-1"):
        return place.count > 1
    if isinstance(devices, int | str):
        return devices not in (1, "1")
    return len(devices) > 1


def device_options(options: Trainer, place: Place) -> dict[str, Any]:
    """Lightning's options for the place."""
    devices = options.devices
    is_count = isinstance(devices, int | str) and devices not in (AUTO, -1, "-1")
    if place.accelerator == CPU and not is_count:
        devices = 1  # "all of them", or GPUs by number
    deterministic = determinism(options, place)
    return {"accelerator": place.accelerator, "devices": devices, "deterministic": deterministic}


def determinism(options: Trainer, place: Place) -> bool | Literal["warn"]:
    """What ``trainer.deterministic`` means here.

    ``auto`` warns on a GPU, where some kernels have no deterministic form.
    """
    if options.deterministic == "auto":
        return True if place.accelerator == CPU else "warn"
    return options.deterministic


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Exactly ``count`` threads within: the last bits of a sum depend on how many share it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

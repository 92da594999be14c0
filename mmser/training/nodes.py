"""One fold over several machines: which of its processes this is.

``torchrun`` or ``srun`` starts the same command once for each device of each machine. The first
process prepares the run and evaluates it; the others only train. All see the same disk.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import torch.distributed

from mmser.core.errors import MmserError, UsageError
from mmser.runs.run_paths import ASSIGNMENT
from mmser.settings.trainer import Trainer

STARTERS = (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"))
"""Where torchrun and srun tell a process its number, and how many there are."""

POLL_SECONDS, SAID_SECONDS = 0.5, 60.0

_log = logging.getLogger(__name__)


def process_number(options: Trainer) -> int:
    """The number of this process among those of ``trainer.num_nodes`` machines; 0 of one machine.

    Raises MmserError where they were not started together, or are not as many as devices.
    """
    if options.num_nodes == 1:
        return 0
    if not isinstance(options.devices, int) or options.devices < 1:
        raise UsageError(
            "trainer.devices as a number beside trainer.num_nodes",
            str(options.devices),
            "Name the devices of each machine by their number.",
        )
    wanted = options.num_nodes * options.devices
    for number, count in STARTERS:
        if number in os.environ and count in os.environ:
            if int(os.environ[count]) != wanted:
                raise MmserError(
                    f"{wanted} processes for trainer.num_nodes={options.num_nodes} and "
                    f"trainer.devices={options.devices}",
                    f"{os.environ[count]} ({count})",
                    "Start one for each device of each machine.",
                )
            return int(os.environ[number])
    raise MmserError(
        f"a command started on {options.num_nodes} machines together",
        "a single process",
        f"torchrun --nnodes {options.num_nodes} --nproc-per-node {options.devices} ... "
        "-m mmser.cli train ..., or srun: docs/cluster.md.",
    )


def wait_until_prepared(directory: Path) -> None:
    """Until the first process has written the run's folder."""
    said = time.monotonic()
    while not (directory / ASSIGNMENT).is_file():
        time.sleep(POLL_SECONDS)
        if time.monotonic() - said > SAID_SECONDS:
            said = time.monotonic()
            _log.info("waiting for the first process to prepare %s", directory)


def part() -> None:
    """Leave the group of processes: what follows is one process's own."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()

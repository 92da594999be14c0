"""The generators that building a model draws from."""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_generators(seed: int, device: torch.device | None = None) -> None:
    """Set Python's, NumPy's and torch's global generators.

    Those of every device, or the CPU's alone where that is the ``device`` of all that draws: the
    others would each write down who called, a millisecond every epoch.
    """
    random.seed(seed)
    np.random.seed(seed)
    if device is not None and device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)

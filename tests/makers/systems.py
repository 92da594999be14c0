"""Every system's settings, composed once in a process: composing takes a tenth of a second."""

from __future__ import annotations

import copy
import functools
from typing import Any

from mmser.composition import compose


@functools.cache
def _composed(name: str) -> dict[str, Any]:
    return compose("train", [f"system={name}", "corpus=generic", "protocol=ravdess8_speaker24"])


def system_settings(name: str) -> dict[str, Any]:
    """The settings that ``mmser train system=<name>`` composes, a copy of one's own."""
    return copy.deepcopy(_composed(name))

"""From what a config names to the part itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf.errors import OmegaConfBaseException

from mmser.core.errors import MmserError
from mmser.core.trust import check_config


def built(config: Mapping[str, Any]) -> Any:
    """What a config names by ``_target_``, and everything named inside it.

    Raises the MmserError with which a part refused its arguments, or one saying what could not be
    found or called, or may not be (`mmser.core.trust`).
    """
    check_config(config)
    try:
        return instantiate(dict(config), _convert_="all")
    except (InstantiationException, HydraException, OmegaConfBaseException) as error:
        if isinstance(error.__cause__, MmserError):
            raise error.__cause__ from error
        raise MmserError(
            "parts that can be found and built",
            " ".join(str(error).split()),
            "Correct their arguments. A class written in a notebook or script (__main__) is known "
            "there alone: run the cell that defines it (its text is in the run's folder, parts/), "
            "or move it into a file that Python can import.",
        ) from error

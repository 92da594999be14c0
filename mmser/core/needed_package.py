"""A package of an extra, or one error that says how to install it."""

from __future__ import annotations

from importlib.util import find_spec

from mmser.core.errors import MmserError


def has_package(module: str | None) -> bool:
    """Whether ``module`` is installed; None: nothing is needed."""
    return module is None or find_spec(module) is not None


def need_package(module: str, extra: str) -> None:
    """Raise MmserError where ``module``, of mmser's ``extra``, is not installed."""
    if not has_package(module):
        raise MmserError(
            f"the package {module}", "not installed", f"Run: pip install 'mmser[{extra}]'"
        )

"""Which part of a model stood in the way of its export."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from torch import nn


# It is told to nobody as it is.
class CannotExport(Exception):  # noqa: N818
    """A part asks for what an ONNX file does not have."""


def failing_part(error: BaseException, model: nn.Module) -> tuple[str, str]:
    """("encoders.audio (LightSerNet)", why), by the innermost part whose code was running.

    An error that comes after the parts have run names no part: then the first is "".
    """
    names = {id(module): name for name, module in model.named_modules()}
    found = None
    for cause in _causes(error):
        for owner, place in _owners(cause.__traceback__):
            name = names.get(id(owner), "").removeprefix("model.")
            if name.startswith(("encoders.", "fusion", "head")):
                found = name, owner, place
    reason = _reason(error)
    if found is None:
        return "", reason
    name, owner, place = found
    return f"{_outermost(name)} ({type(owner).__name__})", f"in {place}: {reason}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on to the first."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        current = current.__cause__ or current.__context__


def _owners(traceback: TracebackType | None) -> Iterator[tuple[nn.Module, str]]:
    """Every module whose method was running, outermost first, and what it had called
    last in mmser.
    """
    frames = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    inside = [
        frame
        for frame in frames
        if str(frame.f_globals.get("__name__", "")).startswith("mmser.models.")
    ]
    place = f"{inside[-1].f_globals['__name__']}.{inside[-1].f_code.co_name}" if inside else ""
    for frame in inside:
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module):
            yield owner, place


def _outermost(name: str) -> str:
    """encoders.<stream>, fusion or head."""
    first, _, rest = name.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first == "encoders" else first


def _reason(error: BaseException) -> str:
    last = [*_causes(error)][-1]
    line = " ".join(str(last).split()) or type(last).__name__
    return line if len(line) <= 200 else f"{line[:200]} ..."

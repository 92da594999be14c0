"""Which component of a model prevented its export."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from torch import nn


# No user sees it: `failing_part` turns it into words.
class CannotExport(Exception):  # noqa: N818
    """A component asks for what an ONNX file does not have."""


def failing_part(error: BaseException, model: nn.Module) -> tuple[str, str]:
    """("encoders.audio (LightSerNet)", why), by the innermost part whose code was running.

    An error that comes after the parts have run names no part: then the first is "".
    """
    names = {id(module): name for name, module in model.named_modules()}
    innermost = None
    for cause in _causes(error):
        for owner, place in _owners(cause.__traceback__):
            name = names.get(id(owner), "").removeprefix("model.")
            if name.startswith(("encoders.", "fusion", "head")):
                innermost = name, owner, place
    reason = _reason(error)
    if innermost is None:
        return "", reason
    name, owner, place = innermost
    return f"{_component(name)} ({type(owner).__name__})", f"in {place}: {reason}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on to the first."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        current = current.__cause__ or current.__context__


def _owners(traceback: TracebackType | None) -> Iterator[tuple[nn.Module, str]]:
    """Every module whose method was running, outermost first.

    With each goes the last function of mmser that was called.
    """
    frames = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    modules = [str(frame.f_globals.get("__name__", "")) for frame in frames]
    inside = [
        (frame, module)
        for frame, module in zip(frames, modules, strict=True)
        if module.startswith("mmser.models.")
    ]
    if not inside:
        return
    last, module = inside[-1]
    place = f"{module}.{last.f_code.co_name}"
    for frame, _ in inside:
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module):
            yield owner, place


def _component(name: str) -> str:
    """The component that a module belongs to: encoders.<stream>, fusion or head."""
    first, _, rest = name.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first == "encoders" else first


def _reason(error: BaseException) -> str:
    last = [*_causes(error)][-1]
    line = " ".join(str(last).split()) or type(last).__name__
    return line if len(line) <= 200 else f"{line[:200]} ..."

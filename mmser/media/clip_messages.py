"""Clips over a stream between a decoder process and its caller.

A clip is a line of JSON, then the bytes of its arrays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mmser.core.clip import Clip, Failure
from mmser.core.utterance import Utterance

ALIGNMENT = 64
"""Arrays of one block begin at multiples of so many bytes."""

DECODED_FIELDS = ("id", "corpus", "speaker", "start", "end", "face_side")
"""What decoding asks of an utterance beside its paths."""


def write_line(stream: BinaryIO, content: dict[str, Any]) -> None:
    """One message without arrays."""
    stream.write(json.dumps(content).encode() + b"\n")
    stream.flush()


def read_line(stream: BinaryIO) -> dict[str, Any]:
    """The next message. Raises EOFError when the other side is gone."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    content: dict[str, Any] = json.loads(line)
    return content


def utterance_content(utterance: Utterance) -> dict[str, Any]:
    """An utterance as JSON; labels and words stay behind."""
    # By name, as `DECODED_FIELDS` says which fields of the dataclass a decoder needs.
    content = {name: getattr(utterance, name) for name in DECODED_FIELDS}
    for name in ("audio_path", "video_path"):
        path = getattr(utterance, name)
        content[name] = None if path is None else str(path.absolute())
    return content


def utterance_of(content: dict[str, Any]) -> Utterance:
    """The inverse of `utterance_content`."""
    paths = {
        name: None if content[name] is None else Path(content[name])
        for name in ("audio_path", "video_path")
    }
    return Utterance(**{**content, **paths})


def clip_content(clip: Clip) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A clip that a decoder made, as JSON and arrays: it has no transcript and no dialogue."""
    # Not `asdict`, which would copy the arrays.
    values = {field.name: getattr(clip, field.name) for field in fields(clip)}
    del values["dialogue"]
    further = {str(rate): waveform for rate, waveform in values.pop("waveforms").items()}
    arrays = {
        name: value for name, value in values.items() if isinstance(value, np.ndarray)
    } | further
    plain = {name: value for name, value in values.items() if name not in arrays}
    plain["failures"] = [asdict(failure) for failure in clip.failures]
    return plain, arrays


def clip_of(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Clip:
    """The inverse of `clip_content`."""
    waveforms = {int(name): arrays.pop(name) for name in list(arrays) if name.isdigit()}
    content = {**plain, **arrays, "waveforms": waveforms}
    content["failures"] = tuple(Failure(**failure) for failure in content["failures"])
    content["notes"] = tuple(content["notes"])
    return Clip(**content)


def write_clip(stream: BinaryIO, clip: Clip) -> None:
    """A clip that a decoder made."""
    plain, arrays = clip_content(clip)
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    write_line(stream, {"clip": plain, "arrays": shapes})
    for array in arrays.values():
        stream.write(np.ascontiguousarray(array).data.cast("B"))
    stream.flush()


def read_clip(stream: BinaryIO, message: dict[str, Any]) -> Clip:
    """The clip whose first line is ``message``. Raises EOFError when the other side is gone."""
    arrays = {
        name: _read_array(stream, dtype, shape)
        for name, (dtype, shape) in message["arrays"].items()
    }
    return clip_of(message["clip"], arrays)


def write_arrays(stream: BinaryIO, content: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """One message with many arrays, which the other side reads as one block."""
    whole = [np.ascontiguousarray(array) for array in arrays]
    shapes = [[array.dtype.str, array.shape] for array in whole]
    write_line(stream, {**content, "arrays": shapes})
    for array in whole:
        # A block of no bytes has no memory to be cast.
        if array.nbytes:
            stream.write(array.data.cast("B"))
            stream.write(bytes(-array.nbytes % ALIGNMENT))
    stream.flush()


def read_arrays(stream: BinaryIO, message: dict[str, Any]) -> list[np.ndarray]:
    """The arrays of a message: views of one block. Raises EOFError as `read_line`."""
    sizes = [int(np.prod(shape)) * np.dtype(dtype).itemsize for dtype, shape in message["arrays"]]
    block = _read_array(stream, "u1", [sum(size + -size % ALIGNMENT for size in sizes)])
    arrays, at = [], 0
    for size, (dtype, shape) in zip(sizes, message["arrays"], strict=True):
        arrays.append(block[at : at + size].view(dtype).reshape(shape))
        at += size + -size % ALIGNMENT
    return arrays


def write_block(stream: BinaryIO, position: int, samples: np.ndarray) -> None:
    """A stretch of sound (sample,) float32, the first of which is number ``position``."""
    write_line(stream, {"block": position, "samples": len(samples)})
    stream.write(np.ascontiguousarray(samples, np.float32).data.cast("B"))
    stream.flush()


def read_samples(stream: BinaryIO, message: dict[str, Any]) -> np.ndarray:
    """The samples whose first line is ``message``. Raises EOFError when the other side is gone."""
    return _read_array(stream, "<f4", [message["samples"]])


def _read_array(stream: BinaryIO, dtype: str, shape: list[int]) -> np.ndarray:
    array = np.empty(shape, dtype)
    rest = array.data.cast("B")
    while len(rest):
        count = stream.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        rest = rest[count:]
    return array

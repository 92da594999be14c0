"""Arrays to media files: wav, mp4 (H.264 + AAC) and avi (MPEG-4 + PCM or MP3).

A file appears whole or not at all.
"""

from __future__ import annotations

import io
import uuid
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError

BLOCK = 1024
"""Samples handed to an audio encoder at a time."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path``.

    The file becomes ``path`` when the block ends well and vanishes when it does not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not mkstemp, which makes files that their owner alone may read.
    aside = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        with full_disk_named(path):
            yield aside
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_wav(
    path: Path,
    waveform: np.ndarray,
    sample_rate: int = SAMPLE_RATE,
    kind: Literal["int16", "float32"] = "int16",
) -> None:
    """Write (sample,) float32 in [-1, 1], or several channels (channel, sample).

    Values outside are clipped in int16. Raises MmserError on another shape or, for int16, on
    samples that are not finite.
    """
    codec = "pcm_s16le" if kind == "int16" else "pcm_f32le"
    _write(path, "wav", waveform, sample_rate, codec, None, 0.0, "")


def wav_content(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> bytes:
    """(sample,) int16 as the content of a wav file of one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def write_mp4(
    path: Path,
    frames: np.ndarray | None,
    frame_rate: float,
    waveform: np.ndarray | None,
    sample_rate: int = SAMPLE_RATE,
) -> None:
    """Write H.264 and AAC.

    ``frames`` (time, height, width, 3) are uint8 RGB of even size; either modality may be None.
    """
    _write(path, "mp4", waveform, sample_rate, "aac", frames, frame_rate, "libx264")


def write_avi(
    path: Path,
    frames: np.ndarray | None,
    frame_rate: float,
    waveform: np.ndarray | None,
    sample_rate: int = SAMPLE_RATE,
    audio_codec: Literal["pcm_s16le", "libmp3lame"] = "pcm_s16le",
) -> None:
    """Write MPEG-4 part 2 (the DivX family) and PCM or MP3; arguments as in `write_mp4`."""
    _write(path, "avi", waveform, sample_rate, audio_codec, frames, frame_rate, "mpeg4")


def _write(
    path: Path, form: str, waveform: np.ndarray | None, sample_rate: int, audio_codec: str,
    frames: np.ndarray | None, frame_rate: float, video_codec: str,
) -> None:  # fmt: skip
    import av

    if waveform is not None:
        waveform = _checked_waveform(waveform, audio_codec)
    if frames is not None:
        _check_frames(frames)
    # bitexact: no library version and no date in the file, so the same arrays give the same bytes.
    with (
        whole_file(Path(path)) as aside,
        av.open(str(aside), "w", format=form, options={"fflags": "+bitexact"}) as out,
    ):
        video = None if frames is None else _video_stream(out, video_codec, frame_rate, frames)
        audio = None if waveform is None else _audio_stream(out, audio_codec, sample_rate, waveform)
        _interleave(out, video, frames, frame_rate, audio, waveform, sample_rate)


def _checked_waveform(waveform: np.ndarray, codec: str) -> np.ndarray:
    channels = np.atleast_2d(np.asarray(waveform, dtype=np.float32))
    if channels.ndim != 2 or not 1 <= channels.shape[0] <= 2:
        raise MmserError(
            "a waveform (sample,) or (channel, sample) of one or two channels",
            f"the shape {np.shape(waveform)}",
            "Put the channels first.",
        )
    if codec != "pcm_f32le" and not np.isfinite(channels).all():
        raise MmserError(
            "finite samples", "NaN or infinite samples", "Write them as float32, or repair them."
        )
    return channels


def _check_frames(frames: np.ndarray) -> None:
    shape = frames.shape
    if (
        frames.dtype != np.uint8
        or len(shape) != 4
        or shape[3] != 3
        or shape[1] % 2
        or shape[2] % 2
        or not all(shape)
    ):
        raise MmserError(
            "frames (time, height, width, 3) uint8 of even height and width",
            f"{frames.dtype} {shape}",
            "Crop or pad the pictures by one pixel.",
        )


def _video_stream(out: Any, codec: str, frame_rate: float, frames: np.ndarray) -> Any:
    stream = out.add_stream(codec, rate=Fraction(frame_rate).limit_denominator(1001))
    stream.width, stream.height = frames.shape[2], frames.shape[1]
    stream.pix_fmt = "yuv420p"
    # One thread and bitexact flags: the same pictures give the same bytes. x264's macroblock tree
    # is off because it reads memory that nothing has written, so that each film came out a little
    # different.
    stream.codec_context.thread_count = 1
    h264 = {"preset": "veryfast", "crf": "20", "x264-params": "mbtree=0"}
    quality = h264 if codec == "libx264" else {"qscale": "3"}
    stream.options = {"flags": "+bitexact", **quality}
    if codec != "libx264":
        stream.bit_rate = 1_000_000
    return stream


def _audio_stream(out: Any, codec: str, sample_rate: int, waveform: np.ndarray) -> Any:
    stream = out.add_stream(
        codec, rate=sample_rate, layout="stereo" if len(waveform) == 2 else "mono"
    )
    stream.options = {"flags": "+bitexact"}
    if not codec.startswith("pcm"):
        stream.bit_rate = 64_000 * len(waveform)
    return stream


def _interleave(
    out: Any, video: Any, frames: np.ndarray | None, frame_rate: float,
    audio: Any, waveform: np.ndarray | None, sample_rate: int,
) -> None:  # fmt: skip
    """Hand both tracks to the muxer side by side, so that a reader finds them together."""
    out.start_encoding()
    at = 0
    for number, picture in enumerate(frames if frames is not None else ()):
        until = round((number + 1) / frame_rate * sample_rate)
        out.mux(video.encode(_picture(picture, number)))
        if waveform is not None:
            at = _feed(out, audio, waveform, at, until, sample_rate)
    if waveform is not None:
        _feed(out, audio, waveform, at, waveform.shape[1], sample_rate)
    for stream in (video, audio):
        if stream is not None:
            out.mux(stream.encode(None))


def _picture(picture: np.ndarray, number: int) -> Any:
    from av import VideoFrame

    frame = VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts = number
    return frame


def _feed(out: Any, audio: Any, waveform: np.ndarray, at: int, until: int, sample_rate: int) -> int:
    from av import AudioFrame

    pcm16 = audio.codec_context.format.name == "s16"
    layout = "stereo" if len(waveform) == 2 else "mono"
    for begin in range(at, min(until, waveform.shape[1]), BLOCK):
        block = waveform[:, begin : min(begin + BLOCK, until)]
        if pcm16:
            scaled = np.clip(np.round(block * 32768.0), -32768, 32767).astype(np.int16)
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(scaled.T).reshape(1, -1), format="s16", layout=layout
            )
        else:
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(block), format="fltp", layout=layout
            )
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, begin, Fraction(1, sample_rate)
        out.mux(audio.encode(frame))
    return max(at, min(until, waveform.shape[1]))

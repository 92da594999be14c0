"""Malformed media through the decoder: none may end this process, and each must come out as a clip
or a failure.

    python scripts/fuzz_media.py --files 2000

Small well-formed files of many containers and channel counts are damaged at random (bytes changed,
cut out, doubled, the end cut off, another file's head put in front), then decoded by other
processes as `mmser preprocess` does. Prints a count of the outcomes: "whole", or the reasons of the
failures. Exits with 1 when a file has none. --keep DIR keeps the files over which a decoder died.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mmser.core.utterance import Utterance
from mmser.extraction.decoding import clips_in_order
from mmser.extraction.plan import Request

SOUND_FORMATS = {
    "wav": ("pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8", "pcm_mulaw", "adpcm_ms"),
    "flac": ("flac",), "mp3": ("libmp3lame",), "ogg": ("libvorbis", "libopus", "flac"),
    "aiff": ("pcm_s16be",),
    "au": ("pcm_s16be",), "mp4": ("aac", "alac"),
    "matroska": ("aac", "pcm_s16le", "libopus", "ac3"), "avi": ("mp2",),
}  # fmt: skip
FILM_FORMATS = {
    "mp4": ("libx264", "mpeg4"), "avi": ("mpeg4", "mjpeg"),
    "matroska": ("libx264", "mjpeg", "libvpx"),
    "mpeg": ("mpeg1video", "mpeg2video"), "mov": ("mjpeg",),
}  # fmt: skip
LAYOUTS = ("mono", "stereo", "5.1", "7.1")


def main() -> None:
    """Make, damage and decode the files; say what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="decoding processes")
    parser.add_argument(
        "--keep", type=Path, help="a folder for the files over which a decoder died"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = damaged_files(Path(folder), options.files, np.random.default_rng(options.seed))
        missing = decode(paths, options.workers, options.keep)
    sys.exit(1 if missing else 0)


def decode(paths: list[Path], workers: int, keep: Path | None) -> int:
    """Decode every file, print the outcomes, and return how many utterances are missing."""
    requests = [
        Request((Utterance(str(path), "fuzz", "s", video_path=path),), audio=True, frames=True)
        for path in paths
    ]
    begun = time.monotonic()
    outcomes: Counter[str] = Counter()
    seen = []
    for clip in clips_in_order(requests, frame_rate=3.0, workers=workers):
        seen.append(clip.id)
        reasons = {failure.reason for failure in clip.failures}
        outcomes.update(reasons or {"whole"})
        if "decoder died" in reasons and keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(clip.id, keep)
    for outcome, count in outcomes.most_common():
        print(f"{count:6} {outcome}")
    missing = len(paths) - len(seen)
    print(f"{len(paths)} files, {missing} without an outcome, {time.monotonic() - begun:.0f} s")
    return missing


def damaged_files(folder: Path, count: int, generator: np.random.Generator) -> list[Path]:
    """``count`` damaged files in ``folder``; every tenth is left as it is."""
    sources = list(whole_files(folder))
    paths = []
    for number in range(count):
        source = sources[number % len(sources)]
        content = source.read_bytes()
        if number % 10:
            content = damaged(content, sources, generator)
        path = folder / f"{number:05d}-{source.name}"
        path.write_bytes(content)
        paths.append(path)
    return paths


def damaged(content: bytes, sources: list[Path], generator: np.random.Generator) -> bytes:
    """The content with one kind of damage."""
    kind = generator.choice(["bytes", "head", "cut", "hole", "double", "foreign"])
    size = len(content)
    values = bytearray(content)
    if kind == "bytes":
        for at in generator.integers(0, size, max(1, size // 500)):
            values[at] = generator.integers(256)
    elif kind == "head":
        # Headers state sizes, rates and channel counts.
        for at in generator.integers(0, min(size, 200), 8):
            values[at] = generator.integers(256)
    elif kind == "cut":
        del values[generator.integers(1, size) :]
    elif kind == "hole":
        at = generator.integers(0, size)
        del values[at : at + generator.integers(1, size // 2 + 2)]
    elif kind == "double":
        at = generator.integers(0, size)
        values[at:at] = values[at : at + 1000]
    else:
        other = sources[generator.integers(len(sources))].read_bytes()
        values[:64] = other[:64]
    return bytes(values)


def whole_files(folder: Path) -> Iterator[Path]:
    """Half a second of sound in every format and layout that can be written, and films with and
    without sound.
    """
    for form, codecs in SOUND_FORMATS.items():
        for codec in codecs:
            for layout in LAYOUTS:
                yield from written(folder / f"{codec}-{layout}.{form}", form, codec, layout, None)
    for form, codecs in FILM_FORMATS.items():
        for codec in codecs:
            yield from written(
                folder / f"{codec}.{form}", form, "mp2" if form == "mpeg" else None, "stereo", codec
            )


def written(
    path: Path, form: str, sound: str | None, layout: str, film: str | None
) -> Iterator[Path]:
    """The path, if this combination can be written with the codecs at hand."""
    try:
        with av.open(str(path), "w", format=form) as out:
            audio = out.add_stream(sound, rate=48000, layout=layout) if sound else None
            video = out.add_stream(film, rate=25) if film else None
            if video is not None:
                video.width, video.height = 64, 48
                video.pix_fmt = "yuvj420p" if film == "mjpeg" else "yuv420p"
            write_content(out, audio, video)
    except (av.error.FFmpegError, ValueError):
        path.unlink(missing_ok=True)
        return
    yield path


def write_content(out, audio, video) -> None:
    """Twelve pictures of noise and half a second of noise."""
    generator = np.random.default_rng(0)
    if video is not None:
        for _ in range(12):
            picture = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
    if audio is not None:
        channels = audio.codec_context.layout.nb_channels
        layout = audio.codec_context.layout.name
        samples = (8000 * generator.standard_normal((1, 24000 * channels))).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))


if __name__ == "__main__":
    main()

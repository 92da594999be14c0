"""The sound of plain wav files (16-bit PCM, mono or stereo), read without a decoder.

The values are bit for bit those of `mmser.media.file_pass`, for a tenth of the time: most corpora
of speech are such files. Whatever is unusual about a file or its channels is left to that pass.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mmser.media.container import MediaFault
from mmser.media.cuts import AudioCut
from mmser.media.downmix import Mixed
from mmser.media.file_pass import Outcome, Want, read_file
from mmser.media.resampling import Resampler
from mmser.media.tracks import RATES, Sound

PCM, BITS = 1, 16
FULL_SCALE = np.float32(1 / 32768)
HARMLESS = (b"LIST", b"JUNK", b"junk", b"PAD ", b"cue ", b"bext", b"smpl", b"FLLR")
"""Chunks that say nothing of the samples."""

DISGUISED = (
    b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8",
    b"\x72\xf8\x1f\x4e",
)  # fmt: skip
"""Sync words of coded sound (DTS, S/PDIF) that hides in PCM: a decoder would find it."""
SEARCHED_BYTES = 16_384

DOUBTFUL = 0.5
"""Channels whose mix has less than this share of what one of them has in it are left to the
decoder's own blocks; far above `mmser.media.downmix.CANCELLED`, by either channel."""

BLOCK = 65_536
"""Samples that are resampled at a time."""


@dataclass(frozen=True, slots=True)
class PlainWav:
    """Where the samples of a file lie; ``samples`` of each channel."""

    channels: int
    rate: int
    first_byte: int
    samples: int

    def read(self, file: BinaryIO, first: int, last: int) -> np.ndarray:
        """Samples ``first`` to ``last``, as (sample, channel) float32."""
        step = 2 * self.channels
        file.seek(self.first_byte + first * step)
        content = file.read((last - first) * step)
        values = np.frombuffer(content, "<i2").astype(np.float32)
        values *= FULL_SCALE
        return values.reshape(-1, self.channels)


def read_media(
    path: Path,
    wants: Sequence[Want],
    frame_rate: float,
    max_seconds: float,
    beat: Callable[[], None],
) -> Iterator[tuple[Want, Outcome]]:
    """`mmser.media.file_pass.read_file`, by the shorter way where there is one."""
    wav = plain_wav(path) if all(want.modality == "audio" for want in wants) else None
    if wav is None:
        yield from read_file(path, wants, frame_rate, max_seconds, beat)
        return
    doubtful = []
    with path.open("rb") as file:
        for want, outcome in _outcomes(file, wav, wants, max_seconds, beat):
            if outcome is None:
                doubtful.append(want)
            else:
                yield want, outcome
    if doubtful:
        yield from read_file(path, doubtful, frame_rate, max_seconds, beat)


def plain_wav(path: Path) -> PlainWav | None:
    """What the header says; None where the file is not plain, whole and regular."""
    try:
        with path.open("rb") as file:
            return _header(file, os.fstat(file.fileno()).st_size)
    except (OSError, struct.error):
        return None


def _header(file: BinaryIO, size: int) -> PlainWav | None:
    riff, stated, wave = struct.unpack("<4sI4s", file.read(12))
    if riff != b"RIFF" or wave != b"WAVE" or stated + 8 > size:
        return None
    form: tuple[int, ...] | None = None
    while True:
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt " and length >= 16 and form is None:
            form = struct.unpack("<HHIIHH", file.read(16))
            file.seek(length - 16 + length % 2, os.SEEK_CUR)
        elif name == b"data":
            break
        elif name in HARMLESS:
            file.seek(length + length % 2, os.SEEK_CUR)
        else:
            return None
    first_byte = file.tell()
    if form is None or not length or first_byte + length > size:
        return None
    kind, channels, rate, _, frame_bytes, bits = form
    is_plain = (kind, bits) == (PCM, BITS) and channels in (1, 2) and frame_bytes == 2 * channels
    if not is_plain or not RATES[0] <= rate <= RATES[1] or length % frame_bytes:
        return None
    head = file.read(min(length, SEARCHED_BYTES))
    if any(word in head for word in DISGUISED):
        return None
    return PlainWav(channels, rate, first_byte, length // frame_bytes)


_Settled = tuple[Want, Outcome | None]
"""A want with what becomes of it, None where the decoder must say."""


def _outcomes(
    file: BinaryIO,
    wav: PlainWav,
    wants: Sequence[Want],
    max_seconds: float,
    beat: Callable[[], None],
) -> Iterator[_Settled]:
    resampled: dict[int, list[tuple[Want, AudioCut]]] = {}
    for want in sorted(wants, key=lambda want: want.start_seconds):
        rate = want.sample_rate or wav.rate
        try:
            cut = _cut(want, wav, max_seconds, rate)
        except MediaFault as fault:
            yield want, fault
            continue
        if rate != wav.rate:
            resampled.setdefault(rate, []).append((want, cut))
            continue
        beat()
        last = wav.samples if cut.last is None else min(cut.last, wav.samples)
        if cut.first < last:
            sound = Sound(rate, cut.first, _mixed(wav.read(file, cut.first, last)))
            yield want, _refusal(cut, sound) or _settled(cut)
        else:
            yield want, _settled(cut)
    for rate, cuts in resampled.items():
        yield from _resampled(file, wav, rate, cuts, beat)


def _cut(want: Want, wav: PlainWav, max_seconds: float, rate: int) -> AudioCut:
    """As `mmser.media.file_pass` cuts sound; raises MediaFault."""
    start = want.start or 0.0
    stated = wav.samples / wav.rate - start
    expected = stated if want.end is None else want.end - start
    return AudioCut(start, want.end, expected, max_seconds, rate)


def _mixed(samples: np.ndarray) -> Mixed:
    """(sample, channel) -> the mix, and of two channels the first."""
    if samples.shape[1] == 1:
        return Mixed(samples.T, 1.0, "the only channel")
    # Halves and sums of 16-bit numbers are exact, in whatever order they are taken.
    mix = samples.sum(axis=1, dtype=np.float32) * np.float32(0.5)
    return Mixed(np.stack([mix, samples[:, 0]]), 0.5, "channel 1 of 2")


def _refusal(cut: AudioCut, sound: Sound) -> MediaFault | None:
    """Give a cut what belongs to it; why it refuses that, if it does."""
    try:
        cut.add(sound)
    except MediaFault as fault:
        return fault
    return None


def _settled(cut: AudioCut) -> Outcome | None:
    """Close a cut; None where the channels may cancel each other."""
    if any(len(mixed.rows) > 1 for _, mixed in cut.blocks):
        mix, own = np.sum([mixed.power for _, mixed in cut.blocks], axis=0)
        if mix < DOUBTFUL * own:
            return None
    try:
        return cut.finish()
    except MediaFault as fault:
        return fault


def _resampled(
    file: BinaryIO,
    wav: PlainWav,
    rate: int,
    cuts: list[tuple[Want, AudioCut]],
    beat: Callable[[], None],
) -> Iterator[_Settled]:
    """Cuts at another rate, in the order of their starts: the sound up to the last of them."""
    position, spent = 0, False
    resampler = Resampler(wav.rate, rate, wav.channels)
    at = 0
    while cuts and not spent:
        beat()
        last = min(at + BLOCK, wav.samples)
        if at < last:
            mixed = _mixed(wav.read(file, at, last))
            rows, at = resampler.push(mixed.rows), last
        else:
            rows, spent = resampler.flush(), True
        sound = Sound(rate, position, Mixed(rows, 1.0 / wav.channels, "channel 1"))
        position += rows.shape[1]
        still = []
        for want, cut in cuts:
            fault = _refusal(cut, sound)
            if fault or cut.done:
                yield want, fault or _settled(cut)
            else:
                still.append((want, cut))
        cuts = still
    for want, cut in cuts:
        yield want, _settled(cut)

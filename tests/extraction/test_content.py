"""What counts as changed content: the bytes, the times, the half of the picture, and sound decoded
in another way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from mmser.cache.atomic import file_digest
from mmser.cache.fingerprint import canonical, text_digest
from mmser.core.utterance import Utterance
from mmser.extraction.content import Contents


def wav(path: Path, rate: int, channels: int) -> Utterance:
    wavfile.write(path, rate, np.ones((rate // 10, channels), np.int16))
    return Utterance("u", "c", "s", start=0.0, end=0.1, audio_path=path, video_path=path)


def by_bytes_alone(item: Utterance, path: Path) -> str:
    """The digest that every store held before sound of other rates and channels was
    decoded better.
    """
    return text_digest(canonical([file_digest(path), item.start, item.end, None]))


@pytest.mark.parametrize(
    ("rate", "channels", "as_before"),
    [
        (16_000, 1, True),
        (16_000, 2, True),
        (16_000, 6, False),
        (44_100, 1, False),
        (48_000, 2, False),
        (8_000, 1, False),
    ],
)
def test_only_sound_that_is_decoded_to_other_values_counts_as_changed(
    tmp_path: Path, rate: int, channels: int, as_before: bool
) -> None:
    path = tmp_path / "a.wav"
    item = wav(path, rate, channels)
    contents = Contents()
    assert (contents.of([item], "audio")["u"] == by_bytes_alone(item, path)) == as_before
    assert contents.of([item], "face")["u"] == by_bytes_alone(item, path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x10\0\0\0WAVEfmt ", b"\0" * 9000])
def test_a_file_that_is_no_wav_is_no_wav_of_16_khz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    item = Utterance("u", "c", "s", start=0.0, end=0.1, audio_path=path)
    assert Contents().of([item], "audio")["u"] != by_bytes_alone(item, path)

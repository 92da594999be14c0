"""Plain wav files read without a decoder: bit for bit what the decoder gives, or left to it."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from mmser.media.container import MediaFault
from mmser.media.cuts import Excerpt
from mmser.media.file_pass import Want, read_file
from mmser.media.plain_wav import plain_wav, read_media

CUTS = ((None, None), (0.1, 0.2), (0.05, None), (0.123456, 1.3), (0.9, 9), (20, 30), (3, 2))


def written(path: Path, rate: int, channels: np.ndarray) -> Path:
    """(sample, channel) in units of 16-bit samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(channels.clip(-32768, 32767).astype("<i2").tobytes())
    return path


def noise(samples: int, channels: int, level: float = 3000.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, (samples, channels))


def kinds(samples: int) -> dict[str, np.ndarray]:
    stereo = noise(samples, 2)
    opposite = np.stack([stereo[:, 0], -stereo[:, 0] + 30], axis=1)
    return {
        "mono": noise(samples, 1),
        "clipped": noise(samples, 1, 30000.0),
        "silent": noise(samples, 1, 3.0),
        "stereo": stereo,
        "left alone": stereo * [1, 0],
        "cancelling": opposite,
        "cancelling at last": np.concatenate([stereo[: samples // 2], opposite[samples // 2 :]]),
    }


@pytest.mark.parametrize("rate", [16_000, 24_414, 48_000])
@pytest.mark.parametrize("rates", [(16_000,), (22_050, 48_000)])
def test_the_values_are_the_decoders_own(tmp_path: Path, rate: int, rates: tuple[int, ...]) -> None:
    wants = [
        Want(row, "audio", start, end, sample_rate=target)
        for target in rates
        for row, (start, end) in enumerate(CUTS)
    ]
    for kind, channels in kinds(int(1.7 * rate)).items():
        path = written(tmp_path / f"{kind}.wav", rate, channels)
        assert plain_wav(path) is not None
        decoded = dict(read_file(path, wants, 3.0, 120.0, lambda: None))
        read = dict(read_media(path, wants, 3.0, 120.0, lambda: None))
        assert set(decoded) == set(read)
        for want, outcome in decoded.items():
            mine = read[want]
            if isinstance(outcome, Excerpt):
                assert isinstance(mine, Excerpt) and mine.note == outcome.note
                assert mine.values.dtype == outcome.values.dtype
                np.testing.assert_array_equal(mine.values, outcome.values)
            else:
                assert isinstance(mine, MediaFault)
                assert (mine.reason, mine.detail) == (outcome.reason, outcome.detail)


def test_an_utterance_may_be_too_long(tmp_path: Path) -> None:
    path = written(tmp_path / "long.wav", 16_000, noise(64_000, 1))
    wants = [
        Want(0, "audio", None, None, sample_rate=8_000),
        Want(1, "audio", 0.0, 3.0, sample_rate=16_000),
    ]
    outcomes = dict(read_media(path, wants, 3.0, 2.0, lambda: None))
    assert [outcomes[want].reason for want in wants] == ["too long", "too long"]


def plain(path: Path) -> bytearray:
    return bytearray(written(path, 16_000, noise(3000, 1)).read_bytes())


def test_what_is_unusual_is_left_to_the_decoder(tmp_path: Path) -> None:
    content = plain(tmp_path / "plain.wav")
    fact = content[:36] + b"fact" + struct.pack("<II", 4, 1000) + content[36:]
    changed = {
        "truncated": content[:-100],
        "no length": content[:4] + b"\xff\xff\xff\xff" + content[8:],
        "streamed": content[:40] + b"\0\0\0\0" + content[44:],
        "24 bit": content[:34] + struct.pack("<H", 24) + content[36:],
        "float": content[:20] + struct.pack("<H", 3) + content[22:],
        "fact": fact[:4] + struct.pack("<I", len(fact) - 8) + fact[8:],
        "coded": content[:1000] + b"\x7f\xfe\x80\x01" + content[1004:],
        "head": content[:20],
        "text": b"no sound at all",
    }
    for name, changed_content in changed.items():
        path = tmp_path / f"{name}.wav"
        path.write_bytes(changed_content)
        assert plain_wav(path) is None, name
    assert plain_wav(tmp_path / "not there.wav") is None


def test_further_chunks_do_no_harm(tmp_path: Path) -> None:
    content = plain(tmp_path / "plain.wav")
    listed = content[:36] + b"LIST" + struct.pack("<I", 5) + b"INFOx\0" + content[36:]
    path = tmp_path / "listed.wav"
    path.write_bytes(listed[:4] + struct.pack("<I", len(listed) - 8) + listed[8:])
    (want,) = [Want(0, "audio", None, None, sample_rate=16_000)]
    assert plain_wav(path) is not None
    ((_, decoded),) = read_file(path, [want], 3.0, 120.0, lambda: None)
    ((_, read),) = read_media(path, [want], 3.0, 120.0, lambda: None)
    np.testing.assert_array_equal(read.values, decoded.values)

"""Sound of any number of channels, in any container and at any rate, becomes one waveform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from mmser.core.clip import Clip
from mmser.core.utterance import Utterance
from mmser.media.decode import decode_clips
from mmser.media.downmix import weights
from mmser.media.write import write_wav

RATE = 48_000
SECONDS = 0.25


def tone(hertz: float, rate: int = 16_000, seconds: float = SECONDS) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def decoded(path: Path, rates: Sequence[int] = (16_000,)) -> Clip:
    (clip,) = decode_clips([Utterance("u", "c", "s", audio_path=path)], sample_rates=rates)
    return clip


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("channels", [3, 7, 8, 9, 11, 16, 24, 33, 64])
def test_up_to_64_channels_of_a_wav(tmp_path: Path, channels: int, kind: type) -> None:
    rows = np.stack([tone(300 + 20 * channel) for channel in range(channels)])
    middle, scale = {np.uint8: (128, 127), np.int16: (0, 2**15 - 1), np.int32: (0, 2**31 - 1)}.get(
        kind, (0, 1)
    )
    wavfile.write(tmp_path / "a.wav", 16_000, (middle + rows.T * scale).astype(kind))
    clip = decoded(tmp_path / "a.wav")
    assert clip.failures == () and clip.notes == () and clip.waveform is not None
    rounding = 1e-2 if kind is np.uint8 else 2e-4
    np.testing.assert_allclose(clip.waveform, weights(["NONE"] * channels) @ rows, atol=rounding)


def test_more_channels_than_anything_records_are_a_damaged_header(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", 16_000, np.stack([tone(300)] * 65, axis=1))
    assert [failure.reason for failure in decoded(tmp_path / "a.wav").failures] == ["undecodable"]


def encode(path: Path, codec: str, rows: np.ndarray, layout: str) -> None:
    """Rows (channel, sample) at 48 kHz through one of FFmpeg's encoders."""
    import av

    with av.open(str(path), "w") as file:
        track = file.add_stream(codec, rate=RATE, layout=layout)  # type: ignore[call-overload]
        form = track.codec_context.codec.audio_formats[0].name
        convert = av.AudioResampler(format=form, layout=layout, rate=RATE, frame_size=960)
        packed = np.ascontiguousarray(rows.T, dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = RATE, 0
        for part in [*convert.resample(frame), *convert.resample(None), None]:
            file.mux(track.encode(part))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.flac", "flac"), ("a.mkv", "flac"), ("a.mkv", "pcm_s16le"), ("a.m4a", "aac"), ("a.mka", "libopus"),
     ("a.opus", "libopus"), ("a.mov", "pcm_s24le"), ("a.aiff", "pcm_s16be")],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["5.1", "7.1"])
def test_surround_sound_of_every_codec(tmp_path: Path, name: str, codec: str, layout: str) -> None:
    channels = {"5.1": 6, "7.1": 8}[layout]
    speech, bass = tone(440.0, RATE, 0.5), tone(50.0, RATE, 0.5)
    rows = np.zeros((channels, len(speech)), np.float32)
    rows[2], rows[3] = speech, bass
    encode(tmp_path / name, codec, rows, layout)
    clip = decoded(tmp_path / name)
    assert clip.failures == () and clip.waveform is not None
    centre = weights(["NONE"] * channels)[2]
    spectrum = np.abs(np.fft.rfft(clip.waveform[1600:6400])) / 2400  # bins of 10/3 Hz
    assert abs(spectrum[132] - 0.5 * centre) < 0.05 * centre and spectrum[:25].max() < 0.01 * centre


def test_a_file_at_the_wanted_rate_comes_through_bit_for_bit(tmp_path: Path) -> None:
    rows = np.stack([tone(440.0, 22_050), tone(600.0, 22_050)])
    write_wav(tmp_path / "one.wav", rows[0], 22_050, kind="float32")
    write_wav(tmp_path / "two.wav", rows, 22_050, kind="float32")
    one, two = (decoded(tmp_path / name, (22_050,)) for name in ("one.wav", "two.wav"))
    assert one.waveform is None and one.failures == ()
    np.testing.assert_array_equal(one.sound(22_050), rows[0])
    np.testing.assert_array_equal(two.sound(22_050), rows.mean(axis=0))


def test_several_rates_are_made_from_the_files_own(tmp_path: Path) -> None:
    write_wav(
        tmp_path / "a.wav", tone(440.0, 44_100) + tone(10_000.0, 44_100), 44_100, kind="float32"
    )
    clip = decoded(tmp_path / "a.wav", (16_000, 22_050, 16_000))
    assert clip.waveform is not None and list(clip.waveforms) == [22_050]
    np.testing.assert_array_equal(clip.waveform, decoded(tmp_path / "a.wav").waveform)
    inner = slice(800, 3200)
    np.testing.assert_allclose(clip.waveform[inner], tone(440.0)[inner], atol=2e-3)
    expected = tone(440.0, 22_050) + tone(10_000.0, 22_050)
    np.testing.assert_allclose(clip.waveforms[22_050][1000:4000], expected[1000:4000], atol=2e-3)


def test_what_is_wrong_is_said_once_for_all_rates(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0 * tone(440.0, 44_100), 44_100)
    clip = decoded(tmp_path / "a.wav", (16_000, 22_050, 48_000))
    assert [failure.reason for failure in clip.failures] == ["silence"] and clip.waveforms == {}


def test_a_gap_is_silent_at_every_rate(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "gap.mkv"), "w") as file:
        track = file.add_stream("pcm_s16le", rate=RATE, layout="mono")  # type: ignore[call-overload]
        for begin in (
            0,
            RATE,
        ):  # half a second of sound, half a second of nothing, half a second of sound
            samples = (tone(440.0, RATE, 0.5) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, begin
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    clip = decoded(tmp_path / "gap.mkv", (16_000, 22_050, RATE))
    for rate in (16_000, 22_050, RATE):
        waveform = clip.sound(rate)
        assert waveform is not None and abs(len(waveform) - 1.5 * rate) <= 2
        assert not waveform[round(0.51 * rate) : round(0.99 * rate)].any()
        assert np.abs(waveform[round(1.01 * rate) : round(1.49 * rate)]).max() > 0.49


def test_channels_that_cancel_leave_one_and_a_note(tmp_path: Path) -> None:
    speech = tone(440.0)
    write_wav(tmp_path / "a.wav", np.stack([speech, -speech]), kind="float32")
    items = [Utterance("u", "c", "s", start=0.05, end=0.2, audio_path=tmp_path / "a.wav")]
    (clip,) = decode_clips(items, sample_rates=(16_000, 22_050))
    np.testing.assert_array_equal(clip.waveform, speech[800:3200])
    assert clip.notes == ("the channels cancel each other in the mix: channel 1 of 2 taken",)


def test_what_a_lossy_codec_leaves_of_a_cancellation_is_not_taken_for_speech(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(3)
    speech = np.cumsum(random.standard_normal(RATE)).astype(np.float32)
    speech = 0.3 * (speech - speech.mean()) / np.abs(speech).max() + tone(700.0, RATE, 1.0) / 4
    encode(tmp_path / "a.m4a", "aac", np.stack([speech, -speech]), "stereo")
    encode(tmp_path / "same.m4a", "aac", np.stack([speech, speech]), "stereo")
    opposite, same = decoded(tmp_path / "a.m4a"), decoded(tmp_path / "same.m4a")
    assert len(opposite.notes) == 1 and same.notes == ()
    assert opposite.waveform is not None and same.waveform is not None
    assert np.corrcoef(opposite.waveform, same.waveform)[0, 1] > 0.98

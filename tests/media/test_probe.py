"""A file's tracks and length, from its packets; the same from another process."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, Here
from mmser.media.probe import Tracks
from mmser.media.write import write_mp4, write_wav

NOISE = (np.random.default_rng(0).normal(size=16000) * 0.1).astype(np.float32)
PICTURES = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def decoders():
    with closing(Decoder()) as apart:
        yield Here(), apart


def test_tracks_and_length(decoders, tmp_path: Path):
    write_wav(tmp_path / "a.wav", NOISE)
    write_mp4(tmp_path / "b.mp4", PICTURES, 6.0, None)
    write_mp4(tmp_path / "c.mp4", PICTURES, 6.0, NOISE)
    for decoder in decoders:
        assert decoder.tracks(tmp_path / "a.wav") == Tracks(True, False, 1.0, "wav", ("pcm_s16le",))
        film = decoder.tracks(tmp_path / "b.mp4")
        assert (film.audio, film.video, film.seconds) == (False, True, 1.0)
        assert film.container.startswith("mov,mp4")
        assert (film.codecs, film.pixels) == (("h264",), "yuv420p")
        both = decoder.tracks(tmp_path / "c.mp4")
        assert both.audio and both.video and both.seconds == pytest.approx(1.0, abs=0.1)


def test_what_is_no_recording_is_told_and_the_decoder_goes_on(decoders, tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video")
    write_mp4(tmp_path / "b.mp4", PICTURES, 6.0, None)
    for decoder in decoders:
        for name in ("text.mp4", "none.wav"):
            with pytest.raises(MediaFault, match=r"not a media file|missing file"):
                decoder.tracks(tmp_path / name)
        with pytest.raises(MediaFault, match="no audio track"):
            list(decoder.sound(tmp_path / "b.mp4"))
        assert decoder.tracks(tmp_path / "b.mp4").video


def test_a_file_that_stops_early_has_the_length_that_is_there(decoders, tmp_path: Path):
    write_wav(tmp_path / "a.wav", NOISE)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "half.wav").write_bytes(content[: len(content) // 2])
    assert decoders[0].tracks(tmp_path / "half.wav").seconds == pytest.approx(0.5, abs=0.01)


def test_the_sound_is_the_same_from_both(decoders, tmp_path: Path):
    write_wav(tmp_path / "a.wav", np.tile(NOISE, 4), sample_rate=22050)
    here, there = (list(decoder.sound(tmp_path / "a.wav")) for decoder in decoders)
    assert [at for at, _ in here] == [at for at, _ in there] and all(
        len(samples) for _, samples in here
    )
    for (_, mine), (_, other) in zip(here, there, strict=True):
        np.testing.assert_array_equal(mine, other)
    heard = np.concatenate([samples for _, samples in here])
    assert (
        len(heard) == pytest.approx(4 * 16000 * 16000 / 22050, rel=0.01)
        and heard.dtype == np.float32
    )


def test_a_request_that_nobody_reads_to_its_end_does_not_confuse_the_next(decoders, tmp_path: Path):
    write_wav(tmp_path / "a.wav", np.tile(NOISE, 20))
    with closing(decoders[1].sound(tmp_path / "a.wav")) as blocks:
        next(blocks)
    assert decoders[1].tracks(tmp_path / "a.wav").seconds == 20.0

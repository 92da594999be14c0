"""Decoding in other processes: the same clips, and what becomes of files over which a decoder
crashes or hangs.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmser.core.utterance import Utterance
from mmser.extraction import workers as workers_module
from mmser.extraction.decoding import clips_in_order
from mmser.extraction.plan import Request
from mmser.media import decoder
from mmser.media.write import write_mp4, write_wav

NOISE = (np.random.default_rng(0).normal(size=16000) * 0.1).astype(np.float32)
PICTURES = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(__file__).parent.parent / "media" / "dying_decoder.py"
    monkeypatch.setattr(workers_module, "PROGRAM", (sys.executable, str(program)))
    monkeypatch.setattr(workers_module, "may_fork", lambda: False)


def sound(path: Path) -> Request:
    write_wav(path, NOISE)
    return Request((Utterance(path.stem, "c", "s", audio_path=path),), audio=True, frames=False)


def film(path: Path, turns: int = 1) -> Request:
    write_mp4(path, PICTURES, 6.0, NOISE)
    cuts = [(turn / turns, (turn + 1) / turns) for turn in range(turns)]
    items = [
        Utterance(f"{path.stem}-{n}", "c", "s", start=a, end=b, video_path=path)
        for n, (a, b) in enumerate(cuts)
    ]
    return Request(tuple(items), audio=True, frames=True)


def outcomes(requests: list[Request], workers: int = 2) -> dict[str, list[tuple]]:
    clips = list(clips_in_order(requests, 6.0, workers))
    assert [clip.id for clip in clips] == [
        item.id for request in requests for item in request.utterances
    ]
    return {
        clip.id: [(fault.modality, fault.reason, fault.detail) for fault in clip.failures]
        for clip in clips
    }


def test_another_process_decodes_the_same_clips(tmp_path: Path) -> None:
    requests = [
        film(tmp_path / "a.mp4", turns=2),
        sound(tmp_path / "b.wav"),
        sound(tmp_path / "Köln ü,=[1].wav"),
    ]
    missing = Request(
        (Utterance("gone", "c", "s", audio_path=tmp_path / "gone.wav"),), audio=True, frames=True
    )
    requests.append(missing)
    requests.append(replace(sound(tmp_path / "c.wav"), sample_rates=(22_050, 48_000)))
    for here, there in zip(
        clips_in_order(requests, 6.0, 0), clips_in_order(requests, 6.0, 2), strict=True
    ):
        assert (here.id, here.frame_rate, here.failures) == (
            there.id,
            there.frame_rate,
            there.failures,
        )
        np.testing.assert_array_equal(here.waveform, there.waveform)
        assert list(here.waveforms) == list(there.waveforms)
        for rate in here.waveforms:
            np.testing.assert_array_equal(here.sound(rate), there.sound(rate))
        np.testing.assert_array_equal(here.frames, there.frames)
        if there.waveform is not None:
            assert there.waveform.flags.writeable


@pytest.mark.parametrize("workers", [1, 2])
def test_a_crash_costs_its_file_alone(dying: None, tmp_path: Path, workers: int) -> None:
    found = outcomes(
        [sound(tmp_path / f"{name}.wav") for name in ("a", "crash1", "b", "crash2", "c")], workers
    )
    dead = [("audio", "decoder died", "ended by SIGSEGV")]
    assert found == {"a": [], "crash1": dead, "b": [], "crash2": dead, "c": []}


def test_pictures_that_crash_leave_the_sound(dying: None, tmp_path: Path) -> None:
    request = film(tmp_path / "moving.mp4", turns=2)
    clips = list(clips_in_order([request], 6.0, 1))
    assert [len(clip.waveform) for clip in clips] == [8000, 8000] and not any(
        clip.frames is not None for clip in clips
    )
    assert {(fault.modality, fault.reason) for clip in clips for fault in clip.failures} == {
        ("face", "decoder died")
    }


def test_turns_before_the_crash_are_kept(dying: None, tmp_path: Path) -> None:
    found = outcomes([film(tmp_path / "third.mp4", turns=4), sound(tmp_path / "b.wav")])
    # The two turns from the third on were had when sound and pictures were tried alone.
    assert found == {"third-0": [], "third-1": [], "third-2": [], "third-3": [], "b": []}


def test_a_decoder_that_hangs_is_ended(
    dying: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "PATIENCE_SECONDS", 3.0)
    found = outcomes([sound(tmp_path / f"{name}.wav") for name in ("hang", "b")], workers=1)
    assert found == {"hang": [("audio", "decoder died", "no sign of life for 3 s")], "b": []}


def test_an_error_in_a_decoder_is_its_files_failure(dying: None, tmp_path: Path) -> None:
    found = outcomes([sound(tmp_path / f"{name}.wav") for name in ("bug", "b")], workers=1)
    assert (
        found["bug"] == [("audio", "decoder died", "TypeError: an unexpected keyword argument")]
        and not found["b"]
    )


def test_no_process_stays_when_the_reader_leaves(dying: None, tmp_path: Path, monkeypatch) -> None:
    started: list[subprocess.Popen] = []
    popen = subprocess.Popen

    def counted(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(decoder.subprocess, "Popen", counted)
    # Each file alone, so that the first clip comes while another worker hangs.
    monkeypatch.setattr(workers_module, "LOT_UTTERANCES", 1)
    clips = clips_in_order(
        [sound(tmp_path / f"{name}.wav") for name in ("a", "hang", "b", "c")], 6.0, 2
    )
    assert next(clips).id == "a"
    clips.close()
    assert started and all(process.poll() is not None for process in started)

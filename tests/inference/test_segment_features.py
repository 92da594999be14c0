"""The words of earlier segments are what a system that reads a dialogue is given of a recording."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmser.core.clip import Clip, Dialogue, Turn
from mmser.extractors.text.tokens import Tokens
from mmser.inference import segment_features as module
from mmser.inference.recording import Recording
from mmser.inference.segment_features import Work, segment_features
from mmser.inference.segments import Segment
from mmser.inference.timeline import _log_context
from mmser.media.decoder import Here


class Noted:
    """Stands for the reader of a run: keeps the clips it is given."""

    sample_rates: tuple[int, ...] = ()
    frame_rate = 3.0
    aligner = None

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    def features(self, clip: Clip, streams: Any) -> dict[str, Any]:
        self.clips.append(clip)
        return {}


def test_each_segment_is_read_after_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ("Hi.", "", "How are you?")
    segments = [Segment(float(at), at + 1.0, text=text) for at, text in enumerate(texts)]
    monkeypatch.setattr(
        module, "_clips", lambda work, modalities, transcribes, places: map(Clip, places)
    )
    reader = Noted()
    recording = Recording(Path("talk.wav"), True, False, 3.0, Here())
    work = Work(reader, recording, segments, frozenset({"text"}), None, False)  # type: ignore[arg-type]
    list(segment_features(work, frozenset({"text"})))
    assert [clip.dialogue for clip in reader.clips] == [
        Dialogue(),
        Dialogue(before=(Turn("", "Hi."),)),
        Dialogue(before=(Turn("", "Hi."),)),
    ]


@pytest.mark.parametrize(
    ("context", "later", "said"),
    [
        (3, 0, "its earlier segments, without the name of a speaker"),
        (3, 2, "without the name of a speaker or any later turn"),
        (0, 0, ""),
    ],
)
def test_what_context_a_recording_gives_is_said(
    context: int, later: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    extractor = Tokens(weights="random", context=context, later=later)
    reader = SimpleNamespace(extractors={"text": extractor})
    with caplog.at_level(logging.INFO):
        _log_context(reader, frozenset({"text"}))  # type: ignore[arg-type]
        _log_context(reader, frozenset({"audio"}))  # type: ignore[arg-type]
    assert len(caplog.messages) == bool(said) and said in caplog.text

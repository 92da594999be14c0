"""The plan of a synthetic corpus: how much each cue tells about the label, before anything is
rendered.
"""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.corpora.synthetic.script import EMOTIONS, PHRASES, Information, Line, lines, speakers


def plan(emotions: int = 4, seed: int = 0, **information: float) -> list[Line]:
    return [
        line
        for cast in speakers()
        for line in lines(cast, 60, emotions, Information(**information), seed)
    ]


def agreement(planned: list[Line], modality: str) -> float:
    return float(np.mean([getattr(line.cues, modality) == line.cues.emotion for line in planned]))


def test_ten_speakers_in_five_sessions() -> None:
    assert len({(s.session, s.gender) for s in speakers()}) == 10 and {
        s.session for s in speakers()
    } == {1, 2, 3, 4, 5}
    assert len({s.voice for s in speakers()}) == 10


@pytest.mark.parametrize("emotions", [2, 4, 7])
def test_labels_are_balanced(emotions: int) -> None:
    for cast in speakers():
        labels = [line.cues.emotion for line in lines(cast, 28, emotions, Information(), 0)]
        assert set(labels) == set(EMOTIONS[:emotions])
        counts = [labels.count(name) for name in EMOTIONS[:emotions]]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("modality", ["audio", "text", "face"])
def test_information_is_what_was_asked_for(modality: str) -> None:
    others = {name: 0.0 for name in ("audio", "text", "face") if name != modality}
    assert agreement(plan(**{modality: 1.0}, **others), modality) == 1.0
    # 600 draws: six standard errors of the expected share on either side.
    assert agreement(plan(**{modality: 0.0}), modality) == pytest.approx(0.25, abs=0.11)
    assert agreement(plan(**{modality: 0.5}), modality) == pytest.approx(0.5 + 0.5 / 4, abs=0.12)
    for name in others:
        assert agreement(plan(**{modality: 1.0}, **others), name) == pytest.approx(0.25, abs=0.11)


def test_misleading_cues_are_independent_of_each_other() -> None:
    planned = plan(audio=0.0, text=0.0, face=0.0)
    same = np.mean([line.cues.audio == line.cues.face for line in planned])
    assert same == pytest.approx(0.25, abs=0.11)


def test_words_show_the_text_cue() -> None:
    for line in plan(emotions=7):
        assert any(line.text.startswith(phrase) for phrase in PHRASES[line.cues.text])


def test_seed_decides() -> None:
    assert plan(seed=3) == plan(seed=3) != plan(seed=4)


def test_impossible_information() -> None:
    with pytest.raises(MmserError, match="face_information between 0 and 1"):
        Information(face=1.5)

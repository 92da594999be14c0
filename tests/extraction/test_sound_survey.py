"""What the survey of a corpus's sound says of recordings whose figures are known."""

import numpy as np
import pytest
from makers.clips import speechlike, tone

from mmser.core.utterance import Utterance
from mmser.extraction.sound_likeness import LIKE, like_pairs, likeness
from mmser.extraction.sound_survey import absent_files, chosen, survey
from mmser.media.write import write_wav


def utterances(folder, **waveforms):
    for name, waveform in waveforms.items():
        write_wav(folder / f"{name}.wav", waveform)
    return [Utterance(name, "own", "s", audio_path=folder / f"{name}.wav") for name in waveforms]


def test_length_level_pauses_and_clipping(tmp_path):
    sine = tone(1.0, 200, 0.5)
    paused = np.concatenate([sine, np.zeros(16_000, dtype=np.float32)])
    listed = utterances(tmp_path, sine=sine, paused=paused, cut=np.clip(8 * sine, -1, 1))
    table = survey(listed, 0, progress=False).table.set_index("id")
    assert table.loc["sine", "seconds"] == 1
    assert table.loc["sine", "level"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert table.loc["sine", "quiet"] < 0.05
    assert table.loc["paused", "quiet"] == pytest.approx(0.5, abs=0.02)
    assert table.loc["sine", "clipped"] == 0
    # Two half waves in each of 200 periods.
    assert table.loc["cut", "clipped"] == pytest.approx(400, abs=2)


def test_an_unreadable_file_is_a_row(tmp_path):
    listed = utterances(tmp_path, good=speechlike(1.0, 1), bad=speechlike(1.0, 2))
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    listed.append(Utterance("gone", "own", "s", audio_path=tmp_path / "gone.wav"))
    failures = survey(listed, 0, progress=False).table.set_index("id")["failure"]
    assert failures.isna().to_dict() == {"good": True, "bad": False, "gone": False}
    assert absent_files(listed) == [("gone", tmp_path / "gone.wav")]


def test_a_drawn_part_keeps_the_order(tmp_path):
    listed = [Utterance(f"{number:02d}", "own", "s") for number in range(50)]
    part = chosen(listed, 10)
    assert len(part) == 10 and list(part) == sorted(part, key=lambda each: each.id)
    assert chosen(listed, 10) == part and chosen(listed, None) is listed


def test_only_the_same_recording_is_alike():
    first, other = speechlike(2.0, 1), speechlike(2.0, 2)
    softer = 0.3 * first[: round(1.99 * 16_000)]
    prints = np.stack([likeness(each) for each in (first, other, softer)])
    pairs = list(like_pairs(prints, np.array([2.0, 2.0, 1.99])))
    assert [pair[:2] for pair in pairs] == [(0, 2)] and pairs[0][2] >= LIKE
    # Of another length it is another recording, and one that was not heard is like nothing.
    assert not list(like_pairs(prints, np.array([2.0, np.nan, 1.9])))

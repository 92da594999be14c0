"""A timeline as one picture: what is drawn, what is left out, and how time is written."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from makers.sound_run import sound

from mmser.inference.attended import Curve
from mmser.inference.condensed import COLUMNS, condensed
from mmser.inference.glimpse import PICTURES, Glimpse, glimpse
from mmser.inference.picture import Look, draw_timeline
from mmser.inference.time_axis import minutes
from mmser.media.write import write_mp4, write_wav

CLASSES = ["probability_happy", "probability_sad"]


def timeline(count, seconds=4.0):
    """Segments of ``seconds`` s each but the last fifth; happy and sad take turns."""
    starts = seconds * np.arange(count)
    share = np.where(np.arange(count) % 2, 0.2, 0.9)
    return pd.DataFrame(
        {
            "start": starts,
            "end": starts + 0.8 * seconds,
            "text": "words <b>&",
            "prediction": np.where(share > 0.5, "happy", "sad"),
            CLASSES[0]: share,
            CLASSES[1]: 1 - share,
        }
    )


def drawn(table, folder, *rest):
    """What the picture says (its texts), and the picture."""
    draw_timeline(table, folder / "a.svg", *rest)
    root = ElementTree.parse(folder / "a.svg").getroot()  # noqa: S314 - written here
    return [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")], root


def test_names_words_and_clock_are_text(tmp_path):
    texts, _ = drawn(timeline(4), tmp_path)
    assert texts.count("happy") == 3 and texts.count("sad") == 3  # two blocks and the legend
    assert "0:10" in texts and "minutes:seconds" in texts and "100 %" in texts
    assert "words <b>&" in texts


def test_an_hour_is_drawn_as_means_and_says_so(tmp_path):
    texts, root = drawn(timeline(900), tmp_path)
    assert "minutes:seconds  (means of 30 s)" in texts
    assert "30:00" in texts
    assert "words <b>&" not in texts
    assert len(ElementTree.tostring(root)) < 200_000


def test_means_are_weighted_by_seconds_and_silence_stays_a_gap():
    table = timeline(2, seconds=10.0)
    short = condensed(table, CLASSES, end=float(COLUMNS))
    assert short["start"].tolist() == [*range(8), *range(10, 18)]
    assert short["prediction"].tolist() == ["happy"] * 8 + ["sad"] * 8
    halves = condensed(table.assign(start=[0.0, 0.5], end=[0.5, 1.0]), CLASSES, float(COLUMNS))
    assert halves[CLASSES].to_numpy() == pytest.approx(np.array([[0.55, 0.45]]))


def test_values_alone_are_lines(tmp_path):
    table = timeline(3)[["start", "end"]].assign(text="", prediction_valence=[0.1, np.nan, -1.0])
    texts, _ = drawn(table, tmp_path)
    assert "valence" in texts and "100 %" not in texts


def test_nothing_to_judge_is_a_gap(tmp_path):
    table = timeline(2).assign(prediction=[None, "sad"])
    table.loc[0, CLASSES] = np.nan
    texts, _ = drawn(table, tmp_path)
    assert texts.count("happy") == 1 and texts.count("sad") == 2


def test_many_classes_and_narrow_dark(tmp_path):
    names = [f"a_rather_long_class_{number}" for number in range(11)]
    table = timeline(2)[["start", "end", "text"]].assign(prediction=names[0])
    table = pd.concat(
        [table, pd.DataFrame({f"probability_{n}": [1 / 11] * 2 for n in names})], axis=1
    )
    texts, root = drawn(table, tmp_path, None, Look(4.0, dark=True))
    assert set(names) <= set(texts)
    assert b"#16181b" in ElementTree.tostring(root)


def test_the_look_of_sound_and_film(tmp_path):
    waveform = np.concatenate([np.zeros(16_000, "f4"), sound("happy", 1.0)])
    write_wav(tmp_path / "a.wav", waveform)
    heard = glimpse(tmp_path / "a.wav")
    loudest, half = heard.loudest, len(heard.loudest) // 2
    assert heard.seconds == pytest.approx(2.0) and not heard.pictures
    assert loudest[: half - 1].max() == 0 < loudest[half + 1 : -2].min()
    frames = np.zeros((40, 32, 48, 3), "uint8")
    frames[20:] = 255
    write_mp4(tmp_path / "a.mp4", frames, 20.0, None)
    film = glimpse(tmp_path / "a.mp4")
    assert film.loudest is None and len(film.pictures) == PICTURES
    assert [picture.mean() > 128 for picture in film.pictures] == [False] * 4 + [True] * 4
    _, root = drawn(timeline(1, 2.5), tmp_path, film)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) == PICTURES
    (tmp_path / "b.mp4").write_bytes(b"no film")
    assert glimpse(tmp_path / "b.mp4").seconds == 0


def test_attention_is_a_line_over_the_sound(tmp_path):
    curves = [Curve(np.array([1.0, 2.0]), np.array([0.5, 1.5]))] * 2
    seen = Glimpse(4.0, np.ones(10, "f4"), attention={"a<b": curves})
    texts, _ = drawn(timeline(1), tmp_path, seen)
    assert texts.count("attention: a<b") == 1
    texts, _ = drawn(timeline(1), tmp_path, Glimpse(4.0, attention={"a<b": curves}))
    assert "attention: a<b" not in texts


def test_clock():
    assert [minutes(value) for value in (0, 2.5, 65, 3600)] == ["0:00", "0:02.5", "1:05", "1:00:00"]

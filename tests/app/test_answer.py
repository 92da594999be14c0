"""What the page shows of a recording, and what it refuses."""

from __future__ import annotations

import re
import shutil
import threading
import time

import pandas as pd
import pytest
from makers.sound_run import Recogniser, sound, stand_ins, write_recording

from mmser.app.answer import Answerer, _shares, _verdict
from mmser.app.limits import Limits
from mmser.core.errors import MmserError, UsageError
from mmser.inference.recogniser import load
from mmser.media.write import write_wav

REMARK = "What is absent is masked, not guessed."


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    stand_ins(monkeypatch)


@pytest.fixture(scope="module")
def recogniser(sound_run):
    return load(sound_run.directory)


@pytest.fixture
def answerer(recogniser):
    made = Answerer(recogniser)
    yield made
    made.close()


def test_an_answer_is_the_command_s_table_with_its_page_and_files(recogniser, answerer, tmp_path):
    path = write_recording(tmp_path / "talk.wav")
    answer = answerer.answer(path, tmp_path / "answer")
    table = recogniser.predict(path)
    seconds = table["end"] - table["start"]
    for name, share in answer.shares.items():
        mean = (table[f"probability_{name}"] * seconds).sum() / seconds.sum()
        assert share == pytest.approx(mean)
    assert sum(answer.shares.values()) == pytest.approx(1, abs=1e-5)
    assert re.fullmatch(r"\w+ 1\.\d s, \w+ 1\.\d s", answer.verdict)
    assert answer.remarks[0] == f"Read in 2 segments: sound in 2 of 2, words in none. {REMARK}"
    suffixes = [path.name.removeprefix("talk.") for path in answer.files]
    assert suffixes[:2] == ["html", "csv"] and {"json", "audacity.txt"} <= set(suffixes)
    assert 'src="data:audio/wav' in answer.page and "file:" not in answer.page


def test_words_that_somebody_typed_are_read(answerer, tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, sound("happy", 0.6))
    with_words = answerer.answer(path, tmp_path / "one", words=" sad\n day ")
    assert with_words.remarks[0] == "Read in 1 segment: sound in 1 of 1, words in 1 of 1."
    assert "sad day" in with_words.page
    without = answerer.answer(path, tmp_path / "two")
    assert with_words.shares["sad"] > without.shares["sad"]


def test_a_recogniser_gives_the_words(sound_run, tmp_path):
    made = Answerer(load(sound_run.directory), asr="test")
    assert made.has_transcriber and Recogniser
    answer = made.answer(write_recording(tmp_path / "talk.wav"), tmp_path / "answer")
    made.close()
    assert answer.verdict.startswith(("happy 1", "sad 1"))
    assert answer.remarks[0] == "Read in 2 segments: sound in 2 of 2, words in 2 of 2."


def test_what_is_too_large_too_long_or_no_recording_is_one_message(recogniser, tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, sound("happy", 3.0))
    for limits, message in (
        (Limits(largest=0.05), r"a file of up to 0.05 MB and 10 minutes; found 0 MB"),
        (Limits(longest=0.04), r"a recording of up to 100 MB and 0.04 minutes; found 0.1 minutes"),
    ):
        answerer = Answerer(recogniser, limits)
        with pytest.raises(MmserError, match=message):
            answerer.answer(path, tmp_path / "answer")
        answerer.close()
    answerer = Answerer(recogniser)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    with pytest.raises(MmserError, match="a video or sound file"):
        answerer.answer(tmp_path / "b.mp4", tmp_path / "answer")
    write_wav(tmp_path / "long.wav", sound("happy", 61.0))
    with pytest.raises(MmserError, match="one utterance of up to 60 s; found 61 s"):
        answerer.answer(tmp_path / "long.wav", tmp_path / "answer", whole=True)
    answerer.close()
    assert not (tmp_path / "answer").exists()
    with pytest.raises(UsageError, match="--longest above 0"):
        Limits(longest=0)


def test_a_hostile_name_stays_in_the_folder_and_stays_text(answerer, tmp_path):
    source = tmp_path / "a.wav"
    write_wav(source, sound("happy", 0.6))
    name = "..<img src=x onerror=alert(1)>" + "x" * 150 + ".wav"
    shutil.copy(source, tmp_path / name)
    answer = answerer.answer(tmp_path / name, tmp_path / "answer")
    assert {path.parent for path in answer.files} == {tmp_path / "answer"}
    assert "<img src=x" not in answer.page and "&lt;img src=x" in answer.page


def test_values_are_means_over_the_judged_time():
    rows = [
        {"start": 0.0, "end": 3.0, "prediction_valence": 1.0},
        {"start": 3.0, "end": 4.0, "prediction_valence": 5.0},
        {"start": 4.0, "end": 9.0, "prediction_valence": None},
    ]
    assert _verdict(pd.DataFrame(rows)) == "valence 2.00"
    assert _shares(pd.DataFrame(rows)) == {}


def test_a_segment_that_could_not_be_judged_has_no_say():
    rows = [
        {"start": 0.0, "end": 3.0, "prediction": "sad", "probability_sad": 0.6},
        {"start": 3.0, "end": 9.0, "prediction": None, "probability_sad": None},
    ]
    assert _verdict(pd.DataFrame(rows)) == "sad"
    assert _shares(pd.DataFrame(rows)) == {"sad": pytest.approx(0.6)}


def test_the_end_waits_for_what_is_being_judged(recogniser, tmp_path, monkeypatch):
    answerer = Answerer(recogniser)
    path = write_recording(tmp_path / "talk.wav")
    begun, judge, ended = threading.Event(), recogniser.predict, []

    def slow(*words, **options):
        begun.set()
        time.sleep(0.3)
        try:
            return judge(*words, **options)
        finally:
            ended.append(True)

    monkeypatch.setattr(recogniser, "predict", slow)
    faults = []

    def visit():
        try:
            answerer.answer(path, tmp_path / "answer")
        except MmserError as error:
            faults.append(error)

    visitor = threading.Thread(target=visit)
    visitor.start()
    begun.wait(10)
    assert answerer.is_busy
    answerer.close()
    assert ended == [True] and not answerer.is_busy
    visitor.join(10)
    assert "nobody waits for its clips" in str(faults[0]) and not (tmp_path / "answer").exists()

"""A corpus's own test files are judged as evaluation judged them: whole, by the fold that did not
train on them.
"""

import json
import shutil

import pandas as pd
import pytest
from makers.picture_run import trained_again
from makers.sound_run import sound, stand_ins

import mmser
from mmser.core.errors import MmserError, UsageError
from mmser.inference.corpus_files import CorpusFile
from mmser.inference.recording import open_recording
from mmser.inference.segment_table import read_segments
from mmser.inference.segments import Segment
from mmser.inference.timeline import predict_recording
from mmser.inference.trained import TrainedRun
from mmser.media.write import write_wav
from mmser.sharing.export import export

PROBABILITIES = ["probability_angry", "probability_happy", "probability_sad"]


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    stand_ins(monkeypatch)


@pytest.fixture(scope="module")
def run(sound_run):
    """Sound and words from wav files of .5 to .84 s, tested on s0 and s1."""
    return sound_run


@pytest.fixture(scope="module")
def seen(picture_run):
    return picture_run


def assert_same(run, fold, name, **options):
    """Every test file of the fold through `predict`, beside predictions.parquet."""
    expected = (
        pd.read_parquet(run.directory / "predictions.parquet")
        .query("fold == @fold")
        .set_index("id")
    )
    recogniser = mmser.load(run.directory, fold=fold)
    assert len(recogniser.members) == 1 and len(expected) == 6
    for identifier, row in expected.iterrows():
        file = run.directory.parent.parent / name.format(identifier)
        found = recogniser.predict(
            file, **{key: value(identifier) for key, value in options.items()}
        )
        assert len(found) == 1 and found["start"][0] == 0.0, identifier
        assert found["prediction"][0] == row["prediction"]
        assert found.loc[0, PROBABILITIES].to_list() == pytest.approx(
            row[PROBABILITIES].to_list(), abs=1e-6
        )


def folder_of(run, tmp_path, **changes):
    return trained_again(run, run.directory.parent / tmp_path.name / "run", **changes)


def test_an_audio_system(run, tmp_path):
    assert_same(folder_of(run, tmp_path, streams=["tone"]), "s0", "corpus/{}.wav")


def test_an_audio_system_normalised_per_speaker(run, tmp_path):
    """The speaker of a file of the corpus is known, and so is the scale of training."""
    by_speaker = folder_of(run, tmp_path, streams=["tone"], tone={"normalise": "speaker_zscore"})
    assert_same(by_speaker, "s0", "corpus/{}.wav")


def test_an_audio_and_face_system(seen, tmp_path):
    assert_same(folder_of(seen, tmp_path, streams=["tone", "look"]), "s0", "corpus/{}.mp4")


def test_sound_words_and_pictures_where_the_words_are_given(seen, tmp_path):
    table = tmp_path / "segments.csv"
    spoken = seen.manifest.assign(
        file=seen.manifest["video_path"], start=None, end=None, text=seen.manifest["transcript"]
    )
    spoken[["file", "start", "end", "text"]].to_csv(table, index=False)
    given = {path.stem: segments for path, segments in read_segments(table).items()}
    shutil.copytree(seen.directory, tmp_path / "a" / "run")
    shutil.copytree(seen.directory.parent / "corpus", tmp_path / "corpus")
    assert_same(mmser.load_run(tmp_path / "a" / "run"), "s0", "corpus/{}.mp4", segments=given.get)


def test_a_recording_as_long_as_training_is_one_utterance_and_a_longer_one_is_cut(
    run, tmp_path, caplog
):
    write_wav(tmp_path / "new.wav", sound("happy", 0.84))
    write_wav(tmp_path / "long.wav", sound("happy", 1.2))
    recogniser = mmser.load(run.directory)
    lengths = recogniser.trained.training_lengths
    assert (lengths.shortest, lengths.longest) == pytest.approx((0.5, 0.84), abs=0.03)
    (new,) = recogniser.predict(tmp_path / "new.wav", asr="test").to_dict("records")
    assert (new["start"], new["end"]) == (0.0, 0.84)
    assert "new.wav" not in caplog.text
    recogniser.predict(tmp_path / "long.wav", asr="test")
    assert (
        "long.wav: its 1.2 s are longer than what training heard, 0.5 to 0.8 s (median 0.7 s)"
        in caplog.text
    )
    (whole,) = recogniser.predict(tmp_path / "long.wav", asr="test", whole=True).to_dict("records")
    assert (whole["start"], whole["end"]) == (0.0, 1.2)


def test_a_model_folder_knows_the_lengths_and_an_old_one_says_that_it_does_not(
    run, tmp_path, caplog
):
    folder = export(run, tmp_path / "model", fold="all")
    write_wav(tmp_path / "new.wav", sound("happy", 0.84))
    stated = json.loads((folder / "config.json").read_text())
    assert stated["training_seconds"] == pytest.approx(
        {"shortest": 0.5, "median": 0.67, "longest": 0.84}, abs=0.03
    )
    assert len(mmser.load(folder).predict(tmp_path / "new.wav", asr="test")) == 1
    assert "is not known" not in caplog.text
    del stated["training_seconds"]
    (folder / "config.json").write_text(json.dumps(stated))
    mmser.load(folder).predict(tmp_path / "new.wav", asr="test")
    assert (
        "how long its training utterances were is not known, it was exported by an earlier version"
        in caplog.text
    )
    for wrong in (
        {"shortest": 0.5},
        {"shortest": 2, "median": 1, "longest": 3},
        [1],
        {"shortest": "a"},
    ):
        (folder / "config.json").write_text(json.dumps(stated | {"training_seconds": wrong}))
        with pytest.raises(MmserError, match="undamaged"):
            mmser.load(folder).trained.training_lengths  # noqa: B018


def test_which_models_judge_is_chosen(run):
    assert [m.fold for m in mmser.load(run.directory).members] == ["s0", "s1"]
    assert [m.fold for m in mmser.load(run.directory, fold="s1", seed=0).members] == ["s1"]
    with pytest.raises(
        UsageError, match=r"fold s7 seed any in the run; found fold s0 seed 0, fold s1 seed 0"
    ):
        mmser.load(run.directory, fold="s7")


def test_of_a_file_of_the_corpus_it_says_who_has_heard_the_speaker(run, tmp_path, caplog):
    caplog.set_level("INFO", "mmser")
    copied = shutil.copy(run.directory.parent / "corpus" / "u0.wav", tmp_path / "renamed.wav")
    predict_recording(run, copied, asr="test")
    assert (
        "renamed.wav is utterance u0 of the run's own corpus: 1 of the 2 models that judge it"
        in caplog.text
    )
    assert (
        "heard small/s0 in training or validation; --fold s0 chooses one that has not"
        in caplog.text
    )
    caplog.clear()
    predict_recording(run, copied, asr="test", fold="s0")
    assert "no model that judges it has heard small/s0 in training" in caplog.text


def test_a_file_whose_content_has_changed_is_known_by_its_place(run, tmp_path):
    file = tmp_path / "talk.wav"
    write_wav(file, sound("happy", 3.0))
    files = TrainedRun(run).corpus_files
    recording = open_recording(file)
    assert files.find(recording) is None
    speakers, paths = ("small/s0",), run.manifest["audio_path"]
    files.manifest = run.manifest.assign(
        audio_path=paths.where(run.manifest["id"] != "u1", str(file))
    )
    assert files.find(recording) == CorpusFile(("u1",), speakers, whole=True)
    files.manifest = files.manifest.assign(start=0.0, end=1.0)
    assert files.find(recording) == CorpusFile(("u1",), speakers, whole=False), "a part of it"
    files.manifest = files.manifest.assign(video_path=str(run.directory / "dialogue.avi"))
    assert files.find(recording) == CorpusFile(("u1",), speakers, whole=True), (
        "the times are the dialogue's"
    )
    files.manifest = files.manifest.assign(video_path=str(file))
    found = files.find(recording)
    assert len(found.utterances) == 18 and len(found.speakers) == 3 and not found.whole


def test_given_segments_are_judged_as_given(run, tmp_path):
    write_wav(tmp_path / "long.wav", sound("happy", 4.0))
    recogniser = mmser.load(run.directory)
    table = recogniser.predict(
        tmp_path / "long.wav", segments=[Segment(2.0, 3.0), Segment(0.5, 1.5, text="sad day")]
    )
    assert table["start"].tolist() == [2.0, 0.5] and table["end"].tolist() == [3.0, 1.5]
    assert table["text"].tolist() == ["", "sad day"] and table["modalities"].tolist() == [
        "audio",
        "audio+text",
    ]

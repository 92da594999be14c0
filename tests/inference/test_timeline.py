"""A recording through the run's own extractors: right segments, right features,
missing parts told.
"""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from makers.picture_run import pictures, trained_again
from makers.sound_run import sound, stand_ins
from makers.trained_run import CLASSES

from mmser.cache.fingerprint import transcriber_recipe
from mmser.cli import main
from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError
from mmser.corpora.generic import Generic
from mmser.inference import segment_features, timeline
from mmser.inference.corpus_files import CorpusFiles
from mmser.inference.reader import Reader
from mmser.inference.recording import open_recording, sound_blocks
from mmser.inference.timeline import predict_recording
from mmser.inference.trained import TrainedRun
from mmser.media.decode import decode_clips
from mmser.media.write import write_mp4, write_wav


@pytest.fixture(scope="module")
def seen(picture_run):
    """A run on sound, words and pictures, all of which tell the class; its utterances take .6 s."""
    return picture_run


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    stand_ins(monkeypatch)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Happy from 1 s to 2 s, sad from 3 s to 4 s, silence between."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    waveform = np.concatenate([quiet, sound("happy", 1.0), quiet, sound("sad", 1.0), quiet])
    frames = np.concatenate([pictures(c, s) for c, s in (("happy", 2.5), ("sad", 2.5))])
    write_mp4(path, frames, 10.0, waveform)
    return path


def test_segments_words_and_emotions_of_a_video(seen, video):
    table = predict_recording(seen, video, asr="test")
    assert table["start"].tolist() == pytest.approx([0.9, 2.9], abs=0.08)
    assert table["end"].tolist() == pytest.approx([2.1, 4.1], abs=0.08)
    assert table["prediction"].tolist() == table["text"].tolist() == ["happy", "sad"]
    assert table["modalities"].tolist() == ["audio+text+face"] * 2
    probabilities = table[[f"probability_{name}" for name in CLASSES]].to_numpy()
    assert probabilities.sum(1) == pytest.approx(1)
    assert (
        table[[f"contribution_{kind}" for kind in ("audio", "text", "face")]].notna().all(axis=None)
    )


def test_a_contribution_is_what_leaving_out_changes(seen, video, tmp_path):
    table = predict_recording(seen, video, asr="test")
    without = predict_recording(seen, video)
    assert without["modalities"].tolist() == ["audio+face"] * 2
    row, bare = table.iloc[0], without.iloc[0]
    expected = row["probability_happy"] - bare["probability_happy"]
    assert row["contribution_text"] == pytest.approx(expected, abs=1e-5)
    assert np.isnan(bare["contribution_text"]) and not np.isnan(bare["contribution_face"])


def test_features_are_those_of_the_caches(seen):
    reader = Reader(TrainedRun(seen))
    utterance = next(iter(Generic(seen.directory.parent / "corpus", "small").utterances()))
    clip = decode_clips([utterance], True, True, reader.frame_rate)[0]
    made = reader.features(clip)
    for stream in ("tone", "look"):
        stored = reader.trained._stores[stream].read(utterance.id)
        assert made[stream].values.astype(stored.dtype) == pytest.approx(stored, abs=1e-3, rel=1e-3)


def test_sound_alone(seen, tmp_path):
    write_wav(
        tmp_path / "a.wav",
        np.concatenate([np.zeros(8000, "f4"), sound("angry", 1.0), np.zeros(8000, "f4")]),
    )
    table = predict_recording(seen, tmp_path / "a.wav", asr="test")
    assert table["modalities"].tolist() == ["audio+text"]
    assert table["prediction"].tolist() == ["angry"]
    assert np.isnan(table["contribution_face"][0])


@pytest.fixture(scope="module")
def by_speaker(seen, tmp_path_factory):
    """The same run, its sound normalised per speaker."""
    folder = tmp_path_factory.mktemp("by_speaker") / "run"
    return trained_again(seen, folder, seen.config["streams"], tone={"normalise": "speaker_zscore"})


def test_a_new_speaker_is_normalised_by_the_recording(by_speaker, tmp_path, caplog):
    """A lone segment is scaled by itself: mean 0 and deviation 1, as a known speaker's utterances
    together are.
    """
    write_wav(
        tmp_path / "one.wav",
        np.concatenate([np.zeros(8000, "f4"), sound("happy"), np.zeros(8000, "f4")]),
    )
    batches, make = [], Reader.batch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "batch", lambda *words: batches.append(make(*words)) or batches[-1])
        table = predict_recording(by_speaker, tmp_path / "one.wav")
    assert len(table) == 1 and table["prediction"].notna().all()
    tone = batches[0].streams["tone"]
    assert tone.mask.all()
    assert tone.values[0].mean(0).abs().max() < 1e-3
    assert (tone.values[0].std(0, unbiased=False) - 1).abs().max() < 1e-2
    assert (
        "tone: normalised per speaker, a new one by the 1 segment of the recording" in caplog.text
    )


def test_a_silent_video_needs_no_scale_of_its_sound(by_speaker, tmp_path):
    write_mp4(tmp_path / "silent.mp4", pictures("sad", 2.0), 10.0, None)
    table = predict_recording(by_speaker, tmp_path / "silent.mp4", window=1.0)
    assert list(table["modalities"]) == ["face", "face"]


def test_silent_video_is_cut_into_windows(seen, tmp_path):
    frames = np.concatenate([pictures("happy", 2.0), pictures("sad", 2.0)])
    write_mp4(tmp_path / "silent.mp4", frames, 10.0, None)
    table = predict_recording(seen, tmp_path / "silent.mp4", asr="test", window=2.0)
    assert table["start"].tolist() == [0.0, 2.0]
    assert table["modalities"].tolist() == ["face", "face"]
    assert table["prediction"].tolist() == ["happy", "sad"]
    assert table["contribution_face"].isna().all()


def test_a_long_recording_takes_no_more_memory(seen, tmp_path, monkeypatch):
    monkeypatch.setattr(
        CorpusFiles, "find", lambda *_: None
    )  # its content is read in blocks of 1 MB
    peaks = []
    for name, times in (("short", 3), ("long", 24)):
        quiet = np.zeros(SAMPLE_RATE // 2, np.float32)
        write_wav(
            tmp_path / f"{name}.wav", np.tile(np.concatenate([sound("happy", 1.0), quiet]), times)
        )
        tracemalloc.start()
        assert len(predict_recording(seen, tmp_path / f"{name}.wav")) == times
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Eight times the sound is 2 MB of samples more; what grows is the table and the plan of cuts.
    assert peaks[1] - peaks[0] < 1_000_000


def test_what_cannot_be_read_is_told(seen, tmp_path):
    with pytest.raises(MmserError, match="a video or sound file"):
        predict_recording(seen, tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MmserError, match="holds no known audio or video format"):
        predict_recording(seen, tmp_path / "text.mp4")
    write_wav(tmp_path / "quiet.wav", np.zeros(SAMPLE_RATE, "f4"))
    with pytest.raises(MmserError, match=r"speech in quiet\.wav; found none"):
        predict_recording(seen, tmp_path / "quiet.wav")


def test_another_cache_than_the_run_was_trained_on(seen, monkeypatch):
    monkeypatch.setitem(seen.environment["caches"], "tone", "0" * 12)
    with pytest.raises(
        MmserError, match=r"the run was trained on, mfcc13-000000000000 .* found only .*mfcc13-"
    ):
        Reader(TrainedRun(seen))


def test_recordings(video, tmp_path):
    recording = open_recording(video)
    assert recording.audio and recording.video
    assert recording.seconds == pytest.approx(5.0, abs=0.1)
    heard = np.concatenate([samples for _, samples in sound_blocks(recording)])
    assert len(heard) == pytest.approx(5 * SAMPLE_RATE, rel=0.02)


def test_the_command(seen, video, tmp_path, capsys):
    assert (
        main(
            [
                "predict",
                f"run={seen.directory}",
                str(video),
                "--asr",
                "test",
                "--out",
                str(tmp_path),
            ]
        )
        == 0
    )
    text = capsys.readouterr().out
    assert "clip.mp4: 2 segments" in text and "[happy" in text and "audio +" in text
    assert (tmp_path / "clip.srt").read_text().startswith("1\n00:00:0")


class Listener:
    """A recogniser of which nothing but its settings matters."""

    name = "pocketsphinx"

    def __init__(self, model):
        self.model = model

    def parameters(self):
        return {"model": self.model}


@pytest.mark.parametrize(("model", "told"), [("trained on", False), ("another", True)])
def test_another_recogniser_than_the_runs_is_told(monkeypatch, caplog, model, told):
    monkeypatch.setattr(timeline, "make_transcriber", lambda name, settings: Listener(model))
    words = {"source": "pocketsphinx"}
    heard_by = transcriber_recipe("transcript", Listener("trained on"), "pocketsphinx").fingerprint
    known = {"modalities": {"text": ("prose",)}, "transcript": words | {"fingerprint": heard_by}}
    reader = SimpleNamespace(trained=SimpleNamespace(weights="weights"), **known)
    assert timeline.find_transcriber(reader, None).model == model
    assert ("trained on what pocketsphinx heard with other settings" in caplog.text) == told


def test_faces_decoded_at_two_rates_are_refused(seen):
    trained = TrainedRun(seen)
    reader = Reader(trained)
    assert reader.frame_rate == 3.0
    look = reader._sources["look"]
    other = replace(
        look,
        info={**look.info, "parameters": {**look.info["parameters"], "decoded_frame_rate": 5.0}},
    )
    reader._sources = {**reader._sources, "second": other}
    with pytest.raises(MmserError, match="found 3 and 5 per second"):
        _ = reader.frame_rate


def test_sound_is_decoded_at_the_rates_that_extractors_and_recogniser_hear(
    seen, video, monkeypatch
):
    asked = []
    decoded = segment_features.clips_of

    def recording_clips(*arguments, **options):
        asked.append(options["sample_rates"])
        return decoded(*arguments, **options)

    monkeypatch.setattr(segment_features, "clips_of", recording_clips)
    predict_recording(seen, video)
    assert Reader(TrainedRun(seen)).sample_rates == asked.pop() == [SAMPLE_RATE]
    monkeypatch.setattr(Reader, "sample_rates", [22_050])
    predict_recording(seen, video, asr="test")
    assert asked == [[SAMPLE_RATE, 22_050]]


def test_channels_in_opposite_phase_are_judged_as_one_and_told(seen, tmp_path, caplog):
    speech = np.concatenate(
        [np.zeros(SAMPLE_RATE, np.float32), sound("sad", 1.0), np.zeros(SAMPLE_RATE, np.float32)]
    )
    write_wav(tmp_path / "mono.wav", speech)
    write_wav(tmp_path / "opposite.wav", np.stack([speech, -speech]))
    mono, opposite = (
        predict_recording(seen, tmp_path / f"{name}.wav") for name in ("mono", "opposite")
    )
    np.testing.assert_allclose(opposite["start"], mono["start"])
    assert opposite["prediction"].tolist() == mono["prediction"].tolist() == ["sad"]
    told = [record.getMessage() for record in caplog.records if "cancel" in record.getMessage()]
    assert told == ["opposite.wav: the channels cancel each other in the mix: channel 1 of 2 taken"]

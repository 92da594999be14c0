"""`mmser predict` over several recordings: each is done or reported, and none
overwrites another.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.sound_run import sound, stand_ins

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.cli import main
from mmser.core.clip import Features
from mmser.extraction.import_features import MAKER
from mmser.inference import timeline, write
from mmser.inference.recogniser import Recogniser
from mmser.media import decoder
from mmser.media.write import write_wav


@pytest.fixture(scope="module")
def run(sound_run):
    """Its training utterances take .5 to .84 s."""
    return sound_run


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    stand_ins(monkeypatch)


@pytest.fixture
def predict(run, tmp_path, capsys):
    """The command with ``--out out`` -> (exit code, what it printed, its complaints)."""

    def called(*words, out=tmp_path / "out"):
        places = ["--out", str(out)] if out else []
        code = main(["predict", f"run={run.directory}", *map(str, words), "--asr", "test", *places])
        return code, *capsys.readouterr()

    return called


def recording(path, label="happy", seconds=0.6):
    write_wav(path, sound(label, seconds))
    return path


def results(folder):
    return sorted(path.name for path in folder.glob("*.csv"))


def test_a_broken_recording_does_not_stop_the_others(predict, tmp_path):
    good = [recording(tmp_path / "a.wav"), recording(tmp_path / "c.wav", "sad")]
    (tmp_path / "b.mp4").write_bytes(b"no video")
    write_wav(tmp_path / "quiet.wav", np.zeros(16000, "f4"))
    bad = [tmp_path / name for name in ("b.mp4", "quiet.wav", "no.wav")]
    code, printed, complaints = predict(good[0], *bad, good[1])
    assert code == 1
    assert "a.wav: 1 segment\n" in printed and "[happy" in printed
    assert "c.wav: 1 segment\n" in printed and "[sad" in printed
    assert results(tmp_path / "out") == ["a.csv", "c.csv"]
    assert "b.mp4: expected a video or sound file" in complaints
    assert "quiet.wav: expected speech in quiet.wav; found none" in complaints
    assert "no.wav" in complaints and "3 of 5 recordings could not be judged" in complaints
    assert "Traceback" not in complaints


def test_a_recording_over_which_the_decoder_dies_does_not_stop_the_others(
    predict, tmp_path, monkeypatch
):
    program = Path(__file__).parent.parent / "media" / "dying_decoder.py"
    monkeypatch.setattr(decoder, "PROGRAM", (sys.executable, str(program), "plain"))
    files = [recording(tmp_path / f"{name}.wav") for name in ("a", "crash", "third", "c")]
    code, _, complaints = predict(*files)
    assert code == 1 and results(tmp_path / "out") == ["a.csv", "c.csv", "third.csv"]
    assert "crash.wav, one on which the decoder crashed: ended by SIGSEGV" in complaints.replace(
        "; found", ","
    )
    assert "1 of 4 recordings could not be judged" in complaints


def test_where_only_the_detector_hears_nothing_the_recording_is_judged_as_one(
    predict, tmp_path, caplog
):
    write_wav(tmp_path / "soft.wav", 0.05 * sound("sad", 3.0))
    code, printed, _ = predict(tmp_path / "soft.wav")
    assert code == 0 and "0.00 to    3.00 s  [" in printed
    assert "no speech was found: judged as a whole" in caplog.text
    long = np.tile(0.05 * sound("sad", 3.0), 6)
    write_wav(tmp_path / "long.wav", long)
    _, printed, _ = predict(tmp_path / "long.wav", "--window", "6")
    assert "long.wav: 3 segments" in printed


def test_a_segment_ends_with_the_recording(predict, tmp_path):
    recording(tmp_path / "a.wav", seconds=4.0)
    code, printed, _ = predict(tmp_path / "a.wav")
    assert code == 0 and " to    4.00 s" in printed
    assert pd.read_csv(tmp_path / "out" / "a.csv")["end"].tolist() == [4.0]


@pytest.mark.parametrize("seconds", [0.6, 4.0])
def test_a_sample_that_is_no_number_is_one_error(predict, tmp_path, seconds):
    samples = sound("happy", seconds)
    samples[len(samples) // 2] = np.nan
    write_wav(tmp_path / "nan.wav", samples, kind="float32")
    code, printed, complaints = predict(tmp_path / "nan.wav")
    assert code == 1 and not printed and complaints.count("mmser predict:") == 1
    assert "not finite: the audio holds NaN or infinite samples" in complaints
    assert seconds < 1 or "the first at 2.00 s" in complaints


def test_two_recordings_of_one_name_are_both_kept(predict, tmp_path):
    for session, label in (("session_a", "happy"), ("session_b", "sad")):
        recording(tmp_path / session / "interview.wav", label)
    code, printed, _ = predict(
        *(tmp_path / s / "interview.wav" for s in ("session_a", "session_b"))
    )
    assert code == 0 and results(tmp_path / "out") == [
        "session_a-interview.csv",
        "session_b-interview.csv",
    ]
    kept = pd.read_csv(tmp_path / "out" / "session_a-interview.csv")
    assert kept["prediction"].tolist() == ["happy"]
    assert str(tmp_path / "session_a" / "interview.wav") in printed


def test_sound_and_video_of_one_name_are_both_kept_beside_each_other(predict, tmp_path):
    recording(tmp_path / "talk.wav", "happy")
    shutil.copy(recording(tmp_path / "other.wav", "sad"), tmp_path / "talk.flac")
    (tmp_path / "other.wav").unlink()
    code, _, _ = predict(tmp_path / "talk.wav", tmp_path / "talk.flac", out=None)
    assert code == 0 and results(tmp_path) == ["talk.flac.csv", "talk.wav.csv"]


def test_a_transcript_of_somebody_else_is_not_replaced(predict, tmp_path):
    recording(tmp_path / "talk.wav")
    (tmp_path / "talk.srt").write_text("mine")
    code, printed, complaints = predict(tmp_path / "talk.wav", out=None)
    assert code == 1 and not printed and "found talk.srt" in complaints
    assert (tmp_path / "talk.srt").read_text() == "mine" and not results(tmp_path)
    (tmp_path / "talk.srt").unlink()
    assert predict(tmp_path / "talk.wav", out=None)[0] == 0
    assert predict(tmp_path / "talk.wav", out=None)[0] == 0, "its own results it writes again"


def test_where_nothing_can_be_written_is_told_before_any_work(predict, tmp_path, monkeypatch):
    file = recording(tmp_path / "talk.wav")
    code, printed, complaints = predict(file, out=file)
    assert code == 1 and not printed and "talk.wav, which is no folder" in complaints
    monkeypatch.setattr("os.access", lambda path, mode: False)
    code, printed, complaints = predict(file, out=tmp_path / "deep" / "out")
    assert code == 1 and not printed and f"no permission to write to {tmp_path}." in complaints


def test_a_long_recording_shows_how_far_it_is(predict, tmp_path, monkeypatch):
    monkeypatch.setattr(timeline, "LONG", 2.0)
    recording(tmp_path / "a.wav", seconds=3.0)
    _, _, lines = predict(tmp_path / "a.wav")
    assert "a.wav: speech: 3/3 s," in lines and "a.wav: judged: 1/1 segments," in lines
    monkeypatch.setattr(timeline, "LONG", 4.0)
    _, _, lines = predict(tmp_path / "a.wav")
    assert "3/3" not in lines


def test_a_folder_is_every_recording_below_it_once(predict, tmp_path):
    recording(tmp_path / "in" / "b" / "two.wav")
    recording(tmp_path / "in" / "a" / "one.WAV", "sad")
    recording(tmp_path / "elsewhere" / "three.wav")
    recording(tmp_path / "in" / "a" / "._one.wav")
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    code, printed, _ = predict(tmp_path / "in", tmp_path / "elsewhere" / "three.wav")
    assert code == 0
    order = [line.partition(":")[0] for line in printed.splitlines() if "segment" in line]
    assert order == ["one.WAV", "two.wav", "three.wav"]
    (tmp_path / "empty").mkdir()
    code, _, complaints = predict(tmp_path / "empty")
    assert code == 1 and "expected sound or video files below" in complaints


def test_names_of_any_bytes_and_scripts(predict, tmp_path):
    first = recording(tmp_path / "plain.wav")
    names = [b"K\xf6ln.wav", "心 [1],=.wav".encode()]
    files = [tmp_path / os.fsdecode(name) for name in names]
    for file in files:
        shutil.copy(first, file)
        file.write_bytes(first.read_bytes() + file.name.encode(errors="ignore"))
    code, printed, _ = predict(*files)
    assert (
        code == 0
        and "K\\udcf6ln.wav: 1 segment" in printed
        and "心 [1],=.wav: 1 segment" in printed
    )
    tables = [pd.read_csv(tmp_path / "out" / f"{file.stem}.csv")["id"].tolist() for file in files]
    assert tables == [["K\\udcf6ln-0000"], ["心 [1],=-0000"]]


def test_a_table_of_segments(predict, tmp_path):
    recording(tmp_path / "a.wav", "happy", 3.0)
    recording(tmp_path / "b.wav", "sad", 0.6)
    table = tmp_path / "segments.csv"
    table.write_text("file,start,end,text\na.wav,1,2,\nb.wav,,,sad day\na.wav,0.5,1.5,\n")
    code, printed, _ = predict("--segments", table)
    assert code == 0 and "a.wav: 2 segments" in printed and "[sad" in printed
    assert pd.read_csv(tmp_path / "out" / "a.csv")["start"].tolist() == [1.0, 0.5]
    assert pd.read_csv(tmp_path / "out" / "b.csv")["text"].tolist() == ["sad day"]
    code, printed, _ = predict(tmp_path / "b.wav", "--segments", table, out=tmp_path / "only")
    assert code == 0 and results(tmp_path / "only") == ["b.csv"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,2,1", "0 <= start < end in row 1, column end"),
        ("a.wav,x,1", "seconds in row 1, column start"),
        ("a.wav,1,", "both start and end, or neither in row 1, column end"),
        (",1,2", "a name in row 1, column file"),
        ("a.wav,1,9", "segments inside a.wav, which is 3.00 s long; found one from 1 to 9 s"),
        ("no.wav,1,2", "no.wav"),
    ],
)
def test_a_wrong_row_of_segments_is_told(predict, tmp_path, row, message):
    recording(tmp_path / "a.wav", "happy", 3.0)
    (tmp_path / "segments.csv").write_text(f"file,start,end\n{row}\n")
    code, printed, complaints = predict("--segments", tmp_path / "segments.csv")
    assert code == 1 and not printed and message in complaints


def test_wrong_words_are_told_before_anything_is_done(predict, tmp_path):
    a = recording(tmp_path / "a.wav")
    (tmp_path / "segments.csv").write_text("start,end\n1,2\n")
    assert predict()[0] == 2
    assert predict(a, "--whole", "--segments", tmp_path / "segments.csv")[0] == 2
    assert predict(a, "--window", "0")[0] == 2
    assert predict(a, "--fold", "s9")[0] == 2
    assert "no column file" in predict("--segments", tmp_path / "segments.csv")[2]
    assert "a table of segments" in predict("--segments", tmp_path / "none.csv")[2]
    assert not (tmp_path / "out").exists()


def test_an_interrupted_command_keeps_what_is_done(predict, tmp_path, monkeypatch):
    files = [recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav")]
    writing = write.write_timeline

    def interrupted(table, folder, stem, seen):
        if stem == "b":
            raise KeyboardInterrupt
        return writing(table, folder, stem, seen)

    monkeypatch.setattr(write, "write_timeline", interrupted)
    code, printed, complaints = predict(*files)
    assert code == 130 and "a.wav: 1 segment" in printed
    assert "interrupted; 1 of 2 recordings are written" in complaints and results(
        tmp_path / "out"
    ) == ["a.csv"]


def test_formats_of_annotation_tools_lie_beside_the_others(predict, tmp_path):
    a = recording(tmp_path / "a.wav")
    code, printed, _ = predict(a, "--formats", "textgrid,eaf,audacity,labelstudio")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert code == 0 and "a.labelstudio.json" in printed
    assert names >= {"a.csv", "a.svg", "a.TextGrid", "a.eaf", "a.audacity.txt"}
    before = (tmp_path / "out" / "a.eaf").read_bytes()
    code, _, complaints = predict(a, "--formats", "eaf")
    assert code == 1 and "a.eaf. They are never replaced" in complaints
    assert (tmp_path / "out" / "a.eaf").read_bytes() == before
    assert predict(a, "--formats", "eaf", "--table", tmp_path / "all.csv")[0] == 2


def test_imported_features_are_refused_before_any_work(run, tmp_path, capsys):
    copy = shutil.copytree(run.directory, tmp_path / "run")
    recipe = Recipe("lent", MAKER, 1, {"imported": True}, dtype="float32")
    cache = shutil.copytree(run.directory.parent / "cache", tmp_path / "cache")
    with open_writer(
        store_directory(cache, "small", "lent", "", recipe.fingerprint), recipe
    ) as writer:
        writer.add([Entry("u0", "", Features(np.zeros((3, 13), "f4"), 100.0))])
        writer.finish()
    text = (copy / "config.yaml").read_text().replace("extractor: mfcc13", "extractor: lent")
    (copy / "config.yaml").write_text(text.replace(str(run.directory.parent / "cache"), str(cache)))
    environment = json.loads((copy / "environment.json").read_text())
    environment["caches"]["tone"] = recipe.fingerprint
    (copy / "environment.json").write_text(json.dumps(environment))
    code = main(["predict", f"run={copy}", str(tmp_path / "none.wav")])
    assert code == 1
    complaints = capsys.readouterr().err
    assert "behind stream 'tone', to make the same features" in complaints
    assert "found features imported as lent" in complaints
    assert "none.wav" not in complaints


def test_a_folder_becomes_one_table(predict, tmp_path):
    for name, label in (("a", "happy"), ("b", "sad")):
        recording(tmp_path / "clips" / f"{name}.wav", label)
    code, printed, _ = predict(tmp_path / "clips", "--table", tmp_path / "all.csv", out=None)
    table = pd.read_csv(tmp_path / "all.csv")
    assert code == 0 and "written:" in printed and not results(tmp_path / "clips")
    assert [Path(file).name for file in table["file"]] == ["a.wav", "b.wav"]
    assert list(table["prediction"]) == ["happy", "sad"]


def test_known_speakers_are_told_once_of_many_files(predict, run, tmp_path, caplog):
    own = [run.directory.parent / "corpus" / f"u{number}.wav" for number in range(3)]
    for table in ("a.csv", "b.csv"):
        caplog.clear()
        predict(*own, "--table", tmp_path / table, out=None)
        said = [record.args[-1] for record in caplog.records if "own corpus" in record.msg]
        assert said and len(said) == len(set(said)) < len(own)


def test_an_interrupted_table_goes_on(predict, tmp_path, monkeypatch):
    for name, label in (("a", "happy"), ("b", "sad"), ("c", "happy")):
        recording(tmp_path / "clips" / f"{name}.wav", label)
    predict(tmp_path / "clips", "--table", tmp_path / "whole.csv", out=None)
    judged, predict_one = [], Recogniser.predict

    def interrupted_at(name):
        def judge(recogniser, path, *arguments, **options):
            if path.name == name:
                raise KeyboardInterrupt
            judged.append(path.name)
            return predict_one(recogniser, path, *arguments, **options)

        monkeypatch.setattr(Recogniser, "predict", judge)

    again = (tmp_path / "clips", "--table", tmp_path / "all.csv")
    interrupted_at("c.wav")
    code, _, complaints = predict(*again, out=None)
    assert code == 130 and "interrupted; 2 of 3 recordings are written" in complaints
    # What has changed since is judged again; so is all of it by other options.
    write_wav(tmp_path / "clips" / "b.wav", sound("sad", 0.61))
    write_wav(tmp_path / "clips" / "b.wav", sound("sad", 0.6))
    interrupted_at("")
    judged.clear()
    code, printed, _ = predict(*again, out=None)
    assert code == 0 and judged == ["b.wav", "c.wav"] and "1 of 3 recordings were judged" in printed
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*.csv*")) == ["all.csv", "whole.csv"]
    interrupted_at("c.wav")
    predict(*again, out=None)
    interrupted_at("")
    judged.clear()
    predict(*again, "--whole", out=None)
    assert judged == ["a.wav", "b.wav", "c.wav"]


def test_a_table_bears_names_of_any_bytes(predict, tmp_path):
    name = os.fsdecode(b"c\xff.wav")
    recording(tmp_path / "clips" / name)
    code, _, complaints = predict(tmp_path / "clips", "--table", tmp_path / "all.csv", out=None)
    assert code == 0 and not complaints
    assert list(pd.read_csv(tmp_path / "all.csv")["file"]) == [f"{tmp_path}/clips/c\\udcff.wav"]


def test_a_table_that_cannot_be_written_loses_nothing(predict, tmp_path, monkeypatch):
    recording(tmp_path / "clips" / "a.wav")
    again = (tmp_path / "clips", "--table", tmp_path / "all.csv")

    def full(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mmser.inference.recordings_table.write_bytes", full)
        assert predict(*again, out=None)[0] == 1
    _, printed, _ = predict(*again, out=None)
    assert "1 of 1 recordings were judged before" in printed
    assert len(pd.read_csv(tmp_path / "all.csv")) == 1 and not list(tmp_path.glob("*.unfinished"))


def test_a_table_of_recordings_is_scored_where_it_has_labels(predict, tmp_path):
    for name, label in (("a", "happy"), ("b", "sad"), ("c", "sad"), ("d", "happy")):
        recording(tmp_path / f"{name}.wav", label)
    rows = [["Filename", "Label", "Speaker"], ["a.wav", "joy", "x"], ["b.wav", "sadness", "y"]]
    rows += [["c.wav", "", "y"], ["d.wav", "furious", "y"]]
    (tmp_path / "clips.csv").write_text("\n".join(";".join(row) for row in rows))
    code, printed, complaints = predict(tmp_path / "clips.csv", out=None)
    table = pd.read_csv(tmp_path / "clips-predictions.csv")
    assert code == 0 and len(table) == 4 and list(table["speaker"]) == ["x", "y", "y", "y"]
    assert "2 utterances, 2 speakers" in printed and "UA" in printed
    assert "furious" in complaints


def test_stretches_that_begin_together_are_scored(predict, tmp_path):
    recording(tmp_path / "a.wav", seconds=2.0)
    (tmp_path / "all.csv").write_text("file,start,end,label\na.wav,0,1,happy\na.wav,0,2,happy\n")
    code, printed, complaints = predict(tmp_path / "all.csv", out=None)
    assert code == 0 and "2 utterances" in printed and not complaints


def test_a_score_over_voices_that_were_trained_on_is_called_no_test(
    predict, run, tmp_path, monkeypatch
):
    own = [run.directory.parent / "corpus" / f"u{number}.wav" for number in (0, 6)]
    new = recording(tmp_path / "new.wav")
    rows = [f"{path},happy" for path in (*own, new)]
    (tmp_path / "clips.csv").write_text("\n".join(["file,emotion", *rows]))
    _, printed, _ = predict(tmp_path / "clips.csv", out=None)
    assert "NOT A TEST: 2 of these 3 are of speakers that the models were trained on" in printed
    _, printed, _ = predict(tmp_path / "clips.csv", "--fold", "s0", out=None)
    assert "NOT A TEST: 1 of these 3" in printed, "s0 has not heard its own test speaker"

    # One that goes on after an interruption knows it of what was judged before.
    predict_one = Recogniser.predict

    def interrupted(recogniser, path, *arguments, **options):
        if path.name == "new.wav":
            raise KeyboardInterrupt
        return predict_one(recogniser, path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Recogniser, "predict", interrupted)
        assert predict(tmp_path / "clips.csv", out=None)[0] == 130
    _, printed, _ = predict(tmp_path / "clips.csv", out=None)
    assert "2 of 3 recordings were judged before" in printed
    assert "NOT A TEST: 2 of these 3" in printed


def test_a_broken_recording_of_a_table_does_not_stop_the_others(predict, tmp_path):
    recording(tmp_path / "a.wav")
    (tmp_path / "clips.csv").write_text("file,emotion\na.wav,happy\ngone.wav,sad\n")
    code, _, complaints = predict(tmp_path / "clips.csv", out=None)
    assert code == 1 and "gone.wav" in complaints
    assert len(pd.read_csv(tmp_path / "clips-predictions.csv")) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [("name,emotion\nx,sad\n", "Call it file"), ("file,emotion\n,sad\n", "row 1")],
)
def test_a_table_without_files_is_told(predict, tmp_path, content, message):
    (tmp_path / "clips.csv").write_text(content)
    code, _, complaints = predict(tmp_path / "clips.csv", out=None)
    assert code == 1 and message in complaints


def test_a_table_stands_alone(predict, tmp_path):
    (tmp_path / "clips.csv").write_text("file\na.wav\n")
    assert predict(tmp_path / "clips.csv", tmp_path / "a.wav", out=None)[0] == 2


def test_a_page_for_each_recording(predict, tmp_path):
    files = [recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav", "sad")]
    code, printed, _ = predict(*files, "--html")
    assert code == 0 and "a.svg, a.html" in printed
    page = (tmp_path / "out" / "b.html").read_text(encoding="utf-8")
    assert "data:audio/wav" in page and 'data-start="0.000"' in page and "<td>sad</td>" in page
    predict(*files)
    (tmp_path / "out" / "a.csv").unlink()
    for suffix in ("json", "srt", "vtt", "svg"):
        (tmp_path / "out" / f"a.{suffix}").unlink()
    # A page that is nobody's of ours is replaced by none, and stops nobody who asks for none.
    assert predict(files[0], "--html")[0] == 1 and predict(files[0])[0] == 0
    assert predict(files[0], "--html", "--table", tmp_path / "all.csv")[0] == 2


def test_the_pages_are_listed(predict, tmp_path):
    recording(tmp_path / "clips" / "one & two.wav")
    recording(tmp_path / "clips" / "deep" / "b.wav", "sad")
    recording(Path(os.fsdecode(bytes(tmp_path / "clips") + b"/c\xff.wav")))
    (tmp_path / "clips" / "recordings.html").write_text("mine")
    code, _, complaints = predict(tmp_path / "clips", "--html", out=None)
    assert code == 1 and "room for the list of pages" in complaints
    assert not list((tmp_path / "clips").rglob("*.csv")), "told before any work"
    (tmp_path / "clips" / "recordings.html").unlink()
    for _ in range(2):  # a page of ours is written anew
        code, printed, _ = predict(tmp_path / "clips", "--html", out=None)
        assert code == 0 and "all pages: " in printed
    page = (tmp_path / "clips" / "recordings.html").read_text(encoding="utf-8")
    assert '<a href="one%20%26%20two.html">one &amp; two.wav</a>' in page
    assert '<a href="deep/b.html">b.wav</a>' in page and "1 segment: sad 1 s" in page
    assert '<a href="c%FF.html">' in page


def test_a_folder_becomes_a_database_in_audformat(predict, tmp_path):
    audformat = pytest.importorskip("audformat")
    for label in ("happy", "sad"):
        recording(tmp_path / "clips" / f"{label}.wav", label)
    code, printed, _ = predict(tmp_path / "clips", "--audformat", tmp_path / "clips", out=None)
    assert code == 0 and f"written: {tmp_path / 'clips'}" in printed
    table = audformat.Database.load(str(tmp_path / "clips"))["predictions"].get()
    assert table["emotion"].tolist() == ["happy", "sad"]
    assert list(table.index.get_level_values("file")) == ["happy.wav", "sad.wav"]
    assert main(["manifest", str(tmp_path / "clips"), "--speaker", "x"]) == 0
    read = pd.read_csv(tmp_path / "clips/manifest.csv")
    assert read["emotion"].tolist() == ["happy", "sad"]
    assert read["confidence"].tolist() == pytest.approx(table["confidence"].tolist())
    code, _, complaint = predict(tmp_path / "clips", "--audformat", tmp_path / "clips", out=None)
    assert code == 1 and "no database yet" in complaint
    assert predict(tmp_path / "clips", "--audformat", "x", "--formats", "eaf", out=None)[0] == 2

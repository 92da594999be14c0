"""The pipeline: what is decoded how often, what is done again, and what becomes of every kind of
bad clip.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.cache.store import Store, find_store
from mmser.cache.transcripts import TranscriptStore
from mmser.core.clip import Failure, Features, Transcript
from mmser.core.errors import MmserError, UsageError
from mmser.core.utterance import Utterance, Word
from mmser.core.weights import Weights
from mmser.corpora.manifest import read_manifest
from mmser.extraction import decoding
from mmser.extraction import workers as worker_handles
from mmser.extraction.preprocess import preprocess
from mmser.extractors.text.tokens import Tokens
from mmser.media.write import write_mp4, write_wav

RNG = np.random.default_rng(0)
NOISE = (RNG.normal(size=8000) * 0.1).astype(np.float32)
PICTURES = RNG.integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)


class Listed:
    name = "listed"

    def __init__(self, utterances: list[Utterance]) -> None:
        self.listed = utterances

    def utterances(self):
        return iter(self.listed)


class Loudness:
    """(time, 2) from the sound; ``breaks_on`` is an utterance at which it falls over."""

    modality = "audio"
    dtype = "float16"
    gives = "features"
    feature_size = 2
    version = 1
    sample_rate = 16_000
    checkpoint = None

    def __init__(self, gain: float = 1.0, breaks_on: str = "") -> None:
        self.gain, self.breaks_on = gain, breaks_on
        self.batches: list[list[str]] = []

    def parameters(self):
        return {"gain": self.gain}

    def extract(self, clips):
        self.batches.append([clip.id for clip in clips])
        if self.breaks_on in [clip.id for clip in clips]:
            raise RuntimeError("kernel size cannot be greater than the input")
        return [
            Features(
                clip.waveform[: len(clip.waveform) // 2 * 2].reshape(-1, 2) * self.gain, 8000.0
            )
            for clip in clips
        ]


class Brightness:
    """(time, 1) from the pictures; black ones hold no face."""

    modality = "face"
    dtype = "float32"
    gives = "features"
    feature_size = 1
    version = 1
    sample_rate = None
    checkpoint = None

    def parameters(self):
        return {}

    def extract(self, clips):
        results = []
        for clip in clips:
            values = (
                clip.frames.reshape(len(clip.frames), -1).mean(1, keepdims=True).astype(np.float32)
            )
            results.append(
                Features(values, clip.frame_rate)
                if values.max() > 20
                else Failure(clip.id, "no face")
            )
        return results


class Letters:
    modality = "text"
    dtype = "int32"
    gives = "characters"
    feature_size = 1
    version = 1
    sample_rate = None
    checkpoint = None

    def parameters(self):
        return {}

    def extract(self, clips):
        return [
            Features(np.array([ord(letter) for letter in clip.transcript.text], np.int32))
            if clip.transcript.text
            else Failure(clip.id, "empty transcript")
            for clip in clips
        ]


class Asr:
    name = "asr-tiny"

    def __init__(self, beam: int = 1) -> None:
        self.beam, self.heard = beam, 0

    def parameters(self):
        return {"beam": self.beam}

    def transcribe(self, waveforms):
        self.heard += len(waveforms)
        return [
            Transcript(f"heard {len(w)}", self.name, (Word("heard", 0.0, 0.1, 0.5),))
            for w in waveforms
        ]


def utterance(name: str, path: Path | None, **facts) -> Utterance:
    media = (
        {"video_path": path} if path is not None and path.suffix == ".mp4" else {"audio_path": path}
    )
    return Utterance(
        **({"id": name, "corpus": "listed", "speaker": "s", "transcript": "ja"} | media | facts)
    )


def videos(folder: Path, count: int = 5) -> list[Utterance]:
    made = []
    for number in range(count):
        path = folder / f"v{number}.mp4"
        write_mp4(path, PICTURES, 6.0, NOISE[: 8000 + number] * (1 + number))
        made.append(utterance(f"v{number}", path))
    return made


def run(utterances: list[Utterance], cache: Path, extractors=None, **facts) -> pd.DataFrame:
    extractors = extractors or {
        "loudness": Loudness(),
        "brightness": Brightness(),
        "letters": Letters(),
    }
    return preprocess(Listed(utterances), extractors, cache, progress=False, **facts).set_index(
        "extractor"
    )


def failures(cache: Path, name: str) -> dict[str, str]:
    index = Store(find_store(cache, "listed", name)).index
    return dict(
        zip(index.id[index.status == "failed"], index.error[index.status == "failed"], strict=True)
    )


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool, bool]]:
    """(file, sound wanted, pictures wanted) of every pass through a file."""
    passes = []
    here, apart = decoding.stream_clips, worker_handles.Workers._asked

    def note(utterances, want_audio, want_frames):
        passes.append(
            (utterances[0].video_path or utterances[0].audio_path, want_audio, want_frames)
        )

    def counted_here(utterances, want_audio, want_frames, frame_rate, **options):
        note(utterances, want_audio, want_frames)
        return here(utterances, want_audio, want_frames, frame_rate, **options)

    def counted_apart(self, worker, requests, *arguments, **options):
        for request in requests:
            note(request.utterances, request.audio, request.frames)
        return apart(self, worker, requests, *arguments, **options)

    monkeypatch.setattr(decoding, "stream_clips", counted_here)
    monkeypatch.setattr(worker_handles.Workers, "_asked", counted_apart)
    return passes


@pytest.mark.parametrize("workers", [0, 2])
def test_one_pass_per_file_fills_every_store(tmp_path: Path, decoded, workers: int):
    made = videos(tmp_path)
    table = run(made, tmp_path / "cache", workers=workers)
    assert sorted(decoded) == sorted((u.video_path, True, True) for u in made)
    assert list(table.done) == [5, 5, 5] and list(table.failed) == [0, 0, 0]
    store = Store(table.directory["brightness"])
    assert store.frame_rate("v3") == 3.0 and store.read("v3").dtype == np.float32
    assert store.info["parameters"] == {"decoded_frame_rate": 3.0, "decoded_pictures": "on screen"}
    assert (
        Store(find_store(tmp_path / "cache", "listed", "loudness")).read("v0").dtype == np.float16
    )
    assert list(read_manifest(tmp_path / "cache" / "listed" / "manifest.parquet").id) == [
        u.id for u in made
    ]


def test_a_second_run_decodes_nothing_and_changes_no_byte(tmp_path: Path, decoded):
    made = videos(tmp_path)
    run(made, tmp_path / "cache")
    before = {
        path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.*") if path.is_file()
    }
    decoded.clear()
    assert list(run(made, tmp_path / "cache").done) == [5, 5, 5]
    assert decoded == []
    assert {
        path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.*") if path.is_file()
    } == before


def test_only_what_is_wanted_is_decoded(tmp_path: Path, decoded):
    made = videos(tmp_path, 2)
    run(made, tmp_path / "cache", {"letters": Letters()})
    assert decoded == []
    run(made, tmp_path / "cache", {"loudness": Loudness()})
    assert [wants for _, *wants in decoded] == [[True, False]] * 2
    decoded.clear()
    run(made, tmp_path / "cache")
    assert [wants for _, *wants in decoded] == [[False, True]] * 2


def test_changed_media_and_new_utterances_are_extracted_and_nothing_else(tmp_path: Path, decoded):
    made = videos(tmp_path, 4)
    run(made[:3], tmp_path / "cache")
    write_mp4(made[1].video_path, PICTURES[::-1], 6.0, -NOISE)
    decoded.clear()
    table = run(made, tmp_path / "cache")
    assert [path.name for path, *_ in decoded] == ["v1.mp4", "v3.mp4"]
    assert list(table.done) == [4, 4, 4]


def test_changed_words_are_extracted_again(tmp_path: Path):
    made = videos(tmp_path, 2)
    run(made, tmp_path / "cache")
    table = run([made[0], replace(made[1], transcript="nein")], tmp_path / "cache")
    assert len(Store(table.directory["letters"]).read("v1")) == 4


def test_another_parameter_leaves_the_old_store_alone(tmp_path: Path):
    made = videos(tmp_path, 2)
    old = Path(run(made, tmp_path / "cache", {"loudness": Loudness(1.0)}).directory["loudness"])
    before = {path: path.read_bytes() for path in old.iterdir()}
    new = Path(run(made, tmp_path / "cache", {"loudness": Loudness(2.0)}).directory["loudness"])
    assert new != old and {path: path.read_bytes() for path in old.iterdir()} == before
    np.testing.assert_allclose(
        Store(new).read("v0"), 2 * Store(old).read("v0").astype(np.float32), rtol=2e-3, atol=1e-4
    )


def test_batches_have_neighbouring_lengths(tmp_path: Path):
    made = []
    for number, samples in enumerate(RNG.permutation(np.arange(400, 7600, 200))):
        path = tmp_path / f"{number}.wav"
        write_wav(path, NOISE[:samples])
        made.append(utterance(f"u{number}", path))
    loudness = Loudness()
    run(made, tmp_path / "cache", {"loudness": loudness})
    store = Store(find_store(tmp_path / "cache", "listed", "loudness"))
    # Threads take the longest batch first; a clip by itself warms them up.
    batches = sorted(
        filter(lambda batch: len(batch) > 1, loudness.batches),
        key=lambda batch: store.length(batch[0]),
    )
    assert [len(batch) for batch in batches] == [16, 16, 4]
    ends = [(store.length(batch[0]), store.length(batch[-1])) for batch in batches]
    assert all(earlier[1] < later[0] for earlier, later in pairwise(ends))
    assert list(store.ids) == [u.id for u in made]


def test_turns_of_one_dialogue_with_their_own_sound_files(tmp_path: Path, decoded):
    write_mp4(tmp_path / "d.mp4", np.repeat(PICTURES, 4, axis=0), 6.0, None)
    made = []
    for turn in (2, 0, 1):
        write_wav(tmp_path / f"t{turn}.wav", NOISE)
        made.append(
            utterance(
                f"t{turn}",
                tmp_path / "d.mp4",
                audio_path=tmp_path / f"t{turn}.wav",
                start=turn,
                end=turn + 0.5,
            )
        )
    table = run(made, tmp_path / "cache")
    assert len(decoded) == 1 and list(table.done) == [3, 3, 3]
    assert Store(table.directory["brightness"]).ids == ("t0", "t1", "t2")


def test_asr_words_are_cached_once_and_read_by_text_extractors(tmp_path: Path, decoded):
    made, asr = videos(tmp_path, 3), Asr()
    table = run(
        made, tmp_path / "cache", {"letters": Letters(), "loudness": Loudness()}, transcriber=asr
    )
    assert list(table.index) == ["transcript@asr-tiny", "letters@asr-tiny", "loudness"]
    assert len(decoded) == 3 and asr.heard == 3
    transcripts = TranscriptStore(find_store(tmp_path / "cache", "listed", "transcript@asr-tiny"))
    heard = transcripts.read("v1")
    assert heard.source == "asr-tiny" and heard.words == (Word("heard", 0.0, 0.1, 0.5),)
    letters = Store(find_store(tmp_path / "cache", "listed", "letters@asr-tiny"))
    assert "".join(map(chr, letters.read("v1"))) == heard.text
    assert letters.info["transcript"]["source"] == "asr-tiny"
    run(made, tmp_path / "cache", {"letters": Letters()}, transcriber=asr)
    assert asr.heard == 3
    other = run(
        made, tmp_path / "cache", {"letters": Letters()}, transcriber=Asr(beam=5), transcript="big"
    )
    assert set(other.index) == {"transcript@big", "letters@big"}


def test_text_from_asr_without_a_transcriber(tmp_path: Path):
    with pytest.raises(
        UsageError, match="expected a transcriber for transcript=whisper; found none"
    ):
        run(videos(tmp_path, 1), tmp_path / "cache", transcript="whisper")


def bad_clips(folder: Path) -> list[Utterance]:
    """One clip per way to be bad, each named by what is bad about it; "good" is good."""
    write_mp4(folder / "good.mp4", PICTURES, 6.0, NOISE)
    write_mp4(folder / "mute.mp4", PICTURES, 6.0, None)
    write_mp4(folder / "blind.mp4", None, 6.0, NOISE)
    write_mp4(folder / "silent.mp4", PICTURES, 6.0, NOISE * 0)
    write_mp4(folder / "faceless.mp4", PICTURES * 0, 6.0, NOISE)
    write_wav(
        folder / "nan.wav",
        np.where(np.arange(8000) == 9, np.nan, NOISE).astype(np.float32),
        kind="float32",
    )
    write_wav(folder / "sound.wav", NOISE)
    (folder / "wrong-extension.mp4").write_bytes((folder / "sound.wav").read_bytes())
    (folder / "text.mp4").write_text("a text file " * 99)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "cut.mp4").write_bytes((folder / "good.mp4").read_bytes()[:3000])
    names = [
        "good",
        "mute",
        "blind",
        "silent",
        "faceless",
        "wrong-extension",
        "text",
        "empty",
        "cut",
        "absent",
    ]
    made = [utterance(name, folder / f"{name}.mp4") for name in names]
    made += [utterance("nan", folder / "nan.wav"), utterance("nowhere", None)]
    made += [utterance("wordless", folder / "good.mp4", transcript=None)]
    made += [utterance("speechless", folder / "good.mp4", transcript="")]
    return [*made, utterance("backwards", folder / "good.mp4", start=0.4, end=0.2)]


AUDIO_FAILURES = {
    "mute": "no audio track",
    "silent": "silence",
    "text": "not a media file",
    "empty": "zero length",
    "cut": "truncated",
    "absent": "missing file",
    "nan": "not finite",
    "nowhere": "no audio track",
    "backwards": "zero length",
}
FACE_FAILURES = {
    "blind": "no video track",
    "faceless": "no face",
    "wrong-extension": "no video track",
    "text": "not a media file",
    "empty": "zero length",
    "cut": "truncated",
    "absent": "missing file",
    "nan": "no video track",
    "nowhere": "no video track",
    "backwards": "zero length",
}


@pytest.mark.parametrize("workers", [0, 2])
def test_every_bad_clip_is_in_the_ledger_of_the_stores_it_concerns(tmp_path: Path, workers: int):
    made = bad_clips(tmp_path)
    table = run(made, tmp_path / "cache", max_failures=1.0, workers=workers)
    assert failures(tmp_path / "cache", "loudness") == AUDIO_FAILURES
    assert failures(tmp_path / "cache", "brightness") == FACE_FAILURES
    assert failures(tmp_path / "cache", "letters") == {
        "wordless": "empty transcript",
        "speechless": "empty transcript",
    }
    assert list(table.failed) == [9, 10, 2] and list(table.done) == [6, 5, 13]
    assert "no audio track 2" in table.reasons["loudness"]


def test_bad_sound_leaves_no_words_either(tmp_path: Path):
    run(
        bad_clips(tmp_path),
        tmp_path / "cache",
        {"letters": Letters()},
        transcriber=Asr(),
        max_failures=1.0,
    )
    assert failures(tmp_path / "cache", "letters@asr-tiny") == AUDIO_FAILURES


def test_too_many_failures_are_an_error_after_everything_is_stored(tmp_path: Path):
    made = bad_clips(tmp_path)
    with pytest.raises(
        MmserError,
        match=r"at most 50% of the utterances to fail; found loudness: 9 of 15 .*silence 1",
    ):
        run(made, tmp_path / "cache")
    assert "good" in Store(find_store(tmp_path / "cache", "listed", "loudness"))


def test_a_clip_that_breaks_an_extractor_does_not_break_its_batch(tmp_path: Path):
    made = videos(tmp_path, 4)
    run(made, tmp_path / "cache", {"loudness": Loudness(breaks_on="v2")})
    index = Store(find_store(tmp_path / "cache", "listed", "loudness")).index.set_index("id")
    assert list(index.status) == ["ok", "ok", "failed", "ok"]
    assert index.detail["v2"] == "RuntimeError: kernel size cannot be greater than the input"
    run(made, tmp_path / "cache", {"loudness": Loudness()})
    assert failures(tmp_path / "cache", "loudness") == {"v2": "extractor error"}
    run(made, tmp_path / "cache", {"loudness": Loudness()}, retry_failed=True)
    assert failures(tmp_path / "cache", "loudness") == {}


def test_an_extractor_that_forgets_a_clip_is_told(tmp_path: Path):
    forgetful = Loudness()
    forgetful.extract = lambda clips: []
    with pytest.raises(MmserError, match="expected one result per clip; found 0 for"):
        run(videos(tmp_path, 2), tmp_path / "cache", {"loudness": forgetful})


def test_random_weights_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    extractor = Loudness()
    extractor.checkpoint = Weights("random")
    table = preprocess(Listed(videos(tmp_path, 1)), {"loudness": extractor}, tmp_path / "cache")
    assert table.random_weights[0] and Store(table.directory[0]).info["random_weights"] is True
    said = capsys.readouterr().err
    assert "random weights" in said and "1/1 utterances" in said


def test_texts_cut_at_the_limit_are_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    texts = ["yes", "one two three four five", "well, one two three four"]
    corpus = Listed(
        [replace(u, transcript=text) for u, text in zip(videos(tmp_path, 3), texts, strict=True)]
    )
    for _ in range(2):  # what is cached already counts as well
        preprocess(corpus, {"tokens": Tokens(weights="random", limit=5)}, tmp_path / "cache")
        said = capsys.readouterr().err
        assert said.count("longer than the limit") == 1
        assert (
            "tokens: 2 of 3 texts are longer than the limit and were cut (v1: only the first 3 "
            "of 5 words)" in said
        )


def test_what_the_parser_found_odd_is_kept_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    made = [replace(u, extra={"warning": "cut to 2.00 s"}) for u in videos(tmp_path, 2)]
    preprocess(Listed(made), {"letters": Letters()}, tmp_path / "cache")
    kept = json.loads((tmp_path / "cache" / "listed" / "warnings.json").read_text())
    assert kept == {"cut to 2.00 s": ["v0", "v1"]}
    assert "warning: cut to 2.00 s (2 utterances, v0 first)" in capsys.readouterr().err


def test_an_empty_corpus(tmp_path: Path):
    with pytest.raises(MmserError, match="expected utterances in the corpus listed; found none"):
        run([], tmp_path / "cache")


def test_an_unsafe_corpus_name(tmp_path: Path):
    corpus = Listed(videos(tmp_path, 1))
    corpus.name = "../elsewhere"
    with pytest.raises(MmserError, match="expected the name of a corpus"):
        preprocess(corpus, {"letters": Letters()}, tmp_path / "cache", progress=False)
    assert not (tmp_path / "elsewhere").exists()


def test_what_decoding_notes_of_the_sound_is_printed_and_kept(tmp_path, capsys):
    write_wav(tmp_path / "opposite.wav", np.stack([NOISE, -NOISE]))
    write_wav(tmp_path / "plain.wav", NOISE)
    items = [
        Utterance(name, "listed", "s", audio_path=tmp_path / f"{name}.wav")
        for name in ("opposite", "plain")
    ]
    table = preprocess(Listed(items), {"loud": Loudness()}, tmp_path / "cache")
    note = "the channels cancel each other in the mix: channel 1 of 2 taken"
    assert f"warning: {note} (1 utterances, opposite first)" in capsys.readouterr().err
    index = Store(table["directory"][0]).index.set_index("id")
    assert [index["notes"][name] for name in ("opposite", "plain")] == [note, ""]


def test_a_corpus_of_words_alone_is_told_before_anything_is_computed(tmp_path: Path):
    made = [Utterance(f"t{number}", "listed", "s", transcript="so") for number in range(3)]
    with pytest.raises(
        MmserError, match=r"recordings of listed, which loudness read; found 3 utterances, and no"
    ):
        run(made, tmp_path / "cache", {"letters": Letters(), "loudness": Loudness()})
    assert not [*(tmp_path / "cache").rglob("*.safetensors")]
    run(made, tmp_path / "cache", {"letters": Letters()})
    assert len(Store(find_store(tmp_path / "cache", "listed", "letters")).index) == 3

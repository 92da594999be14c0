"""A corpus with transcripts and without word times, trained with data.alignment=word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.ctc_checkpoint import sung, taught

from mmser.cache.transcripts import TranscriptStore
from mmser.core.errors import UsageError
from mmser.media.write import write_wav
from mmser.pipeline.preprocess import preprocess_config
from mmser.pipeline.train import train
from mmser.pipeline.train_settings import train_settings
from mmser.training.run import Run

SUNG = {"joy": "  ABBA DEN   ", "anger": " DEN   BANDE  "}
WRITTEN = {"joy": "Abba... den!", "anger": "Den 99 Bande?"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table as MELD's: what is said, and nothing of when."""
    folder = tmp_path_factory.mktemp("given")
    taught(folder / "weights" / "ctc")
    rows = []
    for number in range(12):
        emotion = ("joy", "anger")[number % 2]
        write_wav(folder / f"u{number}.wav", sung(SUNG[emotion], 0.1 + 0.002 * number))
        rows.append(
            {
                "id": f"u{number}",
                "speaker": f"s{number // 4}",
                "emotion": emotion,
                "transcript": WRITTEN[emotion],
                "audio_path": f"u{number}.wav",
            }
        )
    (folder / "u0.wav").write_bytes(b"no sound at all")
    rows[1]["transcript"] = ""
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


def words(folder: Path) -> list[str]:
    return [
        "corpus=generic",
        f"corpus.root={folder}/manifest.csv",
        f"cache={folder}/cache",
        f"paths.weights={folder}/weights",
    ]


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    preprocess_config(
        [*words(folder), "extractors=[words,mfcc13]", "words=ctc_alignment", "aligner.model=ctc",
         "aligner.revision=null", "workers=0"]
    )  # fmt: skip
    return train(
        *words(folder), "system=mdre", "streams.audio.extractor=mfcc13", "streams.audio.size=13",
        "~streams.face", "~model.encoders.face", "words=ctc_alignment", "data.alignment=word",
        f"run={folder}/run", "trainer.epochs=1", "folds=[s0]",
    )  # fmt: skip


def test_every_outcome_is_in_the_store(folder: Path, run: Run) -> None:
    (store,) = (folder / "cache" / "generic").glob("transcript@ctc_alignment-????????????")
    transcripts = TranscriptStore(store)
    assert transcripts.info["parameters"]["aligner"] == "ctc_alignment"
    # No sound can be decoded: the words stay, without times. No words: a row of the ledger.
    unheard = transcripts.read("u0")
    assert unheard.text == "Abba... den!" and all(word.end == 0.0 for word in unheard.words)
    assert transcripts.read("u1").reason == "empty transcript"
    den, digits, bande = transcripts.read("u3").words
    length = 0.1 + 0.002 * 3
    assert (den.start, den.end) == pytest.approx((length, 4 * length), abs=0.035)
    assert (bande.start, bande.end) == pytest.approx((7 * length, 12 * length), abs=0.035)
    assert digits.text == "99" and digits.start == digits.end == den.end


def test_sound_is_pooled_over_the_words_where_they_are_said(run: Run) -> None:
    assert run.settings.streams["text"].extractor == "words@ctc_alignment"
    data = run.fold("s0", 0).data()
    split = next(name for name in data.facts if "u3" in data.ids(name))
    sample = data.dataset(split)[0, data.ids(split).index("u3")]
    audio, text = sample.streams["audio"], sample.streams["text"]
    assert audio is not None and text is not None and len(audio) == len(text) == 3
    # The digits have no time: the word is read, and no sound stands beside it.
    assert audio.mask is not None and audio.mask.tolist() == [True, False, True]
    assert np.abs(audio.values[[0, 2]]).max() > 0


def test_a_source_is_named_once_and_by_its_own_option(folder: Path) -> None:
    usual = [*words(folder), "system=text_bigru"]
    named = train_settings([*usual, "transcript=whisper-tiny.en"])
    assert named["streams"]["text"]["extractor"].endswith("@whisper-tiny.en")
    for wrong, expected in (
        (["words=whisper"], "expected transcript=whisper"),
        (["transcript=ctc_alignment"], "expected words=ctc_alignment"),
        (["words=ctc_alignment", "transcript=whisper"], "found both"),
        (["words=ctc_alignement"], "Did you mean ctc_alignment"),
    ):
        with pytest.raises(UsageError, match=expected):
            train_settings([*usual, *wrong])
        with pytest.raises(UsageError, match=expected):
            preprocess_config([*words(folder), "extractors=[words]", *wrong])
    with pytest.raises(UsageError, match="a stream that reads the corpus's words"):
        train_settings([*words(folder), "system=audio_bigru", "words=ctc_alignment"])

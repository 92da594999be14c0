"""A store's facts lead back to the very recogniser or aligner, wherever its model lies now."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from makers.ctc_checkpoint import saved, tiny
from transformers import Wav2Vec2ForCTC

from mmser.cache.fingerprint import transcriber_recipe
from mmser.core.errors import MmserError
from mmser.core.word_sources import WordSource
from mmser.extraction.remembered_source import (
    MAKER,
    remembered_source,
    with_maker,
    without_files,
)
from mmser.extractors.alignment.ctc_alignment import CtcAlignment
from mmser.extractors.alignment.whisper_alignment import WhisperAlignment
from mmser.inference import timeline
from mmser.inference.reader import Reader
from mmser.media.transcription.faster_whisper import FasterWhisper
from mmser.media.transcription.pocketsphinx import PocketSphinx
from mmser.media.transcription.whisper import Whisper


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder of all weights with two Whispers, two of CTranslate2 and a CTC network."""
    folder = tmp_path / "weights"
    (folder / "whisper").mkdir(parents=True)
    for name in ("base", "tiny.en"):
        torch.save({"name": name}, folder / "whisper" / f"{name}.pt")
        of_ctranslate2 = folder / "faster-whisper" / name
        of_ctranslate2.mkdir(parents=True)
        for file in ("model.bin", "config.json", "tokenizer.json"):
            (of_ctranslate2 / file).write_text(f"{file} of {name}")
    saved(tiny(Wav2Vec2ForCTC), folder / "spelling")
    return folder


def facts(source: WordSource, name: str, cache: Path) -> dict[str, Any]:
    """The transcript facts of a feature store beside a store that ``source`` filled."""
    recipe = transcriber_recipe("transcript", source, name)
    store = cache / "corpus" / f"transcript@{name}-{recipe.fingerprint}"
    store.mkdir(parents=True)
    (store / "info.json").write_text(json.dumps(recipe.info()))
    recorded = {"source": name, "fingerprint": recipe.fingerprint}
    transcript = with_maker(recorded, cache, ["other", "corpus"])
    assert transcript is not None and transcript | {MAKER: None} == recorded | {MAKER: None}
    return transcript


def makers(weights: Path) -> dict[str, WordSource]:
    return {
        "pocketsphinx": PocketSphinx(),
        "whisper": Whisper("tiny.en", weights / "whisper", language="en"),
        "faster_whisper": FasterWhisper("tiny.en", weights / "faster-whisper", "de", "int8", 2),
        "whisper_alignment": WhisperAlignment("tiny.en", weights / "whisper", "en", 0.5),
        "ctc_alignment": CtcAlignment("spelling", None, weights, 0.3),
    }


@pytest.mark.parametrize("name", ["pocketsphinx", "whisper", "faster_whisper",
                                  "whisper_alignment", "ctc_alignment"])  # fmt: skip
@pytest.mark.parametrize("moved", [False, True])
def test_model_and_every_argument_are_found_again(
    weights: Path, tmp_path: Path, name: str, moved: bool
) -> None:
    maker = makers(weights)[name]
    if name == "pocketsphinx":
        pytest.importorskip("pocketsphinx")
    transcript = facts(maker, name, tmp_path / "cache")
    if moved:
        # Another machine: no path is known, and the model has another name.
        transcript = without_files(transcript) or {}
        assert "files" not in transcript[MAKER]
        (weights / "whisper" / "tiny.en.pt").rename(weights / "whisper" / "renamed.pt")
    found = remembered_source(transcript, str(weights))
    assert type(found) is type(maker) and found is not None
    assert found.parameters() == transcript[MAKER]["parameters"]


def test_what_is_not_here_is_not_guessed(weights: Path, tmp_path: Path) -> None:
    transcript = facts(makers(weights)["whisper"], "whisper", tmp_path / "cache")
    (weights / "whisper" / "tiny.en.pt").unlink()
    assert remembered_source(transcript, str(weights)) is None
    assert remembered_source({"source": "whisper", "fingerprint": "0" * 12}, str(weights)) is None
    assert with_maker(None, tmp_path, ["corpus"]) is None
    assert with_maker({"source": "corpus"}, tmp_path, ["corpus"]) == {"source": "corpus"}


@pytest.mark.parametrize(
    "change", [{"language": ["en"]}, {"beam_size": 10**6}, {"beam_size": {"_target_": "os.abort"}}]
)
def test_facts_of_a_strangers_folder_are_checked(
    weights: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    transcript = facts(makers(weights)["faster_whisper"], "faster_whisper", tmp_path / "cache")
    transcript[MAKER]["parameters"] |= change
    with pytest.raises(MmserError):
        remembered_source(transcript, str(weights))


def test_predict_takes_the_remembered_recogniser(weights: Path, tmp_path: Path) -> None:
    transcript = facts(makers(weights)["whisper"], "whisper", tmp_path / "cache")
    trained = SimpleNamespace(weights=str(weights))
    reader: Any = SimpleNamespace(
        trained=trained, modalities={"text": ("prose",)}, transcript=transcript
    )
    found = timeline.find_transcriber(reader, None)
    assert isinstance(found, Whisper)
    assert (found.path.name, found.language) == ("tiny.en.pt", "en")
    # Whoever names one gets that one.
    named = timeline.find_transcriber(reader, "whisper-base")
    assert isinstance(named, Whisper) and named.path.name == "base.pt"


def test_given_words_are_timed_by_the_runs_own_aligner(weights: Path, tmp_path: Path) -> None:
    transcript = facts(
        makers(weights)["whisper_alignment"], "whisper_alignment", tmp_path / "cache"
    )
    reader: Any = SimpleNamespace(
        trained=SimpleNamespace(weights=str(weights)),
        modalities={"text": ("prose",)},
        transcript=transcript,
    )
    aligner = Reader.aligner.func(reader)  # type: ignore[attr-defined]
    assert isinstance(aligner, WhisperAlignment) and aligner.least_confidence == 0.5
    # No recogniser was behind the words: without --asr there is none.
    assert timeline.find_transcriber(reader, None) is None
    (weights / "whisper" / "tiny.en.pt").unlink()
    with pytest.raises(MmserError, match="the aligner whisper_alignment with the weights"):
        Reader.aligner.func(reader)  # type: ignore[attr-defined]

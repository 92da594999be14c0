"""One word per modality: what it becomes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmser.composition import compose, sweep
from mmser.composition.modality_words import table, with_modalities
from mmser.composition.words import Word
from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError

BASE = ["corpus=generic", "protocol=generic_speaker"]


def test_a_word_brings_its_extractor_and_the_encoder_that_reads_it() -> None:
    config = compose("train", ["system=mcsan", *BASE, "text=words", "audio=functionals"])
    text, audio = config["streams"]["text"], config["streams"]["audio"]
    assert (text["extractor"], text["size"], text["vocabulary"]) == ("words", None, True)
    assert (audio["extractor"], audio["size"], audio["limit"]) == (
        "egemaps_functionals",
        None,
        None,
    )
    encoders = config["model"]["encoders"]
    assert encoders["text"]["_target_"].endswith(".EmbeddingGRU")
    assert encoders["audio"] == {
        "_target_": "mmser.models.encoders.sequence.identity.Identity",
        "_partial_": True,
    }
    assert config["card"]["name"] == "mcsan+embedding_gru+identity"


def test_a_system_keeps_the_encoder_that_can_read_the_word() -> None:
    config = compose("train", ["system=mcsan", *BASE, "text=minilm@whisper"])
    assert config["model"]["encoders"]["text"]["_target_"].endswith(".RecurrentEncoder")
    assert config["streams"]["text"]["extractor"] == "minilm@whisper"
    assert config["card"]["name"] == "mcsan"


def test_other_words_come_first() -> None:
    words = ["audio=whisper_base_statistics", "streams.audio.normalise=speaker_zscore"]
    config = compose("train", ["system=statistics_svm", *BASE, *words])
    assert config["streams"]["audio"]["normalise"] == "speaker_zscore"
    assert config["model"]["encoders"]["audio"]["layers"] == 6
    config = compose("train", ["system=light_sernet", *BASE, "audio=mfcc", "encoders.audio=bigru"])
    assert config["streams"]["audio"]["extractor"] == "mfcc40"


def test_a_sweep_tries_each_word(tmp_path: Path) -> None:
    names = []

    def job(config: dict[str, Any]) -> float:
        names.append(config["card"]["name"])
        return 0.0

    folder = f"hydra.sweep.dir={tmp_path}"
    sweep("train", ["system=mcsan", *BASE, "text=words,minilm", folder], job)
    assert names == ["mcsan+embedding_gru", "mcsan"]


@pytest.mark.parametrize(
    ("system", "word", "message"),
    [
        ("mcsan", "text=minilmm", "Did you mean minilm?"),
        ("mcsan", "face=clip", "one stream of face for face=clip; found mcsan with audio, text"),
        ("co_attention", "audio=mfcc", "found co_attention with spectrogram, mfcc, waveform"),
        ("light_sernet", "audio=mfcc", "add encoders.audio=bigru"),
        ("light_sernet", "audio=functionals", "whose encoder light_sernet is made for its input"),
        ("iaan", "audio=functionals", "whose fusion iaan reads none"),
        ("statistics_svm_face", "text=words", "no encoder of it learns"),
    ],
)
def test_what_a_system_cannot_read_is_refused_with_a_reason(
    system: str, word: str, message: str
) -> None:
    with pytest.raises(UsageError) as error:
        compose("train", [f"system={system}", *BASE, word])
    assert message in str(error.value)


def test_every_name_in_the_table_is_a_config() -> None:
    content = table()
    for modality, meanings in content["words"].items():
        for name, meaning in meanings.items():
            assert meaning["extractor"] in config_names("extractor"), name
            target = load_config("extractor", meaning["extractor"])["_target_"]
            assert target.startswith(f"mmser.extractors.{modality}.")
            assert meaning["kind"] in content["streams"][modality], name
            assert "encoder" in {**content["kinds"][meaning["kind"]], **meaning}
    for kind in content["kinds"].values():
        assert set(kind["readers"]) <= set(config_names("encoder"))
    assert set(content["fusions"]) <= set(config_names("fusion"))


@pytest.mark.parametrize("modality", ["audio", "text", "face"])
def test_every_system_takes_one_word_of_each_kind_or_says_why_not(modality: str) -> None:
    by_kind = {meaning["kind"]: name for name, meaning in table()["words"][modality].items()}
    taken = 0
    for system in config_names("system"):
        if modality not in load_config("system", system).get("streams", {}):
            continue
        for kind, name in by_kind.items():
            try:
                words = with_modalities([Word("", "system", system), Word("", modality, name)])
            except UsageError as error:
                assert system in str(error) and kind in str(error)
                continue
            values = {word.key: word.value for word in words}
            extractor = table()["words"][modality][name]["extractor"]
            assert values[f"streams.{modality}.extractor"] == extractor
            taken += 1
    assert taken > 8

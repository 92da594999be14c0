"""One word per modality: what it becomes, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mmser.catalogue.lists import modalities
from mmser.composition import compose, modality_words, places, sweep
from mmser.composition.modality_words import table, with_modalities
from mmser.composition.words import Word
from mmser.core.configs import config_names, load_config, shortened
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
        ("wav2vec2_mtl", "text=glove", "whose stream characters has no encoder"),
        ("iaan", "audio=xvector", "Here audio= may be mfcc, log_mel, egemaps_lld, "),
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


@pytest.fixture(scope="module")
def written() -> Iterator[dict[tuple[str, str, str], dict[str, str] | UsageError]]:
    """What each word of each modality becomes over each system that has one, or why not."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (modality_words, places):
            patch.setattr(module, "load_config", cache(load_config))
        outcomes: dict[tuple[str, str, str], dict[str, str] | UsageError] = {}
        for system in config_names("system"):
            for modality in modalities(system):
                for name in table()["words"][modality]:
                    words = [Word("", "system", system), Word("", modality, name)]
                    try:
                        made = with_modalities(words)
                        outcomes[system, modality, name] = {w.key: str(w.value) for w in made}
                    except UsageError as error:
                        outcomes[system, modality, name] = error
        yield outcomes


def test_every_system_takes_every_word_or_names_those_that_it_takes(written) -> None:
    taken = dict.fromkeys(["audio", "text", "face"], 0)
    for (system, modality, name), outcome in written.items():
        if isinstance(outcome, UsageError):
            message = str(outcome)
            assert f"{modality}={name}" in message and system in message
            fitting = [
                other
                for other in table()["words"][modality]
                if isinstance(written[system, modality, other], dict)
            ]
            if "has no encoder" in message or "one stream of" in message:
                assert not fitting
            elif fitting:
                assert f"Here {modality}= may be {shortened(fitting)}; or " in message
            else:
                assert f"No word of {modality} fits it: " in message
            continue
        taken[modality] += 1
        extractor = table()["words"][modality][name]["extractor"]
        assert extractor in [v for key, v in outcome.items() if key.endswith(".extractor")]
    assert taken["audio"] > 900 and taken["text"] > 300 and taken["face"] > 80


def test_what_a_word_becomes_is_composed_whole(written) -> None:
    """One system for each way in which a word is written out: all others differ in names alone."""
    tried = set()
    for (system, modality, name), outcome in written.items():
        if isinstance(outcome, UsageError):
            continue
        places_set = tuple(sorted(key.split(".")[-1] for key in outcome))
        encoder = next((v for key, v in outcome.items() if key.startswith("encoder@")), "own")
        kind = table()["words"][modality][name]["kind"]
        way = (modality, kind, encoder, places_set)
        if way in tried:
            continue
        tried.add(way)
        config = compose("train", [f"system={system}", *BASE, f"{modality}={name}"])
        extractors = [stream["extractor"] for stream in config["streams"].values()]
        assert table()["words"][modality][name]["extractor"] in extractors
        if encoder != "own":
            assert encoder in config["card"]["name"]
    assert len(tried) > 15

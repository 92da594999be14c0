"""Sentence encoders: sentence-transformers' own pooling, on a tiny checkpoint."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from makers.clips import transcript
from makers.text_checkpoint import text_clips, write_bert
from transformers import AutoModel, AutoTokenizer

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.text.sentence import Sentence

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "well", ",", "i", "don", "'", "t", "know", "-", "!",
              "em", "##pty", "kn", "##ow"]  # fmt: skip
TEXTS = ["Well, I don't know -- empty!", "know", "i know i know i know well"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("sentence"), VOCABULARY, layers=2)


def extractor(folder: Path, **changes: Any) -> Sentence:
    return Sentence(**{"weights": str(folder), "size": 24, "device": "cpu", **changes})


def of_transformers(folder: Path, texts: list[str]) -> np.ndarray:
    """The recipe of the model's own page: masked mean over tokens, unit length."""
    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state
    mask = tokens["attention_mask"][..., None].float()
    means = (states * mask).sum(dim=1) / mask.sum(dim=1)
    return torch.nn.functional.normalize(means, dim=1).numpy()


def test_vectors_are_those_of_transformers(folder: Path) -> None:
    results = extractor(folder).extract(text_clips(*TEXTS))
    assert [result.values.shape for result in results] == [(1, 24)] * 3
    values = np.concatenate([result.values for result in results])
    np.testing.assert_allclose(values, of_transformers(folder, TEXTS), atol=1e-5)


@pytest.mark.skipif("MMSER_WEIGHTS" not in os.environ, reason="MMSER_WEIGHTS names no weights")
def test_the_real_checkpoint_is_read_as_transformers_reads_it() -> None:
    folder = Path(os.environ["MMSER_WEIGHTS"]) / "all-MiniLM-L6-v2"
    texts = ["I am so happy -- really!", "This is horrible; I hate it.", "What a wonderful day."]
    results = Sentence(weights=str(folder), device="cpu").extract(text_clips(*texts))
    values = np.concatenate([result.values for result in results])
    np.testing.assert_allclose(values, of_transformers(folder, texts), atol=1e-5)
    likeness = values @ values.T
    assert likeness[0, 2] > likeness[0, 1]


def test_the_start_mark_and_the_mean_without_unit_length(folder: Path) -> None:
    first = (
        extractor(folder, pooling="first", normalised=False).extract(text_clips("know"))[0].values
    )
    mean = extractor(folder, normalised=False).extract(text_clips("know"))[0].values
    ids = torch.tensor([[2, VOCABULARY.index("know"), 3]])
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(ids).last_hidden_state[0].numpy()
    np.testing.assert_allclose(first[0], states[0], atol=1e-6)
    np.testing.assert_allclose(mean[0], states.mean(axis=0), atol=1e-6)


def test_batched_equals_single(folder: Path) -> None:
    made = extractor(folder, batch_pieces=24)
    for clip, together in zip(text_clips(*TEXTS), made.extract(text_clips(*TEXTS)), strict=True):
        np.testing.assert_allclose(together.values, made.extract([clip])[0].values, atol=1e-6)


def test_the_vector_spans_the_words(folder: Path) -> None:
    timed, untimed = transcript(), transcript(times=False)
    first, second = extractor(folder).extract(
        [Clip("a", transcript=timed), Clip("b", transcript=untimed)]
    )
    assert first.spans.tolist() == [[0.0, pytest.approx(0.7)]]
    assert second.spans is None


def test_long_text_is_cut_and_noted(folder: Path) -> None:
    whole, cut = extractor(folder, limit=5).extract(text_clips("well i know", "well i know know"))
    assert whole.notes == ""
    assert cut.notes == "only the first 5 sub-words"
    np.testing.assert_allclose(cut.values, whole.values, atol=1e-6)


def folder_with_modules(folder: Path, tmp_path: Path, mode: str, *kinds: str) -> Path:
    made = shutil.copytree(folder, tmp_path / "modules")
    modules = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"models.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (made / "modules.json").write_text(json.dumps(modules))
    (made / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 24, f"pooling_mode_{mode}": True, "include_prompt": True}
    (made / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return made


def test_modules_that_agree_are_read(folder: Path, tmp_path: Path) -> None:
    kinds = ("Transformer", "Pooling", "Normalize")
    made = folder_with_modules(folder, tmp_path, "mean_tokens", *kinds)
    same = extractor(made).extract(text_clips("know"))[0].values
    np.testing.assert_array_equal(same, extractor(folder).extract(text_clips("know"))[0].values)


@pytest.mark.parametrize(
    ("mode", "kinds", "message"),
    [
        ("mean_tokens", ("Transformer", "Pooling"), r"Normalize, .*; found Transformer, Pooling \(mean\)"),
        ("cls_token", ("Transformer", "Pooling", "Normalize"), r"found .*Pooling \(first\)"),
        ("max_tokens", ("Transformer", "Pooling", "Normalize"), "found .*pooling_mode_max_tokens"),
        ("mean_tokens", ("Transformer", "Pooling", "Dense"), "found .*Dense"),
    ],
)  # fmt: skip
def test_modules_that_say_something_else_are_refused(
    folder: Path, tmp_path: Path, mode: str, kinds: tuple[str, ...], message: str
) -> None:
    made = folder_with_modules(folder, tmp_path, mode, *kinds)
    with pytest.raises(MmserError, match=message):
        extractor(made).extract(text_clips("know"))


def test_damaged_modules_are_refused(folder: Path, tmp_path: Path) -> None:
    made = folder_with_modules(folder, tmp_path, "mean_tokens", "Transformer", "Pooling")
    (made / "modules.json").write_text('[{"idx": 0}]')
    with pytest.raises(MmserError, match="modules of sentence-transformers in"):
        extractor(made).extract(text_clips("know"))


def test_another_size_is_refused(folder: Path) -> None:
    with pytest.raises(MmserError, match="size 384; found 24"):
        extractor(folder, size=384).extract(text_clips("know"))


def test_empty_transcripts_fail(folder: Path) -> None:
    results = extractor(folder).extract(text_clips(" -- ...", ""))
    assert [result.reason for result in results] == ["empty transcript"] * 2

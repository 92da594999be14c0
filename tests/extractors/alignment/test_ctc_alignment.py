"""CTC alignment of given words: tones that a tiny network spells, and every kind of odd text."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from makers.ctc_checkpoint import saved, sung, taught, tiny

from mmser.core.clip import Transcript
from mmser.core.errors import MmserError
from mmser.extractors.alignment.ctc_alignment import CtcAlignment

SOUND = sung("   ABBA   DEN BANDE  ")
SPANS = {"abba": (0.3, 0.7), "den": (1.0, 1.3), "bande": (1.4, 1.9)}
"""Seconds, a tenth for each letter."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught(tmp_path_factory.mktemp("ctc"))


@pytest.fixture(scope="module")
def aligner(folder: Path) -> CtcAlignment:
    return CtcAlignment(str(folder), device="cpu")


def check(transcript: Transcript, text: str) -> None:
    """Every sung word lies where it was sung; any other has no time; all are in order."""
    assert transcript.text == text and transcript.source == "ctc_alignment"
    bounds = [each for word in transcript.words for each in (word.start, word.end)]
    assert all(one <= other for one, other in pairwise([0.0, *bounds, len(SOUND) / 16000]))
    for word in transcript.words:
        known = SPANS.get(word.text.strip(",!").lower())
        if known is None:
            assert word.start == word.end
        else:
            assert (word.start, word.end) == pytest.approx(known, abs=0.035)
            assert word.confidence is not None and word.confidence > 0.8


@pytest.mark.parametrize(
    "text",
    [
        "Abba, den Bande!",
        "abba 1990 den bande",  # digits are not in the vocabulary
        "1 abba den xyz bande 2",
        "abba -- den … bande",
    ],
)
def test_words_lie_where_they_were_sung(aligner: CtcAlignment, text: str) -> None:
    (transcript,) = aligner.align([SOUND], [text])
    check(transcript, text)


def test_an_unsaid_word_has_no_time(folder: Path) -> None:
    text = "abba eeeeaaaa den bande"
    (transcript,) = CtcAlignment(str(folder), device="cpu", least_confidence=0.7).align(
        [SOUND], [text]
    )
    assert [word.start < word.end for word in transcript.words] == [True, False, True, True]


@pytest.mark.parametrize(
    ("sound", "text"),
    [
        (np.zeros(16000, np.float32), "abba den"),
        (SOUND[:160], "abba"),
        (np.zeros(0, np.float32), "abba"),
        (SOUND, "1990 42"),
        (SOUND[:8000], "abba den bande " * 5),  # more letters than frames
        (SOUND, "日本語"),
    ],
)
def test_words_that_cannot_be_placed_have_no_times(
    aligner: CtcAlignment, sound: np.ndarray, text: str
) -> None:
    (transcript,) = aligner.align([sound], [text])
    assert transcript.text == text and len(transcript.words) == len(text.split())
    assert all(word.start == word.end == 0.0 for word in transcript.words)


@pytest.mark.parametrize("name", ["HubertForCTC", "WavLMForCTC", "UniSpeechSatForCTC"])
def test_other_networks_are_read_through_their_own_class(tmp_path: Path, name: str) -> None:
    model = tiny(getattr(transformers, name))
    aligner = CtcAlignment(str(saved(model, tmp_path / name)), device="cpu", least_confidence=0)
    with torch.inference_mode():
        own = model(torch.from_numpy(SOUND)[None]).logits[0].log_softmax(-1)
    torch.testing.assert_close(aligner._emissions([SOUND])[0][:, :-1], own)
    (transcript,) = aligner.align([SOUND], ["abba den"])
    assert transcript.words[0].start < transcript.words[1].end


def test_many_sounds_at_once_are_aligned_as_each_alone(folder: Path) -> None:
    sounds = [SOUND, SOUND[3000:], SOUND[:24000], 0.5 * SOUND]
    texts = ["Abba, den Bande!", "abba den bande", "abba 1990 den", "--"]
    alone = CtcAlignment(str(folder), device="cpu")
    expected = [alone.align([sound], [text])[0] for sound, text in zip(sounds, texts, strict=True)]
    together = CtcAlignment(str(folder), device="cpu")
    batches = together._together()
    assert batches is not None
    batches.seconds, sizes, encode = 60.0, [], batches.encode

    def counted(rows: torch.Tensor, lengths: list[int]) -> tuple[torch.Tensor, list[int]]:
        sizes.append(len(rows))
        return encode(rows, lengths)

    batches.encode = counted
    together.__dict__["_batches"] = batches
    found = together.align(sounds, texts)
    assert sizes == [3]
    for one, other in zip(found, expected, strict=True):
        for mine, own in zip(one.words, other.words, strict=True):
            assert (mine.text, mine.start, mine.end) == (own.text, own.start, own.end)
            assert (mine.confidence or 0.0) == pytest.approx(own.confidence or 0.0, rel=1e-3)


def test_the_recipe_knows_the_checkpoint_by_its_digest(aligner: CtcAlignment) -> None:
    parameters = aligner.parameters()
    assert parameters["aligner"] == "ctc_alignment" and parameters["least_confidence"] == 0.05
    assert str(parameters["weights"]).startswith("sha256:") and parameters["revision"] is None


def test_what_cannot_align_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MmserError, match="a trained CTC recogniser"):
        CtcAlignment("random")
    with pytest.raises(MmserError, match="the weights of the CTC recogniser"):
        CtcAlignment("nothing_here", weights=tmp_path).parameters()
    encoder = saved(tiny(transformers.Wav2Vec2Model), tmp_path / "encoder")
    with pytest.raises(MmserError, match="lm_head"):
        CtcAlignment(str(encoder), device="cpu").align([SOUND], ["abba"])
    bare = saved(tiny(transformers.Wav2Vec2ForCTC), tmp_path / "bare")
    (bare / "preprocessor_config.json").unlink()
    with pytest.raises(MmserError, match="a feature extractor"):
        CtcAlignment(str(bare), device="cpu").align([SOUND], ["abba"])
    config = json.loads((bare / "config.json").read_text())
    (bare / "config.json").write_text(json.dumps({**config, "pad_token_id": None}))
    with pytest.raises(MmserError, match="pad_token_id"):
        CtcAlignment(str(bare), device="cpu").align([SOUND], ["abba"])

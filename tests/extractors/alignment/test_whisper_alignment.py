"""Whisper's alignment of given words: a tiny random checkpoint, tiny.en on computer speech whose
word times are known, and a recording with an alignment of its own.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from makers.real_weights import placed
from makers.whisper_network import whisper_network, write_checkpoint
from whisper.model import ModelDimensions

from mmser.core.clip import Transcript
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.synthetic.voice import Manner, speak
from mmser.extractors.alignment.whisper_alignment import WhisperAlignment
from mmser.extractors.transcripts.word_spans import spans_of

SECOND = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
ODD = ("", " ... ", "so -- no", "In 1990, well…", "日本語 です", "<|endoftext|> <|en|>", "Łódź's")


def checked(transcript: Transcript, text: str, seconds: float) -> list[float]:
    """The bounds of a transcript's words, after what must hold of every alignment."""
    assert transcript.text == text
    bounds = [each for word in transcript.words for each in (word.start, word.end)]
    assert all(one <= other for one, other in pairwise([0.0, *bounds, seconds]))
    spans = spans_of(transcript)
    assert (spans is None) == (not transcript.words)
    return bounds


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = whisper_network(ModelDimensions(80, 1500, 16, 2, 1, 51865, 64, 16, 2, 2))
    return write_checkpoint(network, tmp_path_factory.mktemp("whisper") / "toy.pt")


@pytest.fixture(scope="module")
def aligner(checkpoint: Path) -> WhisperAlignment:
    return WhisperAlignment(str(checkpoint), language="en", least_confidence=0.0, device="cpu")


@pytest.mark.parametrize("text", ODD)
def test_any_text_keeps_its_words_in_order_and_inside_the_sound(
    aligner: WhisperAlignment, text: str
) -> None:
    (transcript,) = aligner.align([SECOND], [text])
    checked(transcript, text, 1.0)
    assert transcript.source == "whisper_alignment"
    assert aligner.align([SECOND, SECOND], [text, "other words"])[0] == transcript


@pytest.mark.parametrize(
    ("sound", "text"),
    [
        (np.zeros(16000, np.float32), "silence holds no words"),
        (SECOND[:800], "too short"),
        (np.zeros(0, np.float32), "no sound"),
        (np.tile(SECOND, 31), "longer than the window"),
        (SECOND, "more words than the decoder reads " * 20),
    ],
)
def test_words_that_cannot_be_placed_have_no_times(
    aligner: WhisperAlignment, sound: np.ndarray, text: str
) -> None:
    (transcript,) = aligner.align([sound], [text])
    assert checked(transcript, text, len(sound) / 16000) == [0.0] * 2 * len(text.split())


def test_improbable_words_are_unsaid_and_the_others_are_placed_without_them(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmser.extractors.transcripts.word_times import Placed

    aligner, asked = WhisperAlignment(str(checkpoint), language="en", device="cpu"), []

    def one(words: list[str]) -> list[Placed]:
        asked.append(list(words))
        step = 1.0 / len(words)
        return [
            Placed(row * step, (row + 1) * step, 1e-4 if word == "never" else 0.5)
            for row, word in enumerate(words)
        ]

    def placed(self: object, windows: object, words: list[list[str]]) -> list[list[Placed]]:
        return [one(some) for some in words]

    monkeypatch.setattr(WhisperAlignment, "_placed", placed)
    (transcript,) = aligner.align([SECOND], ["one never two"])
    assert asked == [["one", "never", "two"], ["one", "two"]]
    assert [(w.start, w.end) for w in transcript.words] == [(0, 0.5), (0.5, 0.5), (0.5, 1.0)]


@pytest.mark.parametrize("language", ["en", None])
def test_many_sounds_at_once_are_aligned_as_each_alone(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, language: str | None
) -> None:
    texts = ["In 1990, well…", "one never two three", "日本語 です", "so -- no", " ... "]
    sounds = [SECOND[: 9000 + 1500 * number] for number in range(len(texts))]
    aligner = WhisperAlignment(
        str(checkpoint), language=language, least_confidence=0.0, device="cpu"
    )
    with torch.no_grad():
        # Attention that prefers some frames: ties would be broken by rounding.
        for name, parameter in aligner.checkpoint.network.named_parameters():
            if "ln" not in name:
                parameter.normal_(0, 0.6, generator=torch.manual_seed(0))
    every = [word for transcript in aligner.align(sounds, texts) for word in transcript.words]
    aligner.least_confidence = 1.001 * float(np.median([word.confidence for word in every]))
    alone = [aligner.align([sound], [text])[0] for sound, text in zip(sounds, texts, strict=True)]
    monkeypatch.setattr("mmser.media.whisper_network.room.windows_at_once", lambda network: 4)
    together = aligner.align(sounds, texts)
    times = [[(w.text, w.start, w.end) for w in transcript.words] for transcript in together]
    assert times == [[(w.text, w.start, w.end) for w in transcript.words] for transcript in alone]
    unsaid = [word.start == word.end for transcript in alone for word in transcript.words]
    assert True in unsaid and False in unsaid


def test_language_is_checked(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a code of Whisper's"):
        WhisperAlignment(str(checkpoint), language="klingon")
    assert WhisperAlignment(str(checkpoint), language="German").language == "de"
    content = torch.load(checkpoint, weights_only=True)
    content["dims"]["n_vocab"] = 51864
    state = content["model_state_dict"]
    state["decoder.token_embedding.weight"] = state["decoder.token_embedding.weight"][:-1].clone()
    torch.save(content, tmp_path / "toy.en.pt")
    english = WhisperAlignment(str(tmp_path / "toy.en.pt"), language="de", device="cpu")
    with pytest.raises(MmserError, match=r"language=de; found toy\.en\.pt, which is English only"):
        english.align([SECOND], ["Guten Tag"])


def test_the_recipe_tells_weights_language_and_threshold(checkpoint: Path, tmp_path: Path) -> None:
    parameters = WhisperAlignment(str(checkpoint), language="en").parameters()
    assert parameters["aligner"] == "whisper_alignment" and len(parameters["weights"]) == 64
    assert (parameters["language"], parameters["least_confidence"]) == ("en", 0.001)
    with pytest.raises(MmserError, match=r"no file .*base\.pt"):
        WhisperAlignment("base", tmp_path).parameters()


@pytest.fixture(scope="module")
def tiny_en(tmp_path_factory: pytest.TempPathFactory) -> WhisperAlignment:
    path = placed("tiny.en", tmp_path_factory.mktemp("weights"))
    return WhisperAlignment(str(path), device="cpu")


def test_tiny_en_finds_known_words_and_pauses(tiny_en: WhisperAlignment) -> None:
    text = "We are going home tomorrow. Please bring the yellow umbrella."
    halves = [speak(half, "en-us", Manner(150, 50, 50, 1.0)) for half in text.split(". ")]
    pause = np.zeros(16000, np.float32)
    sound = np.concatenate([pause, halves[0][0], pause, halves[1][0], pause])
    starts = [1.0, 2.0 + len(halves[0][0]) / 16000]
    spoken = [
        (w.start + at, w.end + at) for at, half in zip(starts, halves, strict=True) for w in half[1]
    ]
    (transcript,) = tiny_en.align([sound], [text])
    checked(transcript, text, len(sound) / 16000)
    found = np.array([(word.start, word.end) for word in transcript.words])
    error = np.abs(found - spoken).mean(axis=0)
    assert (error < 0.2).all()
    # The pause of a second lies between two words, and in none.
    assert found[5, 0] - found[4, 1] > 0.9 and found[0, 0] > 0.9


@pytest.mark.real_data
def test_grid_words_against_the_corpus_own_alignment(tiny_en: WhisperAlignment) -> None:
    from mmser.core.utterance import Utterance
    from mmser.media.decode import decode_clips

    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    folder = Path(os.environ["MMSER_DATA"]) / "clips" / "grid"
    lines = [line.split() for line in (folder / "swwp2s.align").read_text().splitlines()]
    # Samples of 25 kHz; silence is no word.
    known = [(int(a) / 25000, int(b) / 25000) for a, b, word in lines if word != "sil"]
    text = " ".join(word for *_, word in lines if word != "sil")
    (clip,) = decode_clips([Utterance("g", "grid", "s", video_path=folder / "id2_vcd_swwp2s.mpg")])
    assert clip.waveform is not None
    (transcript,) = tiny_en.align([clip.waveform], [text])
    checked(transcript, text, len(clip.waveform) / 16000)
    found = np.array([(word.start, word.end) for word in transcript.words])
    start, end = np.abs(found - known).mean(axis=0)
    assert start < 0.12 and end < 0.12

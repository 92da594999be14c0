"""Turns around an utterance: in a text extractor's input, and in what makes a row current."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mmser.cache.store import Store
from mmser.core.clip import Failure, Transcript, Turn
from mmser.core.utterance import Utterance
from mmser.extraction.dialogues import Dialogues
from mmser.extraction.preprocess import preprocess
from mmser.extractors.text.tokens import Tokens
from mmser.media.write import write_wav

TEXTS = ("Hi.", "Stop it now.", "Never.", "Oh.")


class Listed:
    name = "listed"

    def __init__(self, utterances: list[Utterance]) -> None:
        self.made = utterances

    def utterances(self) -> list[Utterance]:
        return self.made


class Hearing:
    """A recogniser that spells the length of what it hears."""

    name = "hearing"

    def parameters(self) -> dict[str, object]:
        return {}

    def transcribe(self, waveforms: list) -> list[Transcript]:
        return [Transcript(f"heard {len(one) // 1600}", self.name) for one in waveforms]


def conversation(texts: tuple[str, ...] = TEXTS) -> list[Utterance]:
    """Two speakers take turns; listed from the last turn to the first."""
    made = [
        Utterance(
            f"u{turn}", "listed", "Ann" if turn % 2 else "Ben", dialogue="d", turn=turn,
            transcript=text,
        )
        for turn, text in enumerate(texts)
    ]  # fmt: skip
    return made[::-1]


def words(utterance: Utterance) -> Transcript | None:
    return Transcript(utterance.transcript, "corpus") if utterance.transcript else None


def test_turns_stand_in_their_order_and_silent_ones_are_left_out() -> None:
    spoken = Dialogues(
        [
            *conversation(("Hi.", "", "Never.", "Oh.")),
            replace(conversation()[0], id="x", dialogue=""),
        ]
    )
    around = spoken.dialogue("u2", (2, 5), words)
    assert around.speaker == "Ben"
    assert around.before == (Turn("Ben", "Hi."),) and around.after == (Turn("Ann", "Oh."),)
    assert spoken.dialogue("x", (9, 9), words).before == ()


def filled(utterances: list[Utterance], cache: Path, **options) -> dict[str, object]:
    extractor = Tokens(weights="random", context=1, speakers=True)
    table = preprocess(Listed(utterances), {"turns": extractor}, cache, progress=False, **options)
    store = Store(table.directory.iloc[-1])
    rows = store.index.set_index("id")
    return {key: (store.read(key).tolist(), rows.digest[key]) for key in store.ids}


def test_a_corrected_neighbour_changes_the_row_and_no_other(tmp_path: Path) -> None:
    before = filled(conversation(), tmp_path)
    after = filled(conversation(("Hi.", "Stop it then.", "Never.", "Oh.")), tmp_path)
    assert {key for key in before if before[key] != after[key]} == {"u1", "u2"}
    renamed = [replace(u, speaker="Eve") if u.id == "u0" else u for u in conversation()]
    assert {key for key, row in filled(renamed, tmp_path).items() if row != before[key]} == {
        "u0",
        "u1",
    }
    assert filled(conversation(), tmp_path) == before


def test_a_part_of_the_corpus_has_the_context_of_the_whole(tmp_path: Path) -> None:
    whole = filled(conversation(), tmp_path / "whole")
    assert filled(conversation(), tmp_path / "part", only={"u2"}) == {"u2": whole["u2"]}


@pytest.mark.parametrize("only", [None, {"u1"}])
def test_a_recognisers_words_are_those_of_the_turns_too(
    tmp_path: Path, only: set[str] | None
) -> None:
    import numpy as np

    heard = []
    for utterance in conversation():
        path = tmp_path / f"{utterance.id}.wav"
        length = 1600 * (utterance.turn + 3)
        write_wav(path, np.sin(np.arange(length) / 9).astype(np.float32) / 2)
        heard.append(replace(utterance, audio_path=path))
    rows = filled(heard, tmp_path / "cache", transcriber=Hearing(), only=only)
    spelled = Tokens(weights="random")._tokenizer.bare
    expected = [1, *spelled("BEN: heard 3"), 2, *spelled("ANN: heard 4"), 2]
    values, _ = rows["u1"]
    assert [piece for piece, _ in values] == expected
    assert set(rows) == (only or {"u0", "u1", "u2", "u3"})


def test_a_neighbour_without_words_is_no_failure() -> None:
    def heard(utterance: Utterance) -> Transcript | Failure | None:
        return Failure(utterance.id, "silence") if utterance.id == "u0" else words(utterance)

    assert Dialogues(conversation()).dialogue("u1", (3, 0), heard).before == ()


def test_disturbed_words_are_those_of_the_turns_too() -> None:
    from mmser.evaluation.stress.words.asr_robustness import extracted

    texts = {f"u{turn}": Transcript(f"word {turn}", "corpus") for turn in range(4)}
    extractor = Tokens(weights="random", context=1)
    store = extracted(extractor, texts, {"dtype": "int32"}, Dialogues(conversation()))
    spelled = extractor._tokenizer.bare
    assert store.read("u2")[:, 0].tolist() == [1, *spelled("word 1"), 2, *spelled("word 2"), 2]

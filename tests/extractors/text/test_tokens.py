"""Sub-word ids with their marks; the utterance among its turns, for every kind of tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.text_kinds import KINDS, write_text_encoder
from transformers import AutoTokenizer

from mmser.cache.fingerprint import recipe_of
from mmser.core.clip import Clip, Dialogue, Features, Transcript, Turn
from mmser.extractors.text.tokens import Tokens

AROUND = Dialogue(
    "Ross", (Turn("Ann", "you know"), Turn("Ross", "i know you")), (Turn("Ann", "stop"),)
)
TEXT = "never stop"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("kinds")
    return {kind: write_text_encoder(root / kind, kind) for kind in KINDS}


def features(folder: Path | str, text: str = TEXT, **options: object) -> Features:
    clip = Clip("a", transcript=Transcript(text, "corpus"), dialogue=AROUND)
    (result,) = Tokens(weights=str(folder), **options).extract([clip])  # type: ignore[arg-type]
    assert isinstance(result, Features)
    return result


def ids_and_own(result: Features) -> tuple[list[int], list[int]]:
    return result.values[:, 0].tolist(), result.values[:, 1].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_utterance_and_an_earlier_turn_are_the_tokenizers_own_pair(
    folders: dict[str, Path], kind: str
) -> None:
    theirs = AutoTokenizer.from_pretrained(folders[kind])
    pair = theirs("ROSS: i know you", "ROSS: never stop")
    ids, own = ids_and_own(features(folders[kind], context=1, speakers=True))
    assert ids == pair["input_ids"]
    assert own == [int(text == 1) for text in pair.sequence_ids()]


@pytest.mark.parametrize("kind", KINDS)
def test_words_alone_are_the_tokenizers_own(folders: dict[str, Path], kind: str) -> None:
    theirs = AutoTokenizer.from_pretrained(folders[kind], add_prefix_space=True)
    split = theirs(["never", "stop"], is_split_into_words=True)["input_ids"]
    assert features(folders[kind]).values.tolist() == split


def test_three_segments_with_as_many_turns_as_there_is_room_for(folders: dict[str, Path]) -> None:
    spelled = Tokens(weights=str(folders["bert"]), context=1)._tokenizer.bare
    start, end = [2], [3]
    own, far, near, later = map(spelled, (TEXT, "you know", "i know you", "stop"))
    whole = features(folders["bert"], context=5, later=5)
    segments = [*start, *far, *near, *end, *own, *end, *later, *end]
    assert ids_and_own(whole)[0] == segments and whole.notes == ""
    # One sub-word less, and the farthest turn is out as a whole; its place is not filled.
    cut = features(folders["bert"], context=5, later=5, limit=len(segments) - 1)
    assert ids_and_own(cut)[0] == [*start, *near, *end, *own, *end, *later, *end]
    assert cut.notes == f"2 of 3 turns of context within {len(segments) - 1} sub-words"


def test_a_turn_behind_one_that_does_not_fit_is_not_read(folders: dict[str, Path]) -> None:
    # "i know you" does not fit, "you know" before it would.
    room = len(["[CLS]", "you", "know", "[SEP]", "never", "stop", "[SEP]"])
    ids, own = ids_and_own(features(folders["bert"], context=5, limit=room))
    assert len(ids) == 4 and own == [0, 1, 1, 0]


def test_a_text_longer_than_the_limit_is_cut_and_told(folders: dict[str, Path]) -> None:
    result = features(folders["bert"], "never stop you know i", context=1, limit=4)
    assert ids_and_own(result)[1] == [0, 1, 1, 0]
    assert result.notes.startswith("only the first 2 of 5 sub-words")


def test_apostrophes_are_those_of_a_keyboard_and_names_stand_in_capitals() -> None:
    spelled = Tokens(weights="random")._tokenizer.bare
    ids, _ = ids_and_own(features("random", "I\u2019m", speakers=True))
    assert ids == [1, *spelled("ROSS: I'm"), 2]


def test_older_caches_keep_their_fingerprint() -> None:
    assert recipe_of("hashed_tokens", Tokens(weights="random")).fingerprint == "888c045e3bcd"
    assert Tokens(weights="random").turns is None and Tokens(weights="random").feature_size == 1
    assert Tokens(weights="random", speakers=True).turns == (0, 0)

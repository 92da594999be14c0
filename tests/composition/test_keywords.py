"""Keywords of a call become the words that a command would have."""

from pathlib import Path

import pytest

from mmser.composition import compose
from mmser.composition.keywords import keyword_words
from mmser.core.errors import UsageError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"system": "mcsan", "seeds": [0, 1]}, ["system=mcsan", "seeds=[0,1]"]),
        ({"root": Path("/data/my corpus")}, ["corpus.root=/data/my corpus"]),
        (
            {"trainer": {"epochs": 5, "patience": None}},
            ["trainer.epochs=5", "trainer.patience=null"],
        ),
        ({"data": {"drop_last": True}}, ["data.drop_last=true"]),
        ({"labels": {"joy": "happy", "calm": None}}, ["labels={joy: 'happy', calm: null}"]),
        ({"folds": ["a,b", "c"]}, ["folds=['a,b','c']"]),
        ({"optimizer": {"lr": 1e-05}}, ["optimizer.lr=1e-05"]),
    ],
)
def test_words(options, words):
    assert keyword_words(options) == words


def test_the_words_compose():
    words = keyword_words(
        {
            "system": "mcsan",
            "corpus": "meld",
            "protocol": "meld7",
            "seeds": [0, 2],
            "root": Path("/data/my corpus, all"),
            "trainer": {"epochs": 3},
            "labels": {"joy": "joy", "anger": "anger"},
        }
    )
    settings = compose("train", words)
    assert settings["seeds"] == [0, 2] and settings["trainer"]["epochs"] == 3
    assert settings["corpus"]["root"] == "/data/my corpus, all"
    assert settings["protocol"]["labels"]["anger"] == "anger"


def test_a_value_of_another_kind_is_refused():
    with pytest.raises(UsageError, match="as fusion; found object"):
        keyword_words({"fusion": object()})

"""What stops a fold before training, and what it says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mmser.core.errors import MmserError, UsageError
from mmser.data.spec import StreamSpec


def refused(corpus, text: str, error: type[MmserError] = MmserError, **changes) -> None:
    with pytest.raises(error, match=text):
        corpus.open(**changes)


def test_a_store_in_which_everything_failed(corpus):
    store = corpus.stores["audio"]
    corpus.stores["audio"] = dataclasses.replace(store, arrays={}, failed=store.ids)
    refused(
        corpus,
        "one utterance with values in stream 'audio'; found a store of mfcc40 in which all 24 "
        "failed",
    )


def test_a_vocabulary_of_features(corpus):
    specs = corpus.specs | {"audio": StreamSpec("mfcc40", vocabulary=True)}
    refused(
        corpus, r"one whole number per word in stream 'audio'.*steps of shape \(4,\)", specs=specs
    )


def test_a_test_store_of_another_kind(corpus):
    audio = corpus.stores["audio"]
    wide = dataclasses.replace(
        audio, arrays={i: np.zeros((3, 9), np.float32) for i in audio.arrays}
    )
    refused(
        corpus,
        r"shape \(4,\) in the test store of stream 'audio'; found \(9,\)",
        test_stores={"audio": wide},
    )
    refused(
        corpus,
        "test stores for the streams audio, text; found one for 'face'",
        test_stores={"face": wide},
    )


def test_a_test_store_in_which_nothing_is_left_is_an_absent_modality(corpus):
    audio = corpus.stores["audio"]
    nothing = dataclasses.replace(audio, arrays={}, failed=audio.ids)
    data = corpus.open(test_stores={"audio": nothing})
    assert data.absent("test")["audio"] == len(data.ids("test"))
    for batch in data.loader("test", shuffle=False):
        assert not batch.streams["audio"].mask.any()


def test_an_unfinished_test_store(corpus):
    audio = corpus.stores["audio"]
    short = dataclasses.replace(
        audio, arrays={i: a for i, a in audio.arrays.items() if i != "u020"}
    )
    refused(corpus, "1 that were never processed, such as u020", test_stores={"audio": short})


def test_balance_without_classes_or_against_dialogues(corpus):
    refused(corpus, "classes to balance; found no labelled", UsageError, balanced=True, classes=())
    refused(
        corpus,
        "balanced=false with batching=dialogue",
        UsageError,
        balanced=True,
        batching="dialogue",
    )


def test_an_utterance_the_manifest_does_not_know(corpus):
    refused(
        corpus,
        "1 that are not, such as u007",
        manifest=corpus.manifest[corpus.manifest["id"] != "u007"],
    )


def test_an_empty_training_part(corpus):
    assignment = corpus.assignment[corpus.assignment["part"] != "train"]
    refused(corpus, "at least one training utterance; found none", assignment=assignment)

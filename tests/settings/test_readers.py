"""Encoders beside the streams they read: each combination fits or is refused, by what both say of
themselves.
"""

import pytest

from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError
from mmser.settings.readers import check_readers, given_by, read_by

KINDS = ("features", "layers", "waveform", "words", "tokens")
ONE_OF = {
    kind: next(name for name in config_names("extractor") if given_by(name) == kind)
    for kind in KINDS
}


def settings(encoder, stream, **changes):
    part = {**load_config("encoder", encoder), "weights": "random"}
    return {"model": {"encoders": {"text": part}}, "streams": {"text": stream}, **changes}


def stream(kind):
    return {"extractor": ONE_OF[kind], "vocabulary": kind == "words"}


@pytest.mark.parametrize("encoder", config_names("encoder"))
def test_every_encoder_reads_one_kind_and_refuses_the_others(encoder):
    reads = read_by(load_config("encoder", encoder))
    assert reads in KINDS
    check_readers(settings(encoder, stream(reads)))
    for kind in KINDS:
        if kind != reads:
            with pytest.raises(
                UsageError, match=r"for the encoder of stream 'text'|extractor of words"
            ):
                check_readers(settings(encoder, stream(kind)))


def test_every_extractor_gives_a_known_kind():
    kinds = {name: given_by(name) for name in config_names("extractor")}
    assert set(kinds.values()) == {*KINDS, "characters"}
    assert kinds["bert_tokens"] == "tokens"
    assert given_by("words@whisper-base") == given_by("words@whisper-0123456789ab") == "words"
    assert given_by("imported") is None


@pytest.mark.parametrize(
    ("encoder", "spec", "said"),
    [
        (
            "bigru",
            {"extractor": "words"},
            r"found words .*encoders.text=embedding_gru streams.text.vocabulary=true",
        ),
        (
            "embedding_gru",
            {"extractor": "glove"},
            r"found features .*extractor=words streams.text.vocabulary=true",
        ),
        ("embedding_gru", {"extractor": "words"}, r"Set streams.text.vocabulary=true"),
        (
            "bigru",
            {"extractor": "glove", "vocabulary": True},
            "an extractor of words in stream 'text'",
        ),
        (
            "wav2vec2_finetune",
            {"extractor": "mfcc40"},
            "a waveform for the encoder.*streams.text.extractor=waveform",
        ),
        ("bigru", {"extractor": "wav2vec2_base_layers"}, "every layer's features"),
    ],
)
def test_the_error_says_which_words_make_it_fit(encoder, spec, said):
    with pytest.raises(UsageError, match=said) as refused:
        check_readers(settings(encoder, spec))
    assert len(str(refused.value)) < 400


def test_an_encoder_needs_a_stream_and_a_fusion_may_know_some_alone():
    with pytest.raises(
        UsageError, match=r"streams\.text\.extractor=NAME; found an encoder of 'text'"
    ):
        check_readers(settings("bigru", {}) | {"streams": {"audio": {"extractor": "mfcc40"}}})
    wrong = settings("bigru", {"extractor": "glove"})
    wrong["model"]["fusion"] = load_config("fusion", "co_attention")
    with pytest.raises(UsageError, match="wav2vec2, which this fusion knows; found 'text'"):
        check_readers(wrong)


def test_pieces_of_words_are_those_of_the_network_that_reads_them():
    wrong = settings("bert_gru", {"extractor": "bert_tokens"})
    wrong["model"]["encoders"]["text"]["weights"] = "google-bert/bert-base-cased"
    with pytest.raises(UsageError, match="found those of google-bert/bert-base-uncased"):
        check_readers(wrong)
    wrong["model"]["encoders"]["text"]["weights"] = "/data/bert"
    check_readers(wrong)


def test_a_stage_is_checked_with_its_own_streams():
    stages = {"first": {"streams": {"text": {"extractor": "words"}}}}
    with pytest.raises(UsageError, match=r"\(stage first\)"):
        check_readers(settings("bigru", {"extractor": "glove"}, stages=stages))

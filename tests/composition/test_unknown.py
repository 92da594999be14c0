"""Keys that a config does not list: arguments of a part need no plus, others are told what was
meant.
"""

import pytest

from mmser.composition import compose, merged
from mmser.core.errors import UsageError

TRAIN = ["corpus=emodb", "protocol=emodb7_group4", "system=text_bigru"]


@pytest.fixture(scope="module")
def saved():
    return compose("train", TRAIN)


@pytest.mark.parametrize(
    ("word", "place"),
    [
        (
            "model.encoders.text.orthogonal_start=true",
            ("model", "encoders", "text", "orthogonal_start"),
        ),
        ("streams.text.crop=centre", ("streams", "text", "crop")),
        ("data.balanced=true", ("data", "balanced")),
        ("optimizer.amsgrad=true", ("optimizer", "amsgrad")),
        ("protocol.label_column=true", ("protocol", "label_column")),
    ],
)
def test_an_argument_of_a_part_needs_no_plus(saved, word, place):
    if word.startswith("protocol"):
        word = word.replace("true", "sentiment")
    for made in (
        compose("train", [*TRAIN, word]),
        compose("train", [*TRAIN, "+" + word]),
        merged(saved, [word]),
    ):
        node = made
        for name in place:
            node = node[name]
        assert node in (True, "sentiment", "centre")


def test_a_vocabulary_needs_no_plus():
    words = [
        "streams.text.extractor=words",
        "encoder@model.encoders.text=embedding_gru",
        "streams.text.vocabulary=true",
    ]
    assert compose("train", [*TRAIN, *words])["streams"]["text"]["vocabulary"] is True


def test_an_argument_of_an_extractor_needs_no_plus():
    words = [f"+extractor@extractor.{name}={name}" for name in ("bert_base", "wav2vec2_base")]
    words += ["extractor.bert_base.size=384", "extractor.wav2vec2_base.precision=bfloat16"]
    made = compose("preprocess", ["corpus=emodb", *words])["extractor"]
    assert made["bert_base"]["size"] == 384
    assert made["wav2vec2_base"]["precision"] == "bfloat16"


def test_an_option_of_a_stage_needs_no_plus():
    words = [
        "corpus=emodb",
        "protocol=emodb7_group4",
        "system=transser",
        "stages.target.data.batch_size=8",
    ]
    assert compose("train", words)["stages"]["target"]["data"]["batch_size"] == 8


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("epochs=3", "found epochs. Did you mean trainer.epochs"),
        ("+epochs=3", "found epochs. Did you mean trainer.epochs"),
        ("lr=0.1", "found lr. Did you mean optimizer.lr"),
        ("batch_size=3", "found batch_size. Did you mean data.batch_size"),
        ("trainer.epoks=3", "found trainer.epoks. Did you mean trainer.epochs"),
        ("streams.text.limt=3", "found streams.text.limt. Did you mean streams.text.limit"),
        (
            "streams.txt.limit=3",
            r"Did you mean streams.text.limit.*added by \+streams.txt.extractor=NAME",
        ),
        ("model.fusion.poolin=max", "found model.fusion.poolin. Did you mean model.fusion.pooling"),
        (
            "+model.fusion.poolin=max",
            "found model.fusion.poolin. Did you mean model.fusion.pooling",
        ),
        ("+trainer.epoks=3", "found trainer.epoks. Did you mean trainer.epochs"),
        ("corpuss=emodb", "found corpuss. Did you mean corpus"),
        (
            "stages.first.trainer.epochs=3",
            r"Stages: none. A further one is added by \+stages.first",
        ),
        ("encoder@model.encoders.face=gru", r"Could not override .*\+encoder@model"),
        ("~optimizr", "Could not delete"),
    ],
)
def test_an_unknown_key_is_told_what_was_meant(word, said):
    with pytest.raises(UsageError, match=said) as refused:
        compose("train", [*TRAIN, word])
    assert len(str(refused.value)) < 400


def test_a_saved_config_says_the_same(saved):
    with pytest.raises(UsageError, match=r"Did you mean trainer\.epochs"):
        merged(saved, ["epochs=3"])
    with pytest.raises(UsageError, match=r"trainer\.epochs to be a whole number"):
        merged(saved, ["trainer.epochs=0"])
    with pytest.raises(UsageError, match="chosen in a new command"):
        merged(saved, ["fusion@model.fusion=gated"])

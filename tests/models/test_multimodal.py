"""The one model: parts are completed with sizes, streams go by name, missing ones are a clear
error.
"""

from functools import partial

import pytest
import torch

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.pool import Pool
from mmser.models.encoders.sequence.projection import Projection
from mmser.models.fusion.concat import Concat
from mmser.models.fusion.early_lstm import EarlyLstm
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

TASK = Task(classes=("angry", "sad"), values=("valence",))
PARTS = {"audio": partial(Projection, output_size=5), "text": partial(Pool, pooling="mean")}


def stream(size: int) -> Stream:
    return Stream(torch.randn(3, 4, size), torch.ones(3, 4, dtype=torch.bool))


def built(*names: str) -> MultimodalModel:
    return build_model(
        {name: PARTS[name] for name in names}, Concat, Classifier, {"audio": 6, "text": 2}, TASK
    )


def test_sizes_follow_the_streams() -> None:
    model = built("audio", "text")
    out = model({"audio": stream(6), "text": stream(2), "face": stream(9)}, empty_context(3))
    assert model.vector_size == 5 + 2
    assert out.vector.shape == (3, 7)
    assert out.logits is not None and out.logits.shape == (3, 2)
    assert out.values is not None and out.values.shape == (3, 1)
    assert set(out.encoded) == {"audio", "text"} and out.encoded["text"].values.shape == (3, 1, 2)


def test_leaving_an_encoder_out_ablates_its_modality() -> None:
    assert built("text").vector_size == 2
    assert built("text")({"text": stream(2)}, empty_context(3)).vector.shape == (3, 2)


def test_a_missing_stream_says_what_to_do() -> None:
    with pytest.raises(
        MmserError, match=r"expected a stream named .text.; found streams audio\. Give an absent"
    ):
        built("audio", "text")({"audio": stream(6)}, empty_context(3))


def test_a_missing_size_says_what_to_do() -> None:
    with pytest.raises(
        MmserError, match=r"found none for text\. Name the stream.s extractor under `streams`"
    ):
        build_model(PARTS, Concat, Classifier, {"audio": 6}, TASK)


def test_an_argument_a_part_does_not_have_says_so() -> None:
    with pytest.raises(
        MmserError,
        match=r"expected arguments that the class of the fusion takes; found .*unheard=1",
    ):
        build_model(PARTS, partial(Concat, unheard=1), Classifier, {"audio": 6, "text": 2}, TASK)


def test_steps_are_the_heads_answers_at_every_step_and_only_when_asked_for() -> None:
    fusion = partial(EarlyLstm, hidden_sizes=(6,), dropout=0.0)
    audio = {"audio": PARTS["audio"]}
    model = build_model(audio, fusion, Classifier, {"audio": 6}, TASK).eval()
    streams = {"audio": stream(6)}
    assert model(streams, empty_context(3)).steps is None
    outputs = model(streams, empty_context(3), need_steps=True)
    logits, values = model.head(outputs.sequence.values[:, 2])
    torch.testing.assert_close(outputs.steps.logits[:, 2], logits)
    torch.testing.assert_close(outputs.steps.values[:, 2], values)


def test_a_model_of_vectors_alone_has_no_steps() -> None:
    out = built("audio")({"audio": stream(6)}, empty_context(3), need_steps=True)
    assert out.steps is None and out.sequence is None

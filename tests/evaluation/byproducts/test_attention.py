"""Weights per word and frame, without padding and without invented words."""

import json

import numpy as np
import pytest
import torch
from makers.evaluated_run import MeanModel

from mmser.core.batch import Batch, Outputs, Stream
from mmser.data.stream_alignment import StreamAlignment
from mmser.evaluation.byproducts.attention import (
    attended_stream,
    attention_samples,
    key_weights,
    one_row,
)
from mmser.evaluation.predict import predict


@pytest.fixture
def samples(run):
    def make(limit=5, model=None, data=None):
        data = data or run.fold("one", 0).data()
        model = model or MeanModel()
        table = predict(model, data.loader("test", False), data.task)
        return attention_samples(model, data, run.manifest, table.sort_values("id"), limit)

    return make


def test_words_and_frames(samples):
    table = samples().set_index(["id", "name"])
    text = table.loc[("A2", "audio_to_text")]
    assert text["stream"] == "text"
    assert list(text["labels"]) == ["well"] * 3
    assert text["weights"] == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    audio = table.loc[("A0", "audio_self")]
    assert audio["stream"] == "audio"
    assert audio["labels"] is None
    assert sum(audio["weights"]) == pytest.approx(1)
    length = len(audio["weights"])
    assert audio["seconds"] == pytest.approx((np.arange(length) + 0.5) * 2 / length)


def test_the_samples_are_spread_and_counted(samples):
    assert sorted(samples(limit=2)["id"].unique()) == ["A0", "A4"]
    assert sorted(samples(limit=50)["id"].unique()) == [f"A{i}" for i in range(5)]


def test_words_of_another_transcript_are_not_claimed(run, samples):
    data = run.fold("one", 0).data()
    data.stores["text"].info["transcript"] = {"source": "whisper-base"}
    table = samples(data=data)
    assert table[table["stream"] == "text"]["labels"].isna().all()


def test_the_corpus_transcript_may_be_named(run, samples):
    data = run.fold("one", 0).data()
    data.stores["text"].info["transcript"] = {"source": "corpus"}
    table = samples(data=data)
    assert table[table["stream"] == "text"]["labels"].notna().all()


def test_word_alignment_names_the_words_of_every_stream(run, samples):
    data = run.fold("one", 0).data()
    data.alignment = StreamAlignment("word", word_stream="text")
    run.manifest["words"] = json.dumps([{"text": word} for word in ["a", "b"]])
    table = samples(data=data)
    audio = table[table["stream"] == "audio"].set_index("id")
    assert audio.loc["A1", "labels"] == ["a", "b"]


def test_a_word_count_that_does_not_fit_names_no_words(run, samples):
    run.manifest["words"] = '[{"text": "only"}]'
    table = samples().set_index(["id", "name"])
    assert table.loc[("A2", "audio_to_text"), "labels"] is None
    assert list(table.loc[("A0", "audio_to_text"), "labels"]) == ["only"]


class Companions(MeanModel):
    """Its answer depends on the batch, as a dialogue system's does."""

    def forward(self, streams, context, need_attention=False):
        outputs = super().forward(streams, context, need_attention)
        return Outputs(
            outputs.vector,
            logits=outputs.logits + 3 * outputs.logits.sum(0),
            encoded=outputs.encoded,
        )


class Gate(MeanModel):
    def forward(self, streams, context, need_attention=False):
        outputs = super().forward(streams, context, need_attention)
        rows = len(outputs.vector)
        gate = {
            "gate": torch.tensor([[0.7, 0.3]]).expand(rows, 2),
            "absent": torch.zeros(rows, 1, 6),
        }
        return Outputs(
            outputs.vector, logits=outputs.logits, encoded=outputs.encoded, attention=gate
        )


def test_samples_that_change_when_alone_are_left_out(samples):
    assert samples(model=Companions()).empty


def test_a_gate_is_named_by_streams_and_an_absent_modality_is_not_drawn(run, samples):
    table = samples(model=Gate())
    assert set(table["name"]) == {"gate"}
    gate = table[table["stream"] == ""].iloc[0]
    assert gate["labels"] == ["audio", "text"]


def test_one_row_drops_padding_but_keeps_a_shared_time_axis(run):
    batch = run.batches["one", 0][0]
    row = one_row(batch, 0)
    assert row.ids == batch.ids[:1]
    assert row.streams["audio"].mask.shape == (1, 2)
    audio = batch.streams["audio"]
    first_step = audio.mask & (torch.arange(audio.mask.shape[1]) == 0)
    streams = {"a": audio, "b": Stream(audio.values, first_step)}
    aligned = Batch(batch.ids, streams, batch.context)
    assert [s.mask.shape for s in one_row(aligned, 1, shared=True).streams.values()] == [
        (1, 3),
        (1, 3),
    ]
    assert [s.mask.shape for s in one_row(aligned, 1).streams.values()] == [(1, 3), (1, 1)]


def test_key_weights_average_heads_and_queries():
    weights = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]]])
    assert key_weights(weights).tolist() == [0.75, 0.25]
    assert key_weights(torch.tensor([[0.2, 0.8]])) == pytest.approx([0.2, 0.8])


def test_attended_stream():
    lengths = {"audio": 9, "text": 4, "face": 9}
    assert attended_stream("audio_to_text", 4, lengths) == "text"
    assert attended_stream("text_to_face", 9, lengths) == "face"
    assert attended_stream("hop3", 4, lengths) == "text"
    assert attended_stream("hop3", 9, lengths) == ""
    assert attended_stream("audio", 7, lengths) == ""

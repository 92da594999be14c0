"""What the settings say of the data without reading it."""

from __future__ import annotations

from mmser.training.inputs.sources import trace_names


def test_a_stream_that_no_encoder_reads_holds_labels() -> None:
    streams = {"audio": {}, "characters": {}}
    assert trace_names(streams, {"encoders": {"audio": {}}}) == {"characters"}


def test_without_a_model_every_stream_is_an_input() -> None:
    assert trace_names({"audio": {}}, {}) == frozenset()

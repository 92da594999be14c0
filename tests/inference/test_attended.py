"""Attention over the time of a recording: means of models, at the right seconds, or none."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from makers.evaluated_run import CLASSES, MeanModel, make_batch

from mmser.core.batch import Outputs
from mmser.core.clip import Failure, Features
from mmser.core.task import Task
from mmser.inference.attended import Attended
from mmser.inference.segment_features import SegmentFeatures

TASK = Task(classes=CLASSES)
LOGITS = [[2.0, 0.0, 0.0]]


def reader(spec=None, alignment="native"):
    """Reads two steps of sound and two words, whatever it is given."""
    spec = spec or SimpleNamespace(limit=None, crop="head")
    sources = {name: SimpleNamespace(spec=spec) for name in ("audio", "text")}
    return SimpleNamespace(
        batch=lambda features, transforms: make_batch(list(features), LOGITS, [0], [["a", "b"]]),
        trained=SimpleNamespace(sources=sources, data={"alignment": alignment}),
    )


def segment(**changes):
    streams = {
        "audio": Features(np.zeros((8, 3), "f4"), frame_rate=4.0),
        "text": Features(np.zeros((2, 3), "f4"), spans=np.array([[0.0, 0.5], [1.0, 2.0]])),
    }
    return SegmentFeatures(0, "a-0000", "a b", streams | changes)


def answer(logits=LOGITS):
    shares = torch.tensor(logits).softmax(-1)[0].tolist()
    return {f"probability_{name}": share for name, share in zip(CLASSES, shares, strict=True)}


def members(*models):
    return [SimpleNamespace(model=model, transforms=None, task=TASK) for model in models]


def test_times_are_those_of_the_recording():
    attended = Attended()
    attended.add(reader(), members(MeanModel(), MeanModel()), segment(), 10.0, answer())
    (sound,), (words,) = attended.curves["audio"], attended.curves["text"]
    # Two keys over eight frames at four a second.
    assert sound.seconds == pytest.approx([10.5, 11.5]) and sound.weights == pytest.approx([1, 1])
    assert words.seconds == pytest.approx([10.25, 11.5])
    assert words.weights == pytest.approx([2 / 3, 4 / 3])


def test_a_cut_stream_ends_where_it_was_cut():
    attended = Attended()
    cut = reader(SimpleNamespace(limit=4, crop="head"))
    attended.add(cut, members(MeanModel()), segment(), 0.0, answer())
    assert attended.curves["audio"][0].seconds == pytest.approx([0.25, 0.75])


def test_times_that_are_not_known_are_not_drawn():
    attended = Attended()
    silent = Failure("a", "no audio track", "")
    attended.add(reader(), members(MeanModel()), segment(audio=silent), 0.0, answer())
    assert set(attended.curves) == {"text"}
    shared = Attended()
    shared.add(reader(alignment="grid"), members(MeanModel()), segment(), 0.0, answer())
    assert not shared.curves


class Without(MeanModel):
    def forward(self, streams, context, need_attention=False):
        outputs = super().forward(streams, context)
        return Outputs(outputs.vector, logits=outputs.logits, encoded=outputs.encoded)


def test_a_system_without_attention_or_that_reads_other_segments_is_asked_once():
    for models, told in (
        (members(Without()), answer()),
        (members(MeanModel()), answer([[0.0] * 3])),
    ):
        attended = Attended()
        attended.add(reader(), models, segment(), 0.0, told)
        attended.add(reader(), members(MeanModel()), segment(), 0.0, answer())
        assert not attended.curves

"""The file says what the model says, for other batches than the one it was traced with; what cannot
go in is named.
"""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import mmser
from mmser.cli import main
from mmser.core.batch import Stream
from mmser.core.errors import MmserError, UsageError
from mmser.core.task import Task
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms
from mmser.evaluation.predict import run_model
from mmser.inference.model_folder import ModelFolder
from mmser.inference.trained import Member, StreamSource
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.concat import Concat
from mmser.models.fusion.iaan import IAAN
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import build_model
from mmser.sharing import onnx_export
from mmser.sharing.export import export
from mmser.sharing.onnx_batches import CASES, Inputs, example_inputs
from mmser.sharing.onnx_export import export_onnx

TASK = Task(classes=("a", "b"))


class Untrained:
    """Parts put together by hand."""

    name, weights = "untrained", "weights"

    def __init__(self, encoders, fusion, size, alignment="native"):
        self.data = {"alignment": alignment, "grid_rate": 10.0, "word_stream": None}
        sizes = dict.fromkeys(encoders, size)
        self.sources = {
            name: StreamSource(StreamSpec("x"), {}, Shape((size,))) for name in encoders
        }
        torch.manual_seed(0)
        self.model = build_model(encoders, fusion, Classifier, sizes, TASK).eval()

    def members(self):
        return [Member("none", 0, self.model, Transforms(), TASK)]


@pytest.fixture(scope="module")
def run(sound_run):
    return sound_run


def test_a_run_as_a_file(run, tmp_path, capsys):
    path = tmp_path / "model.onnx"
    assert main(["export", f"run={run.directory}", "--onnx", str(path), "--fold", "s1"]) == 0
    told = capsys.readouterr().out
    assert "checked on 5 random batches" in told
    assert "inputs tone_values, tone_mask, prose_values, prose_mask; outputs logits" in told
    assert [item.name for item in tmp_path.iterdir()] == ["model.onnx"]
    props = {p.key: json.loads(p.value) for p in onnx.load(path).metadata_props}
    assert props["classes"] == ["angry", "happy", "sad"] and props["mmser"] == mmser.__version__

    batch = next(iter(run.fold("s1", 0).data().loader("test", shuffle=False)))
    expected = next(iter(run_model(run.fold("s1", 0).model(), [batch])))[1].logits
    given = {f"{n}_values": s.values.numpy() for n, s in batch.streams.items()}
    given |= {f"{n}_mask": s.mask.numpy() for n, s in batch.streams.items()}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["logits"], given)[0], expected.numpy(), atol=1e-4)
    axes = {node.name: node.shape[:2] for node in session.get_inputs()}
    assert axes["tone_values"] == axes["tone_mask"] == ["batch", "tone_time"]


def test_which_model_is_asked_for(run, tmp_path):
    with pytest.raises(UsageError, match="found fold s0 seed 0, fold s1 seed 0"):
        export_onnx(run, tmp_path / "model.onnx")
    with pytest.raises(MmserError, match="one model; found fold s0 seed 0, fold s1 seed 0"):
        export_onnx(run, tmp_path / "model.onnx", "all")
    folder = export(run, tmp_path / "both", "all")
    with pytest.raises(MmserError, match="one model; found fold s0 seed 0, fold s1 seed 0"):
        export_onnx(folder, tmp_path / "model.onnx")
    with pytest.raises(MmserError, match="one model; found fold s0 seed 0, fold s1 seed 0"):
        export_onnx(folder, tmp_path / "model.onnx", "s0", 7)
    assert onnx_export._one(ModelFolder(folder), "s1", None).fold == "s1"


def test_a_part_that_reads_the_conversation_is_named(tmp_path):
    trained = Untrained({"audio": Identity, "text": Identity}, IAAN, 6)
    with pytest.raises(
        MmserError, match=r"ONNX can express, in fusion \(IAAN\); .*it reads the conversation"
    ):
        export_onnx(trained, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


class Bessel(Identity):
    """Calls an operator that ONNX does not have."""

    def forward(self, stream):
        return Stream(torch.special.bessel_j0(stream.filled()), stream.mask)


class Deciding(Identity):
    """Asks a tensor which way to go."""

    def forward(self, stream):
        return Stream(stream.filled() * 2, stream.mask) if stream.mask.all() else stream


@pytest.mark.parametrize("encoder", [Bessel, Deciding])
def test_an_encoder_in_the_way_is_named(encoder, tmp_path):
    trained = Untrained({"plain": Identity, "odd": encoder}, Concat, 3)
    with pytest.raises(MmserError, match=rf"in encoders\.odd \({encoder.__name__}\)"):
        export_onnx(trained, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_says_something_else_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "largest_difference", lambda *_: float("nan"))
    with pytest.raises(
        MmserError, match=r"agrees with the model to 0\.0001; found a difference of nan"
    ):
        export_onnx(Untrained({"audio": Identity}, Concat, 3), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_batches_differ_in_size_length_and_padding():
    trained = Untrained({"audio": Identity, "text": Identity}, Concat, 3)
    inputs = Inputs.of(trained, trained.members()[0])
    batches = [example_inputs(inputs, *case) for case in CASES]
    assert (
        len({batch[0].shape[0] for batch in batches}) > 2
        and len({batch[0].shape[1] for batch in batches}) > 3
    )
    assert any(not batch[1].all() for batch in batches)
    assert any((~batch[1].any(dim=1)).any() for batch in batches)
    assert all(batch[3].any(dim=1).all() for batch in batches)
    aligned = Untrained({"audio": Identity, "text": Identity}, Concat, 3, alignment="grid")
    inputs = Inputs.of(aligned, aligned.members()[0])
    for case in CASES:
        batch = example_inputs(inputs, *case)
        assert batch[0].shape[1] == batch[2].shape[1]
    assert inputs.axes()[0] == inputs.axes()[3] == {0: "batch", 1: "time"}


def test_without_the_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "onnxscript" else object()
    )
    with pytest.raises(MmserError, match=r"no onnxscript\. Run: pip install 'mmser\[onnx\]'"):
        export_onnx(tmp_path, tmp_path / "model.onnx")

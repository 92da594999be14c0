"""A trained model is opened without the pretrained weights that it started from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.cnn14 import Cnn14
from mmser.training.components.construction import make_model
from mmser.training.components.portable import network_sizes, unpretrained
from mmser.training.fit import train
from mmser.training.run import Run

SIZES = {"channels": [2, 3], "embedding_size": 4, "crop": None}


def test_a_run_is_opened_where_its_pretrained_weights_are_gone(settings, tmp_path: Path) -> None:
    path = tmp_path / "published.pth"
    torch.save(Cnn14(6, **SIZES).state_dict(), path)
    encoder = {
        "_target_": "mmser.models.encoders.audio.cnn14.Cnn14",
        "_partial_": True,
        **SIZES,
        "weights": str(path),
    }
    run = train(settings(folds=["s0"], **{"model.encoders.tone": encoder, "trainer.epochs": 1}))
    trained = run.fold("s0", 0).model().state_dict()
    path.unlink()
    again = Run(run.directory).fold("s0", 0).model().state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in again.items())
    # Runs made earlier do not say how large their networks are.
    described = run.fold("s0", 0).directory / "fold.json"
    facts = json.loads(described.read_text())
    assert facts.pop("network_sizes") == {}
    described.write_text(json.dumps(facts))
    with pytest.raises(
        MmserError, match=r"the weights of CNN14; found nothing at .*published\.pth"
    ):
        Run(run.directory).fold("s0", 0).model()


def test_the_sizes_of_a_transformers_network_stand_for_its_checkpoint(tmp_path: Path) -> None:
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 24,
    }
    BertModel(BertConfig(**small, vocab_size=30)).save_pretrained(tmp_path / "bert")
    encoder = {
        "_target_": "mmser.models.encoders.text.text_finetune.TextFinetune",
        "_partial_": True,
    }
    parts = {
        "encoders": {
            "text": {
                **encoder,
                "weights": "someone/bert",
                "weights_folder": str(tmp_path),
                "revision": "0",
            }
        },
        "fusion": {"_target_": "mmser.models.fusion.concat.Concat", "_partial_": True},
        "head": {"_target_": "mmser.models.heads.classifier.Classifier", "_partial_": True},
    }
    task = Task(classes=("a", "b"))
    model = make_model(parts, {"text": 1}, task)
    bare = unpretrained(parts, json.loads(json.dumps(network_sizes(model))))
    assert (
        bare["encoders"]["text"]["weights"] == "random"
        and "revision" not in bare["encoders"]["text"]
    )
    again = make_model(bare, {"text": 1}, task)
    assert {n: t.shape for n, t in again.state_dict().items()} == {
        n: t.shape for n, t in model.state_dict().items()
    }

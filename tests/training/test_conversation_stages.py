"""The four stages of the LEAF multimodal transformer as one command, on a small cache of waveforms
and vectors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.composition import compose
from mmser.core.clip import Features
from mmser.runs.training_stages import list_stages
from mmser.training.fit import train

ENCODERS = {
    "tone": {
        "_target_": "mmser.models.encoders.audio.leaf_cnn.encoder.LeafCNN",
        "_partial_": True,
        "output_size": 4,
        "stride_ms": 1.0,
        "window": 21,
        "width": 0.1,
    },
    "noise": {
        "_target_": "mmser.models.encoders.sequence.recurrent.RecurrentEncoder",
        "_partial_": True,
        "hidden_size": 2,
    },
}
FUSION = {
    "_target_": "mmser.models.fusion.conversation_transformer.ConversationTransformer",
    "_partial_": True,
    **{"hidden_size": 3, "size": 8, "heads": 2, "layers": 1, "inner_size": 8},
}
OBJECTIVE = {
    "_target_": "mmser.objectives.paradigms.stream_classification.StreamClassification",
    "_partial_": True,
}
STAGES = {
    "audio": {
        "objective": {**OBJECTIVE, "sizes": {"tone": 4}},
        "data": {"batching": "length"},
        "trainer": {"freeze": ["encoders.noise.*", "fusion.*", "head.*"]},
    },
    "text": {
        "load": ["encoders.*"],
        "objective": {**OBJECTIVE, "sizes": {"noise": 4}},
        "data": {"batching": "length"},
        "trainer": {"freeze": ["encoders.tone.*", "fusion.*", "head.*"]},
    },
    "conversation": {
        "load": ["encoders.*"],
        "objective": {
            **OBJECTIVE,
            "sizes": {"tone": 6, "noise": 6},
            "source": "sequence",
            "average": "conversations",
        },
        "trainer": {"freeze": ["encoders.*", "fusion.projections.*", "fusion.layers.*", "head.*"]},
    },
    "fusion": {
        "load": ["encoders.*", "fusion.*"],
        "trainer": {"freeze": ["encoders.*", "fusion.contexts.*"]},
    },
}


@pytest.fixture
def weights(settings, cache):
    """The saved weights of every stage of one fold, in order."""
    write_waveforms(cache)
    made = settings(folds=["s0"], stages=STAGES)
    made["objective"] = {
        "_target_": "mmser.objectives.losses.conversation.ConversationCrossEntropy",
        "_partial_": True,
    }
    made["model"]["encoders"], made["model"]["fusion"] = ENCODERS, FUSION
    made["streams"] = {"tone": {"extractor": "waves"}, "noise": {"extractor": "noise"}}
    made["data"] |= {"batching": "dialogue", "batch_size": 12}
    made["trainer"] |= {"epochs": 1, "monitor": "loss"}
    folder = train(made).fold("s0", 0).directory
    return [load_file(folder / stage.folder / "model.safetensors") for stage in list_stages(made)]


def write_waveforms(cache: Path) -> None:
    """A store of waveforms beside those of the small cache."""
    recipe = Recipe("waves", "tests.Waves", 1, {}, dtype="float32")
    generator = np.random.default_rng(0)
    with open_writer(
        store_directory(cache, "small", "waves", "", recipe.fingerprint), recipe
    ) as writer:
        for identifier in pd.read_parquet(cache / "small" / "manifest.parquet")["id"]:
            waveform = generator.normal(size=int(generator.integers(300, 900))).astype("f4")
            writer.add([Entry(identifier, "0" * 64, Features(waveform, frame_rate=16000.0))])
        writer.finish()


PARTS = ("encoders.tone.", "encoders.noise.", "fusion.contexts.", "fusion.layers.", "head.")
LEARNT = {
    "text": {"encoders.noise."},
    "conversation": {"fusion.contexts."},
    "fusion": {"fusion.layers.", "head."},
}


def test_each_stage_learns_its_part_and_leaves_the_earlier_ones_bit_identical(weights) -> None:
    """Batch-norm statistics of the LEAF-CNN included: they are among the tensors of
    encoders.tone.
    """
    assert any(name.startswith("encoders.tone.norms") and "running" in name for name in weights[0])
    for (stage, learnt), before, after in zip(LEARNT.items(), weights, weights[1:], strict=False):
        for part in PARTS:
            names = [name for name in after if name.startswith(part)]
            same = [torch.equal(before[name], after[name]) for name in names]
            assert any(not equal for equal in same) if part in learnt else all(same), (stage, part)


def test_the_systems_stages_name_what_they_have() -> None:
    settings = compose(
        "train", ["system=leaf_mm_transformer_small", "corpus=generic", "protocol=generic_random10"]
    )
    stages = list_stages(settings)
    assert [stage.name for stage in stages] == ["audio", "text", "conversation", "fusion"]
    assert [stage.config["data"]["batching"] for stage in stages] == [
        "length",
        "length",
        "dialogue",
        "dialogue",
    ]
    assert stages[2].config["objective"]["sizes"] == {"audio": 32, "text": 32}
    assert stages[3].config["objective"]["_target_"].endswith("ConversationCrossEntropy")
    assert stages[3].config["trainer"]["epochs"] == 10

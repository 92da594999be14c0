"""`mmser train system=NAME text=WORD audio=WORD`: systems trained with exchanged modalities."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from makers.contract_subjects import shape_of

import mmser
from mmser.composition import built, compose
from mmser.core.batch import empty_context
from mmser.core.configs import config_names
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.training.components.construction import make_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the corpus of ten utterances and its caches lie."""
    return tmp_path_factory.mktemp("words")


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("concat", {"audio": "egemaps_lld", "text": "words", "face": "resnet18"}),
        ("mcsan", {"audio": "functionals", "text": "words"}),
        ("functionals_svm", {"audio": "mfcc"}),
    ],
)
def test_a_system_is_trained_with_exchanged_modalities(
    system: str, words: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    run = mmser.train(
        system=system,
        corpus="synthetic",
        protocol="synthetic4_loso5",
        root=folder / "corpus",
        cache=folder / "cache",
        run=tmp_path / "run",
        folds=["session1"],
        weights="random",
        data={"batch_size": 8},
        trainer={"epochs": 1, "patience": None, "accelerator": "cpu"},
        **{"corpus.utterances_per_speaker": 1},
        **words,
    )
    assert math.isfinite(run.scores.loc["ua", "value"])


REFUSED = {
    "co_attention": "expected streams among spectrogram, mfcc",
    "early_concat": "expected streams with the same steps",
    "iaan": "whose fusion iaan reads none. Here audio= may be mfcc, ",
    "iaan_small": "whose fusion iaan_small reads none. Here audio= may be mfcc, ",
    "listener_adaptive": "Here audio= may be mfcc, ",
    "nonverbal_vocalization": "add fusion=concat",
    "nonverbal_vocalization_small": "add fusion=concat",
    "semantic_paralinguistic": "add fusion=concat",
}
"""Fusions that a vector of sound beside words does not suit, and what is said."""


@pytest.mark.parametrize("fusion", config_names("fusion"))
def test_a_fusion_takes_a_step_with_exchanged_modalities_or_is_refused(fusion: str) -> None:
    """As a search over ``fusion=gated,tfn,...`` beside ``audio=functionals text=words`` asks."""
    words = ["system=speech_text", f"fusion={fusion}", "audio=functionals", "text=words"]
    places = ["corpus=generic", "protocol=ravdess8_speaker24"]
    if fusion in REFUSED:
        with pytest.raises(MmserError) as error:
            trained_once(compose("train", [*words, *places])["model"])
        assert REFUSED[fusion] in str(error.value)
        return
    before, after, gradients = trained_once(compose("train", [*words, *places])["model"])
    assert math.isfinite(before) and math.isfinite(after)
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def trained_once(config: dict[str, Any]) -> tuple[float, float, list[torch.Tensor | None]]:
    """The loss of a batch before and after a step of Adam, and the gradients of the step."""
    shapes = {name: shape_of(made, None) for name, made in built(config)["encoders"].items()}
    torch.manual_seed(0)
    sizes = {name: shape.size for name, shape in shapes.items()}
    model = make_model(config, sizes, Task(classes=("angry", "happy", "sad"))).train()
    generator = torch.Generator().manual_seed(1)
    streams = {name: shape.example(generator) for name, shape in shapes.items()}
    rows = len(next(iter(streams.values())).mask)
    parameters = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def loss() -> torch.Tensor:
        outputs = model(streams, empty_context(rows))
        assert outputs.logits is not None
        return torch.nn.functional.cross_entropy(outputs.logits, torch.arange(rows) % 3)

    before = loss()
    before.backward()
    optimizer.step()
    gradients = [each.grad for each in parameters]
    with torch.no_grad():
        return before.item(), loss().item(), gradients

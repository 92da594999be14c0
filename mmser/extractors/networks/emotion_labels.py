"""What the small files beside published emotion recognisers say: their kind, and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mmser.core.errors import MmserError
from mmser.core.saved import read_saved_json

Kind = Literal["transformers", "dense", "odyssey", "emotion2vec", "text"]
EMOTION2VEC_LABELS = (
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "other",
    "sad",
    "surprised",
    "unknown",
)
"""Of every emotion2vec+ (its model card), in the order of its outputs."""

_EMOTION2VEC_FILES = ("model.pt", "model.safetensors")
_ODYSSEY = {"mean", "std", "classifier_hidden_layers"}
"""What only the config of its baselines says: the level of the corpus, and how deep the head is."""
_DENSE = "ForSpeechClassification"
"""How the classes end that were published with a dense head; transformers has none of that name."""


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """``labels`` in the order of the outputs, as the checkpoint spells them; ``config`` is its
    config.json, empty for emotion2vec.
    """

    kind: Kind
    labels: tuple[str, ...]
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def modality(self) -> Literal["audio", "text"]:
        """What it reads of a clip."""
        return "text" if self.kind == "text" else "audio"


def checkpoint_facts(path: Path) -> CheckpointFacts:
    """Kind and labels of a folder or file of weights; no tensor is read.

    Raises MmserError where it is no emotion recogniser of a kind that is known here.
    """
    config_file = path / "config.json"
    if not config_file.is_file():
        emotion2vec_file(path)
        return CheckpointFacts("emotion2vec", _emotion2vec_labels(path))
    config = read_saved_json(config_file)
    if not isinstance(config, Mapping):
        raise MmserError(f"a mapping in {config_file}", type(config).__name__, "Download it again.")
    return CheckpointFacts(_kind(path, config), _labels(config_file, config), config)


def emotion2vec_file(path: Path) -> Path:
    """The file of an emotion2vec+, which may be named itself. Raises MmserError without one."""
    if path.is_file():
        return path
    for name in _EMOTION2VEC_FILES:
        if (path / name).is_file():
            return path / name
    raise MmserError(
        "an emotion recogniser: a folder with config.json, or emotion2vec+'s model.pt",
        f"neither in {path}",
        "Name a folder that was downloaded whole.",
    )


def _kind(path: Path, config: Mapping[str, Any]) -> Kind:
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES as SPEECH,
    )
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as TEXT,
    )

    architectures = [str(name) for name in config.get("architectures") or ()]
    model_type = config.get("model_type")
    if config.keys() >= _ODYSSEY:
        return "odyssey"
    if any(name.endswith(_DENSE) for name in architectures):
        return "dense"
    if SPEECH.get(str(model_type)) in architectures:
        return "transformers"
    if TEXT.get(str(model_type)) in architectures:
        _check_one_label(path, config)
        return "text"
    raise MmserError(
        f"an emotion recogniser in {path}: a class of transformers for the classification of sound "
        "or text, ...ForSpeechClassification, or Odyssey 2024's",
        f"model_type {model_type}, architectures {', '.join(architectures) or 'none'}",
        "docs/judges.md lists what can be read.",
    )


def _check_one_label(path: Path, config: Mapping[str, Any]) -> None:
    if config.get("problem_type") == "multi_label_classification":
        raise MmserError(
            f"a recogniser of one emotion for each text in {path}",
            "problem_type multi_label_classification",
            "Its answers are no probabilities of classes: name another one.",
        )


def weights_file(path: Path) -> Path:
    """The file of all tensors of a folder. Raises MmserError where there is none."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (path / name).is_file():
            return path / name
    raise MmserError(
        f"model.safetensors or pytorch_model.bin in {path}", "neither", "Download it again."
    )


def _labels(path: Path, config: Mapping[str, Any]) -> tuple[str, ...]:
    by_number = config.get("id2label")
    try:
        labels = {int(number): str(label) for number, label in dict(by_number or {}).items()}
    except (TypeError, ValueError):
        labels = {}
    if not labels or sorted(labels) != list(range(len(labels))):
        raise MmserError(
            f"id2label with the numbers 0, 1, ... in {path}", f"{by_number}"[:200], "Mend the file."
        )
    return tuple(labels[number] for number in range(len(labels)))


def _emotion2vec_labels(path: Path) -> tuple[str, ...]:
    folder = path.parent if path.is_file() else path
    file = folder / "tokens.txt"
    if not file.is_file():
        return EMOTION2VEC_LABELS
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())

"""What the small files beside published emotion recognisers say: their kind, and their labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from mmser.core.clip import Modality
from mmser.core.errors import MmserError, reason_of
from mmser.core.saved import read_saved_json
from mmser.models.layers.checkpoints.tensors import read_tensors

Kind = Literal["transformers", "dense", "odyssey", "emotion2vec", "text", "picture", "face_api"]
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

FACE_API = "fc/weights"
"""The tensor (feature, expression) that tells face-api's expression network."""
_PICTURE_HEAD = re.compile(r"classifier(\.\d+)?\.weight")
_EMOTION2VEC_FILES = ("model.pt", "model.safetensors")
_ODYSSEY = {"mean", "std", "classifier_hidden_layers"}
"""What only the config of its baselines says: the level of the corpus, and how deep the head is."""
_DENSE = "ForSpeechClassification"
"""How the classes end that were published with a dense head; transformers has none of that name."""


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """``labels`` in the order of the outputs, as the checkpoint spells them.

    ``config`` is its config.json, empty where it has none. ``features`` is how many numbers an
    extractor of pictures gives behind the answers.
    """

    kind: Kind
    labels: tuple[str, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    features: int = 0

    @property
    def modality(self) -> Modality:
        """What it reads of a clip."""
        others: dict[Kind, Modality] = {"text": "text", "picture": "face", "face_api": "face"}
        return others.get(self.kind, "audio")

    @property
    def gives_probabilities(self) -> bool:
        """Whether its extractor gives probabilities, frame by frame, in place of logits."""
        return self.modality == "face"


def checkpoint_facts(path: Path) -> CheckpointFacts:
    """Kind and labels of a folder or file of weights; no tensor is read.

    Raises MmserError where it is no emotion recogniser of a kind that is known here.
    """
    config_file = path / "config.json"
    if not config_file.is_file():
        emotion2vec_file(path)
        shapes = _shapes(path) if path.is_file() and path.suffix == ".safetensors" else {}
        if FACE_API in shapes:
            from mmser.extractors.networks.face_api import EXPRESSIONS

            return CheckpointFacts("face_api", EXPRESSIONS, features=shapes[FACE_API][0])
        return CheckpointFacts("emotion2vec", _emotion2vec_labels(path))
    config = read_saved_json(config_file)
    if not isinstance(config, Mapping):
        raise MmserError(f"a mapping in {config_file}", type(config).__name__, "Download it again.")
    kind = _kind(path, config)
    features = _picture_features(path) if kind == "picture" else 0
    return CheckpointFacts(kind, _labels(config_file, config), config, features)


def _picture_features(path: Path) -> int:
    """How many numbers the head of a classifier of pictures reads."""
    for name, shape in _shapes(weights_file(path)).items():
        if _PICTURE_HEAD.fullmatch(name) and len(shape) == 2:
            return shape[1]
    raise MmserError(
        f"the weight of a classifier in {path}",
        "none",
        "Name a ViT, a ResNet or a similar classifier.",
    )


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor in a file."""
    if file.suffix != ".safetensors":
        return {name: tuple(tensor.shape) for name, tensor in read_tensors(file).items()}
    try:
        with safe_open(file, framework="pt") as tensors:
            return {
                name: tuple(tensors.get_slice(name).get_shape())
                for name in tensors.keys()  # noqa: SIM118 - no mapping
            }
    except (OSError, SafetensorError) as error:
        raise MmserError(f"an undamaged {file}", reason_of(error), "Place it again.") from error


def emotion2vec_file(path: Path) -> Path:
    """The file of an emotion2vec+, which may be named itself. Raises MmserError without one."""
    if path.is_file():
        return path
    for name in _EMOTION2VEC_FILES:
        if (path / name).is_file():
            return path / name
    raise MmserError(
        "an emotion recogniser: a folder with config.json, emotion2vec+'s model.pt, or "
        "face_expression.safetensors",
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
    if any(name.endswith("ForImageClassification") for name in architectures):
        return "picture"
    if TEXT.get(str(model_type)) in architectures:
        _check_one_label(path, config)
        return "text"
    raise MmserError(
        f"an emotion recogniser in {path}: a class of transformers for the classification of "
        "sound, text or pictures, ...ForSpeechClassification, or Odyssey 2024's",
        f"model_type {model_type}, architectures {', '.join(architectures) or 'none'}",
        "docs/judges.md lists what can be read.",
    )


def _check_one_label(path: Path, config: Mapping[str, Any]) -> None:
    if config.get("problem_type") == "multi_label_classification":
        raise MmserError(
            f"a recogniser of one emotion for each text in {path}",
            "problem_type multi_label_classification",
            "Its answers are not class probabilities: name another recogniser.",
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
            f"id2label with the numbers 0, 1, ... in {path}",
            f"{by_number}"[:200],
            "Correct the file.",
        )
    return tuple(labels[number] for number in range(len(labels)))


def _emotion2vec_labels(path: Path) -> tuple[str, ...]:
    folder = path.parent if path.is_file() else path
    file = folder / "tokens.txt"
    if not file.is_file():
        return EMOTION2VEC_LABELS
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())

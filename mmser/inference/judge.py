"""A published emotion recogniser as a trained system: nothing of it was trained here.

It judges a recording as a trained fold does, through the same reader and with the same outputs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT, recipe_of
from mmser.composition import built, load_part
from mmser.composition.words import read_words
from mmser.core.contracts import Extractor
from mmser.core.emotion_names import emotion_name, is_dimensional, is_numbered
from mmser.core.errors import UsageError
from mmser.core.task import Task
from mmser.core.weights import Weights
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms
from mmser.extraction.extractor_files import Named
from mmser.extractors.networks.emotion_labels import CheckpointFacts, checkpoint_facts
from mmser.inference.trained import Member, StreamSource
from mmser.models.multimodal import build_model

EXTRACTORS = {"text": "emotion_text", "picture": "emotion_picture", "face_api": "face_expression"}
SPEECH = "emotion_checkpoint"
"""Which extractor reads a checkpoint of a kind; of all other kinds the one of speech."""
FOLD = "published"
"""The name of its only fold."""

Labels = Mapping[str, str | None]
"""{label of the checkpoint: name here, None where it is left out}, as a user writes it."""


def open_weights(model: str, folder: str = "weights") -> Weights:
    """What ``model`` names: a folder, a file, or a hub id (owner/name@commit)."""
    name, _, revision = model.partition("@")
    source = model if Path(model).expanduser().exists() else name
    return Weights(source, revision or None, folder, "the emotion recogniser")


def read_labels(text: str) -> Labels:
    """``{ang: angry, oth: null}`` as a user types it. Raises UsageError for anything else."""
    try:
        content = read_words([f"labels={text}"])[0].parsed()
    except UsageError:
        content = None
    values = content.values() if isinstance(content, dict) else [text, 0]
    if not all(value is None or isinstance(value, str) for value in values):
        raise UsageError("labels={LABEL: name, LABEL: null}", text, "Correct it.")
    return {str(label): name for label, name in content.items()}


def renamed(facts: CheckpointFacts, labels: Labels) -> list[str | None]:
    """The name here of each answer, by ``labels`` or else by its spelling; None: left out.

    Raises UsageError for a label that is a number alone and has no name, and for names of labels
    that the checkpoint has not.
    """
    given = {emotion_name(label): name for label, name in labels.items()}
    own = [emotion_name(label) for label in facts.labels]
    if set(given) - set(own):
        raise UsageError(
            f"labels among {', '.join(facts.labels)}", ", ".join(labels), "Correct labels={...}."
        )
    nameless = [one for one in facts.labels if is_numbered(one) and emotion_name(one) not in given]
    if nameless:
        raise UsageError(
            "labels that name emotions",
            ", ".join(nameless[:5]),
            f"Name them: labels={{{nameless[0]}: angry, ...}}, null for one to leave out.",
        )
    return [given.get(name, name) for name in own]


class Judge:
    """A checkpoint as `mmser.inference.trained.Trained`, with one model of no parameters.

    ``labels`` are names that override those by spelling.
    """

    training_lengths = None
    corpus_files = None
    names: Sequence[tuple[str, int]] = ((FOLD, 0),)

    def __init__(self, model: str, weights: str = "weights", labels: Labels | None = None) -> None:
        """Raises MmserError when the checkpoint is not there, or none that can be read."""
        self.name, self.weights = model, weights
        self.named_files: Named = {}
        source = open_weights(model, weights)
        facts = checkpoint_facts(source.path)
        self.stream: str = facts.modality
        extractor = judge_extractor(facts, source.path, {"weights": weights})
        transcript = {"source": CORPUS_TRANSCRIPT} if facts.modality == "text" else None
        self._info = recipe_of(extractor_name(facts), extractor, transcript).info()
        self._is_of_probabilities = facts.gives_probabilities
        self.answers = [*renamed(facts, labels or {}), *[None] * facts.features]
        named = tuple(dict.fromkeys(name for name in self.answers if name is not None))
        if not named:
            raise UsageError("a label that is not left out", "none", "Correct labels={...}.")
        self.task = Task(values=named) if is_dimensional(named) else Task(classes=named)

    @property
    def data(self) -> Mapping[str, Any]:
        return {"alignment": "native", "grid_rate": None, "word_stream": None}

    @cached_property
    def sources(self) -> Mapping[str, StreamSource]:
        spec = StreamSpec(self._info["extractor"])
        return {self.stream: StreamSource(spec, self._info, Shape((len(self.answers),)))}

    def members(self, names: Collection[tuple[str, int]] | None = None) -> list[Member]:
        """The one model, if it is among ``names``."""
        if names is not None and self.names[0] not in names:
            return []
        sizes = {self.stream: len(self.answers)}
        encoders = {self.stream: built(load_part("encoder", "identity"))}
        fusion = built(load_part("fusion", "concat"))
        options = {"answers": self.answers, "probabilities": self._is_of_probabilities}
        head = built({**load_part("head", "label_map"), **options})
        model = build_model(encoders, fusion, head, sizes, self.task).eval()
        return [Member(FOLD, 0, model, Transforms({}), self.task)]


def extractor_name(facts: CheckpointFacts) -> str:
    """The extractor of a checkpoint's answers."""
    return EXTRACTORS.get(facts.kind, SPEECH)


def judge_extractor(facts: CheckpointFacts, place: Path, paths: Mapping[str, str]) -> Extractor:
    """That extractor, of the checkpoint at ``place``."""
    part = load_part("extractor", extractor_name(facts), paths)
    arguments: dict[str, Any] = {"weights": str(place)}
    if facts.kind == "picture":
        from mmser.extractors.networks.picture_encoder import read_preparation

        arguments |= {"labels": list(facts.labels), "size": facts.features}
        arguments |= {"image_size": read_preparation(place).side}
    extractor: Extractor = built({**part, **arguments})
    return extractor

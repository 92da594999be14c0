"""One vector for a whole text, by a sentence encoder.

Source: Reimers and Gurevych, "Sentence-BERT: sentence embeddings using siamese BERT-networks",
EMNLP 2019. MiniLM: Wang et al., NeurIPS 2020.

A folder of sentence-transformers says in modules.json how tokens are pooled and whether the vector
is brought to unit length; arguments that say something else are an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError, reason_of
from mmser.core.saved import read_saved_json
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.length_batches import length_batches
from mmser.extractors.clips.outcomes import checked, transcript_of
from mmser.extractors.networks.devices import Placement
from mmser.extractors.transcripts.pieces import (
    HASHED_VOCABULARY,
    Tokenizer,
    tokenizer_of,
    whole_text_within,
)
from mmser.extractors.transcripts.word_spans import span_of

Pooling = Literal["mean", "first"]
_MODES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "first"}
"""What sentence-transformers calls the poolings that this extractor has."""


@dataclass(frozen=True)
class _Text:
    """Sub-word ids with marks; ``span`` (1, 2) seconds where words have times; what was cut."""

    ids: list[int]
    span: np.ndarray | None
    notes: str


@dataclass(frozen=True, kw_only=True)
class Sentence(Placement):
    """transcript -> sub-words -> Transformer -> one vector, (1, size).

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded two-layer network of the
            same size over hashed sub-words.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: feature dimension; another one in the checkpoint is an error.
        pooling: ``mean`` of all sub-words, marks included; ``first``: the start mark's vector.
        normalised: whether the vector is brought to unit length.
        limit: sub-words kept from the start, marks included, if the network has as many positions;
            what is dropped is noted.
        batch_pieces: most sub-words, padding included, in one pass.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "float32"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "weights/all-MiniLM-L6-v2"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int = 384
    pooling: Pooling = "mean"
    normalised: bool = True
    limit: int = 256
    batch_pieces: int = field(default=4096, metadata=WITHOUT_EFFECT)

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the sentence encoder")

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "sentence", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (1, size) float32 array per clip, with a span where words have times."""
        from mmser.extractors.networks.text_encoder import last_layers

        results: dict[int, Features | Failure] = {}
        texts: dict[int, _Text] = {}
        for position, clip in enumerate(clips):
            transcript = transcript_of(clip)
            if isinstance(transcript, Failure):
                results[position] = transcript
            else:
                texts[position] = self._text(transcript)
        positions = list(texts)
        lengths = [len(texts[position].ids) for position in positions]
        for batch in length_batches(lengths, self.batch_pieces):
            rows = [positions[place] for place in batch]
            ids = [texts[row].ids for row in rows]
            states = last_layers(
                self._model, ids, self._tokenizer.padding, precision=self.precision
            )
            for row, values in zip(rows, states, strict=True):
                text = texts[row]
                features = Features(self._pooled(values)[None], spans=text.span, notes=text.notes)
                results[row] = checked(clips[row], features)
        return [results[position] for position in range(len(clips))]

    def _text(self, transcript: Transcript) -> _Text:
        text = transcript.text.strip()
        ids, notes = whole_text_within(self._tokenizer, text, self._most)
        return _Text(ids, span_of(transcript), notes)

    @cached_property
    def _most(self) -> int:
        """Sub-words: the limit, or what the network has positions for."""
        from mmser.models.layers.checkpoints.pretrained import positions_of

        return min(self.limit, positions_of(self._model) or self.limit)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.checkpoint, by_word=False)

    @cached_property
    def _model(self) -> Any:
        from mmser.extractors.networks.text_encoder import new_text_encoder, read_text_encoder

        if self.checkpoint.is_random:
            return self.placed(
                self.seeded(lambda: new_text_encoder(HASHED_VOCABULARY, self.size, layers=2))
            )
        folder = self.checkpoint.path
        self._check_modules(folder)
        return self.placed(read_text_encoder(folder, self.size))

    def _check_modules(self, folder: Path) -> None:
        """Raise MmserError where a folder of sentence-transformers says another pooling."""
        if not (folder / "modules.json").is_file():
            return
        stated = _stated_modules(folder)
        ours = ["Transformer", f"Pooling ({self.pooling})", *["Normalize"] * self.normalised]
        if stated != ours:
            raise MmserError(
                f"{', '.join(ours)}, as the arguments say, in {folder}/modules.json",
                ", ".join(stated),
                "Set `pooling` and `normalised` as the checkpoint says; no other module is read.",
            )

    def _pooled(self, states: np.ndarray) -> np.ndarray:
        """(sub-word, size) -> (size,)."""
        vector = states.mean(axis=0) if self.pooling == "mean" else states[0]
        return vector / max(float(np.linalg.norm(vector)), 1e-12) if self.normalised else vector


def _stated_modules(folder: Path) -> list[str]:
    """The modules that sentence-transformers would run, in order, the pooling with its modes."""
    modules = []
    try:
        for module in read_saved_json(folder / "modules.json"):
            kind = module["type"].rpartition(".")[2]
            if kind == "Pooling":
                settings = read_saved_json(folder / module["path"] / "config.json")
                modes = [_MODES.get(key, key) for key in settings if _is_mode(key, settings)]
                kind = f"Pooling ({' + '.join(modes)})"
            modules.append(kind)
    except (TypeError, KeyError, AttributeError, OSError) as error:
        expected = f"modules of sentence-transformers in {folder}"
        raise MmserError(expected, reason_of(error), "Download it again.") from error
    return modules


def _is_mode(key: str, settings: Mapping[str, Any]) -> bool:
    """Whether this setting of a pooling names a mode that is on."""
    return key.startswith("pooling_mode_") and settings[key] is True

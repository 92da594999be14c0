"""The Protocols a plug-in fulfils. Nothing inherits from them; mypy and the contract tests check
them.

A config in ``configs/<group>/`` names the class (``_target_``) and its flat arguments. Groups whose
plug-ins need dimensions known only later carry ``_partial_: true`` and are called by name:

===========  =================================================================
encoder      ``partial(input_size=int)``
fusion       ``partial(input_sizes={stream: int})``, with ``task=Task`` where its signature has one
head         ``partial(input_size=int, task=Task)``
objective    ``partial(task=Task, vector_size=int)``
optimizer    ``partial(parameters)``
scheduler    ``partial(optimizer, epochs=int, steps_per_epoch=int)`` -> Schedule or None
===========  =================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.utterance import Utterance

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from mmser.core.batch import Batch, Context, Fused, Outputs, Stream
    from mmser.core.weights import Weights


@runtime_checkable
class Corpus(Protocol):
    """A folder as its owner ships it. ``name`` is the corpus's name in the manifest."""

    name: str

    def utterances(self) -> Iterator[Utterance]:
        """List every labelled utterance; raises MmserError when the folder is not this corpus."""
        ...


StreamKind = Literal["features", "waveform", "words", "tokens", "characters"]
"""What the steps of a stream are: vectors (time, feature), or one number each."""


@runtime_checkable
class Extractor(Protocol):
    """A pure function of clips, frozen by its parameters. Every member is stated, none guessed.

    Most members are class attributes; one that depends on an argument is a property. A user's own
    extractor without one of them is refused with its name (`mmser.cache.fingerprint.recipe_of`).
    """

    @property
    def modality(self) -> Modality:
        """What it reads of a clip."""
        ...

    @property
    def gives(self) -> StreamKind:
        """What its arrays hold, as an encoder's ``reads`` names it."""
        ...

    @property
    def feature_size(self) -> int:
        """Length of the last axis of its arrays; 1 where time is their only axis."""
        ...

    @property
    def dtype(self) -> str:
        """How a cache stores its values: float16 where that was shown to be harmless, else float32;
        int32 or int64 for whole numbers.
        """
        ...

    @property
    def version(self) -> int:
        """Counts, from 1 on, the changes of its code that changed its values."""
        ...

    @property
    def sample_rate(self) -> int | None:
        """Hz of the sound that it reads; None: it reads no sound."""
        ...

    @property
    def checkpoint(self) -> Weights | None:
        """The file or folder that its fingerprint knows by a digest; None: it reads none.

        Random weights mark every cache that is made with them.
        """
        ...

    def parameters(self) -> Mapping[str, Any]:
        """Everything that determines the output (JSON values), weights by their digest: the
        fingerprint's input.
        """
        ...

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One result per clip, in order; a result never depends on the companions beyond the stated
        tolerance.

        Several threads may call it at once, after a first call has returned.
        """
        ...


@runtime_checkable
class Transcriber(Protocol):
    """An ASR back end."""

    name: str

    def parameters(self) -> Mapping[str, Any]: ...

    def transcribe(self, waveforms: Sequence[np.ndarray]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz; silence gives a Transcript with empty text."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Stream -> Stream; an utterance-level vector is time = 1.

    ``output_size`` is the feature dimension. An encoder of other streams than features is a
    `KindReader` too. One whose ``input_size`` is fixed says so in ``feature_shape``.
    """

    output_size: int

    def __call__(self, stream: Stream) -> Stream: ...


@runtime_checkable
class KindReader(Protocol):
    """An encoder that says which kind of stream it reads; one that does not reads features.

    Values are float (batch, sample) of a waveform, long (batch, time) of words and tokens.
    """

    @property
    def reads(self) -> StreamKind:
        """The kind of its stream, as the extractor's ``gives`` names it."""
        ...


def kind_read(encoder: object) -> StreamKind:
    """The kind of stream that an encoder, or a class of encoders, reads."""
    return encoder.reads if isinstance(encoder, KindReader) else "features"


@runtime_checkable
class WordEncoder(Protocol):
    """An encoder whose word embeddings may start from pretrained vectors."""

    embedding: nn.Embedding

    def set_vectors(self, vectors: Tensor) -> None:
        """Start from ``vectors`` (vocabulary, feature); a row of NaN leaves its word as it is."""
        ...


@runtime_checkable
class Fusion(Protocol):
    """(streams, context) -> Fused; ``output_size`` is the dimension of ``Fused.vector``."""

    output_size: int

    def __call__(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused: ...


@runtime_checkable
class NamedStreamsFusion(Protocol):
    """A fusion for streams of certain names alone."""

    @property
    def stream_names(self) -> tuple[str, ...]:
        """The names that a stream may have."""
        ...


@runtime_checkable
class Head(Protocol):
    """vector (batch, feature) -> (logits or None, values or None)."""

    def __call__(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]: ...


@runtime_checkable
class SequenceHead(Protocol):
    """A head that is given `Fused.sequence`, all steps, in place of the vector."""

    @property
    def takes_sequence(self) -> Literal[True]:
        """Tells it from a head of one vector, which has no such attribute."""
        ...

    def __call__(self, sequence: Stream) -> tuple[Tensor | None, Tensor | None]: ...


class Model(Protocol):
    """(streams, context) -> Outputs. A model never sees a label."""

    vector_size: int

    def __call__(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Outputs: ...


@runtime_checkable
class Objective(Protocol):
    """One training paradigm: named losses, each already weighted; the learner steps on their sum.

    Optional attributes the learner heeds: ``whole_epoch`` (True: reads only logits, values, vector,
    losses and targets, so the validation loss is computed over the whole part at once),
    ``progress`` (set before each step to the share of training done) and ``after_step(model)``.
    """

    def __call__(self, model: Model, batch: Batch) -> dict[str, Tensor]: ...

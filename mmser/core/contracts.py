"""The Protocols a plug-in fulfils.

Nothing inherits from them; mypy and the contract tests check them.

A config in ``configs/<group>/`` names the class (``_target_``) and its flat arguments. Groups whose
plug-ins need dimensions known only later carry ``_partial_: true`` and are called by name:

===========  =================================================================
encoder      ``partial(input_size=int)``
fusion       ``partial(input_sizes={stream: int})``, with ``task=Task`` where its signature has one
head         ``partial(input_size=int, task=Task)``
objective    ``partial(task=Task, vector_size=int)``: a `Loss`, or an `Objective` of its own
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

    from mmser.core.batch import Batch, Context, Fused, Outputs, Step, Stream
    from mmser.core.weights import Weights


@runtime_checkable
class Corpus(Protocol):
    """A folder as its owner ships it. ``name`` is the corpus's name in the manifest."""

    name: str

    def utterances(self) -> Iterator[Utterance]:
        """List every labelled utterance; raises MmserError when the folder is not this corpus."""
        ...


StreamKind = Literal["features", "layers", "waveform", "words", "tokens", "characters"]
"""What the steps of a stream are.

Vectors (time, feature), those of every layer of a network (time, layer, feature), or one number
each.
"""


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
        """How a cache stores its values.

        float16 where that was shown to be harmless, else float32; int32 or int64 for whole numbers.
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
        """Everything that determines the output, as JSON values: the fingerprint's input.

        Weights appear by their digest.
        """
        ...

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One result per clip, in order.

        A result does not depend on the other clips of the call, beyond the stated tolerance.
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

    # A plain number: from Python 3.12 on isinstance does not see what a torch module registers.
    vector_size: int

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
    """A head that is given `Fused.sequence`, a Stream, in place of the vector."""

    def __call__(self, sequence: Stream) -> tuple[Tensor | None, Tensor | None]: ...

    def steps(self, sequence: Stream) -> tuple[Tensor | None, Tensor | None]:
        """(batch, step, feature) -> logits (batch, step, class), values (batch, step, value)."""
        ...


@runtime_checkable
class ListenerHead(Protocol):
    """A head that also answers for single annotators."""

    def listener_logits(self, vector: Tensor) -> Tensor:
        """The vector of a model whose context names listeners -> (batch, listener, class)."""
        ...


class Model(Protocol):
    """(streams, context) -> Outputs. A model never sees a label.

    ``encoders`` maps the streams it reads to their encoders. ``need_steps`` asks for
    `Outputs.steps`, which a model leaves None where it cannot answer at every step.
    """

    vector_size: int
    encoders: nn.ModuleDict

    def __call__(
        self,
        streams: Mapping[str, Stream],
        context: Context,
        need_attention: bool = False,
        need_steps: bool = False,
    ) -> Outputs: ...


@runtime_checkable
class HeadedModel(Protocol):
    """A model whose head can be asked by itself."""

    head: nn.Module


class Loss(Protocol):
    """Answers beside labels: named losses, each already weighted, and no model in sight.

    What a loss wants beyond the outputs it says by being one of the Protocols below.
    """

    def __call__(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]: ...


@runtime_checkable
class SplitLoss(Protocol):
    """A loss that validation computes once over all rows of the split.

    The CCC of a split is not the mean of its batches' CCCs. True promises that the loss reads
    logits, values, vector and targets alone, which have a row per utterance. Other losses are
    computed batch by batch, and averaged with the number of rows as weights.
    """

    whole_split: bool


@runtime_checkable
class StepLoss(Protocol):
    """A loss that reads `Outputs.steps`."""

    def needs_steps(self, batch: Batch) -> bool:
        """Whether the model is to be asked for them in this batch."""
        ...


@runtime_checkable
class TraceLoss(Protocol):
    """A loss of values traced over time: validation scores all frames, not utterances' means."""

    def paired_frames(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Predictions and labels (batch, time, value), a label NaN where either is missing.

        None where this batch has no traced labels.
        """
        ...


@runtime_checkable
class RampedLoss(Protocol):
    """A loss that changes with training: ``progress`` is set to the share of it that is done."""

    progress: float


@runtime_checkable
class AlternatingLoss(Protocol):
    """A loss that changes after each step of the optimizer."""

    def after_step(self) -> None: ...


@runtime_checkable
class Objective(Protocol):
    """One training paradigm: how a step is made.

    Most training is supervised: the model runs once, and a loss reads its outputs.
    """

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """The losses of one batch; ``progress`` is the share of training done, 0 to 1."""
        ...


@runtime_checkable
class FollowingObjective(Protocol):
    """A paradigm that acts after each step of the optimizer, such as moving a teacher."""

    def after_step(self, model: Model) -> None: ...

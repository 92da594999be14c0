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
    from torch import Tensor

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
    """Stream -> Stream; an utterance-level vector is time = 1. ``output_size`` is the feature
    dimension.

    An encoder of other than float (batch, time, feature) says so in a class attribute ``reads``:
    "waveform" (float, (batch, sample)), "words" or "tokens" (long, (batch, time)); steps that are
    no vectors in ``feature_shape``.
    """

    output_size: int

    def __call__(self, stream: Stream) -> Stream: ...


@runtime_checkable
class Fusion(Protocol):
    """(streams, context) -> Fused; ``output_size`` is the dimension of ``Fused.vector``.

    A fusion that knows only certain stream names says so in a class attribute ``known_streams``.
    """

    output_size: int

    def __call__(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused: ...


@runtime_checkable
class Head(Protocol):
    """vector (batch, feature) -> (logits or None, values or None).

    A head whose class attribute ``reads`` is "sequence" is given `Fused.sequence` instead, a
    Stream.
    """

    def __call__(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]: ...


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

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
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.utterance import Utterance

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from mmser.core.batch import Batch, Context, Fused, Outputs, Stream


@runtime_checkable
class Corpus(Protocol):
    """A folder as its owner ships it. ``name`` is the corpus's name in the manifest."""

    name: str

    def utterances(self) -> Iterator[Utterance]:
        """List every labelled utterance; raises MmserError when the folder is not this corpus."""
        ...


@runtime_checkable
class Extractor(Protocol):
    """A pure function of clips, frozen by its parameters.

    One that gives other than float (time, feature) says so in a class attribute ``gives``:
    "waveform", "words", "tokens" or "characters", the words of `Encoder`'s ``reads``. One that
    hears sound at another rate than 16 kHz says so in an attribute ``sample_rate`` (Hz).
    """

    modality: Modality

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

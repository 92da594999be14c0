"""A trained system as a Python object: ``mmser.load("hf:owner/name").predict("clip.mp4")``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.contracts import Transcriber
from mmser.core.errors import MmserError
from mmser.extraction.extractor_files import Named
from mmser.inference.attended import Attended
from mmser.inference.cutting import Cutting
from mmser.inference.enrolment import with_enrolled
from mmser.inference.opening import open_trained
from mmser.inference.reader import Reader
from mmser.inference.segments import Segment
from mmser.inference.timeline import find_transcriber, predict_with
from mmser.inference.trained import Member, Trained, choose_members
from mmser.media.decoder import Decoder
from mmser.models.multimodal import MultimodalModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def load(
    source: str | Path | Trained,
    revision: str | None = None,
    weights: str | None = None,
    fold: str | None = None,
    seed: int | None = None,
    named_files: Named | None = None,
) -> Recogniser:
    """Open a model folder, a run's folder, "hf:owner/name" at ``revision``, or a `Judge`.

    ``revision`` is a commit, a tag or a branch. ``weights`` is the folder of the extractors'
    pretrained weights, where the system reads through any, ``named_files`` those that lie
    elsewhere: {extractor: {"weights": path}}; ``fold`` and ``seed`` choose among its models. Raises
    MmserError when it is not there, damaged, of another version, or names parts that are not
    mmser's.
    """
    return Recogniser(open_trained(source, revision, weights, named_files), fold, seed)


class Recogniser:
    """What `load` returns; the models are read once, in evaluation mode, on the CPU.

    ``members`` are the models that vote, each with its fold, seed, transforms and task.
    """

    def __init__(self, trained: Trained, fold: str | None = None, seed: int | None = None) -> None:
        self.trained = trained
        self.members = tuple(trained.members(choose_members(trained.names, fold, seed)))
        self._transcribers: dict[str | None, Transcriber | None] = {}
        self._enrolled: Sequence[Member] | None = None

    def __repr__(self) -> str:
        return (
            f"Recogniser({self.trained.name!r}, members={len(self.members)}, "
            f"classes={self.classes})"
        )

    @property
    def model(self) -> MultimodalModel:
        """The torch module. Raises MmserError when several vote (`members` has them)."""
        if len(self.members) > 1:
            remedy = "Take one of .members, or choose one with fold and seed."
            raise MmserError("one model", f"{len(self.members)} that vote", remedy)
        return self.members[0].model

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the logits; empty for a purely dimensional system."""
        return self.members[0].task.classes

    @property
    def values(self) -> tuple[str, ...]:
        """Dimensions, in the order of the values."""
        return self.members[0].task.values

    @cached_property
    def reader(self) -> Reader:
        """Clips -> batches, through the extractors that made the training data."""
        return Reader(self.trained)

    def predict(
        self,
        path: str | Path,
        asr: str | None = None,
        window: float = 5.0,
        longest: float = 15.0,
        whole: bool = False,
        segments: Sequence[Segment] | None = None,
        progress: bool = False,
        decoder: Decoder | None = None,
        attended: Attended | None = None,
    ) -> pd.DataFrame:
        """The timeline of a video or sound file: see `mmser.inference.timeline.predict_recording`.

        ``segments`` are judged as they are; ``progress`` is shown on a long recording; ``decoder``
        is a process that decodes (None: this one); ``attended`` is filled with what the system
        attends to over time.
        """
        own_segments = None if segments is None else tuple(segments)
        cutting = Cutting(whole, own_segments, window, longest)
        return predict_with(
            self.reader,
            self._enrolled or self.members,
            path,
            self.transcriber(asr),
            cutting,
            progress,
            decoder,
            attended,
        )

    def enrol(
        self,
        paths: Sequence[str | Path],
        asr: str | None = None,
        window: float = 5.0,
        longest: float = 15.0,
        whole: bool = False,
        decoder: Decoder | None = None,
    ) -> Recogniser:
        """Unlabelled recordings of the speaker who is judged from now on; -> the recogniser itself.

        See `mmser.inference.enrolment.with_enrolled`; the other arguments are those of `predict`.
        """
        cutting = Cutting(whole, None, window, longest)
        transcriber = self.transcriber(asr)
        self._enrolled = with_enrolled(
            self.reader, self.members, paths, transcriber, cutting, decoder
        )
        return self

    def transcriber(self, asr: str | None = None) -> Transcriber | None:
        """The speech recogniser, made once: see `mmser.inference.timeline.find_transcriber`."""
        if asr not in self._transcribers:
            self._transcribers[asr] = find_transcriber(self.reader, asr)
        return self._transcribers[asr]

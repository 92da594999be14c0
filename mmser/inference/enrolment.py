"""A new speaker is enrolled: a few recordings of theirs, unlabelled, set their scale.

The scale is the one that the test speakers of a run with ``normalise=speaker_zscore_enrolment``
have (`mmser.data.enrolment`): the enrolled utterances against what is known of the training
speakers, which a model keeps.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmser.core.contracts import Transcriber
from mmser.core.errors import MmserError, UsageError
from mmser.data.enrolment import EnrolledScaler, SpeakerMoments, moments_of
from mmser.data.scaling import Scaler
from mmser.data.transforms import Transforms
from mmser.inference.cutting import Cutting, find_segments
from mmser.inference.own_scale import array_of
from mmser.inference.reader import Reader
from mmser.inference.recording import open_recording
from mmser.inference.segment_features import Work, segment_features
from mmser.inference.trained import Member
from mmser.media.decoder import Decoder

_log = logging.getLogger(__name__)


def to_enrol(members: Sequence[Member]) -> tuple[str, ...]:
    """Streams that wait for the speaker's enrolment."""
    transforms = members[0].transforms.streams
    return tuple(name for name, each in transforms.items() if isinstance(each, EnrolledScaler))


def with_enrolled(
    reader: Reader,
    members: Sequence[Member],
    paths: Sequence[str | Path],
    transcriber: Transcriber | None,
    cutting: Cutting,
    decoder: Decoder | None = None,
) -> list[Member]:
    """The members with the scale of the speaker of ``paths`` in place of `EnrolledScaler`.

    A recording is cut as one that is judged; every part counts as an utterance. Raises UsageError
    where the run wants no enrolment, and MmserError where nothing in the recordings can be read.
    """
    streams = to_enrol(members)
    if not streams:
        raise UsageError(
            "a run with normalise=speaker_zscore_enrolment for --enrol",
            "one that enrols nobody",
            "Leave --enrol out.",
        )
    arrays: dict[str, list[np.ndarray]] = {stream: [] for stream in streams}
    for path in paths:
        for stream, found in _arrays(reader, path, streams, transcriber, cutting, decoder).items():
            arrays[stream] += found
    moments = {stream: moments_of(found) for stream, found in arrays.items()}
    empty = [stream for stream, each in moments.items() if not each.utterances]
    if empty:
        raise MmserError(
            f"recordings with {', '.join(empty)} to enrol the speaker with",
            f"none in {', '.join(Path(path).name for path in paths)}",
            "Give others of the same speaker.",
        )
    counts = ", ".join(f"{stream} by {each.utterances}" for stream, each in moments.items())
    _log.info("enrolled, in utterances: %s", counts)
    return [_enrolled(member, moments) for member in members]


def without_enrolment(members: Sequence[Member], name: str) -> list[Member]:
    """The members with the training speakers' statistics, as of a speaker who is not enrolled."""
    streams = to_enrol(members)
    if streams:
        _log.warning(
            "%s: %s by the statistics of the training speakers, as nobody is enrolled: name "
            "recordings of the same speaker with --enrol",
            name,
            ", ".join(streams),
        )
    return [_enrolled(member, dict.fromkeys(streams)) for member in members]


def _enrolled(member: Member, moments: Mapping[str, SpeakerMoments | None]) -> Member:
    own = {}
    for stream, each in moments.items():
        transform = member.transforms.streams[stream]
        if isinstance(transform, EnrolledScaler):
            own[stream] = Scaler(transform.prior.scale(each))
    return replace(member, transforms=Transforms({**member.transforms.streams, **own}))


def _arrays(
    reader: Reader,
    path: str | Path,
    streams: Sequence[str],
    transcriber: Transcriber | None,
    cutting: Cutting,
    decoder: Decoder | None,
) -> dict[str, list[np.ndarray]]:
    """{stream: its array of each part of the recording that has one}."""
    recording = open_recording(path, decoder)
    has_words = recording.audio and transcriber is not None
    available = {"audio": recording.audio, "text": has_words, "face": recording.video}
    kinds = frozenset(
        kind
        for kind, names in reader.modalities.items()
        if set(names) & set(streams) and available.get(kind)
    )
    segments = find_segments(recording, "face" in kinds, cutting, reader.trained.training_lengths)
    work = Work(reader, recording, segments, kinds, transcriber, shown=False)
    arrays: dict[str, list[np.ndarray]] = {stream: [] for stream in streams}
    with closing(segment_features(work, kinds, streams)) as features:
        for one in features:
            for stream in streams:
                values = array_of(reader.trained.sources[stream], one.streams[stream])
                if values is not None:
                    arrays[stream].append(values)
    return arrays

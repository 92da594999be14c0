"""Per-speaker normalisation of a new recording, by the recording itself.

Its speaker is in no training fold.

As for the validation and test speakers of training (`mmser.data.scaling`), the statistics are those
of all the new speaker's utterances: here the segments of the recording, which is taken to be one
speaker's. They are gathered in a pass of their own, segment by segment, so that memory does not
grow with the recording.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mmser.cache.memory import MemoryStore
from mmser.core.clip import Failure, Features
from mmser.data.dataset import limit_track, read_track
from mmser.data.enrolment import EnrolledScaler
from mmser.data.scaling import Moments, Scale, SpeakerScaler
from mmser.data.transforms import Transforms
from mmser.inference.trained import Member, StreamSource

NOBODY = ""
"""The speaker's name in a batch of a new recording."""
_log = logging.getLogger(__name__)


def speaker_scaled(members: Sequence[Member]) -> tuple[str, ...]:
    """Streams that are normalised per speaker."""
    transforms = members[0].transforms.streams
    return tuple(name for name, each in transforms.items() if isinstance(each, SpeakerScaler))


def with_own_scale(
    members: Sequence[Member],
    sources: Mapping[str, StreamSource],
    segments: Iterable[Mapping[str, Features | Failure]],
) -> list[Member]:
    """The members with the scale of the recording in place of the training speakers'.

    ``segments`` yields the features of each stream of `speaker_scaled`. A stream that no segment
    has needs no scale.
    """
    moments = {stream: Moments() for stream in speaker_scaled(members)}
    count = 0
    for features in segments:
        for stream, statistics in moments.items():
            values = array_of(sources[stream], features[stream])
            if values is not None:
                statistics.add(values)
        count += 1
    own = {stream: each.scale() for stream, each in moments.items() if each.count}
    _log.warning(
        "%s: normalised per speaker, a new one by the %d segment%s of the recording, taken to be "
        "one person's",
        ", ".join(moments),
        count,
        "" if count == 1 else "s",
    )
    return [_scaled(member, own) for member in members]


def array_of(source: StreamSource, features: Features | Failure) -> np.ndarray | None:
    """What the model would read of a segment's stream before any scale, None where it has none."""
    track = limit_track(
        read_track(MemoryStore(source.info, {NOBODY: features}), NOBODY), source.spec
    )
    return None if track is None else track.values


def with_known_scale(members: Sequence[Member], speaker: str) -> list[Member] | None:
    """The members with the scale that each has of ``speaker`` ("corpus/speaker").

    None where one of them has no scale of the speaker.
    """
    rescaled = []
    for member in members:
        scales = {}
        for stream, transform in member.transforms.streams.items():
            if not isinstance(transform, SpeakerScaler | EnrolledScaler):
                continue
            if speaker not in transform.scales:
                return None
            scales[stream] = transform.scales[speaker]
        rescaled.append(_scaled(member, scales))
    return rescaled


def _scaled(member: Member, scales: Mapping[str, Scale]) -> Member:
    own = {stream: SpeakerScaler({NOBODY: scale}) for stream, scale in scales.items()}
    return replace(member, transforms=Transforms({**member.transforms.streams, **own}))

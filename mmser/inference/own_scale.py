"""Per-speaker normalisation of a new recording: its speaker is in no training fold, so it is scaled
by itself.

As for the validation and test speakers of training (`mmser.data.scaling`), the statistics are those
of all the new speaker's utterances: here the segments of the recording, which is taken to be one
speaker's. They are gathered in a pass of their own, segment by segment, so that memory does not
grow with the recording.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mmser.cache.memory import MemoryStore
from mmser.core.clip import Failure, Features
from mmser.data.dataset import limit_track, read_track
from mmser.data.scaling import Moments, Scale, SpeakerScaler
from mmser.data.transforms import Transforms
from mmser.inference.trained import Member, StreamSource

NOBODY = ""
"""The speaker's name in a batch of a new recording."""
_log = logging.getLogger(__name__)


def speaker_scaled(members: Sequence[Member]) -> tuple[str, ...]:
    """Streams that are normalised per speaker."""
    return tuple(
        name
        for name, made in members[0].transforms.streams.items()
        if isinstance(made, SpeakerScaler)
    )


def with_own_scale(
    members: Sequence[Member],
    sources: Mapping[str, StreamSource],
    segments: Iterable[tuple[str, Mapping[str, Features | Failure]]],
) -> list[Member]:
    """The members with the scale of the recording in place of the training speakers'.

    ``segments`` yields (id, features of each stream of `speaker_scaled`). A stream that no segment
    has needs no scale.
    """
    moments = {stream: Moments() for stream in speaker_scaled(members)}
    count = 0
    for identifier, features in segments:
        for stream, known in moments.items():
            store = MemoryStore(sources[stream].info, {identifier: features[stream]})
            if (
                track := limit_track(read_track(store, identifier), sources[stream].spec)
            ) is not None:
                known.add(track.values)
        count += 1
    own = {stream: known.scale() for stream, known in moments.items() if known.count}
    _log.warning(
        "%s: normalised per speaker, a new one by the %d segment%s of the recording, taken to be "
        "one person's",
        ", ".join(moments),
        count,
        "" if count == 1 else "s",
    )
    return [_scaled(member, own) for member in members]


def with_known_scale(members: Sequence[Member], speaker: str) -> list[Member] | None:
    """The members with the scale that each has of ``speaker`` ("corpus/speaker"); None where one
    has none.
    """
    known = []
    for member in members:
        made = {stream: member.transforms.streams[stream] for stream in speaker_scaled([member])}
        scales = {
            s: m.scales[speaker]
            for s, m in made.items()
            if isinstance(m, SpeakerScaler) and speaker in m.scales
        }
        if len(scales) < len(made):
            return None
        known.append(_scaled(member, scales))
    return known


def _scaled(member: Member, scales: Mapping[str, Scale]) -> Member:
    own = {stream: SpeakerScaler({NOBODY: scale}) for stream, scale in scales.items()}
    return replace(member, transforms=Transforms({**member.transforms.streams, **own}))

"""The waveform of a sample, for augmentations that work on one."""

from __future__ import annotations

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.sample import Sample, Track


def waveform_of(sample: Sample, stream: str) -> Track | None:
    """The track of ``stream``, None when absent; raises MmserError for other than a waveform."""
    if stream not in sample.streams:
        raise MmserError(
            f"a stream named '{stream}' to augment",
            f"streams {', '.join(sample.streams)}",
            "Set the augmentation's stream.",
        )
    track = sample.streams[stream]
    if track is not None and (
        track.values.ndim != 1 or not np.issubdtype(track.values.dtype, np.floating)
    ):
        raise MmserError(
            f"a waveform in stream '{stream}'",
            f"steps of shape {track.values.shape[1:]}",
            "Use the extractor `waveform`, or an augmentation of features.",
        )
    return track

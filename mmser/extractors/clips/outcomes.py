"""What an extractor reads of a clip or why it is not there; finite features, or a `Failure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mmser.core.clip import (
    SAMPLE_RATE,
    Clip,
    Failure,
    FailureReason,
    Features,
    Modality,
    Transcript,
)
from mmser.core.words import words_of
from mmser.media.resampling import resampled

_FOREIGN: dict[Modality, frozenset[FailureReason]] = {
    "audio": frozenset({"no video track", "no face", "empty transcript"}),
    "face": frozenset({"no audio track", "silence", "empty transcript"}),
    "text": frozenset({"no video track", "no face"}),
}
_DEFAULT: dict[Modality, FailureReason] = {
    "audio": "no audio track",
    "face": "no video track",
    "text": "empty transcript",
}


def absent(clip: Clip, modality: Modality) -> Failure:
    """The failure of a clip that lacks this modality: the decoder's own reason when it gave one."""
    for failure in clip.failures:
        if failure.reason not in _FOREIGN[modality]:
            return failure
    return Failure(clip.id, _DEFAULT[modality])


def waveform_of(clip: Clip, sample_rate: int = SAMPLE_RATE) -> np.ndarray | Failure:
    """The clip's (sample,) float32 waveform at ``sample_rate`` Hz, or why there is none.

    A clip that was made without that rate (by hand, or disturbed) gives what its waveform at
    `SAMPLE_RATE` holds.
    """
    decoded = clip.sound(sample_rate)
    sound = clip.waveform if decoded is None else decoded
    if sound is None:
        return absent(clip, "audio")
    if sound.size == 0:
        return Failure(clip.id, "zero length", "no samples")
    waveform = np.asarray(sound, dtype=np.float32)
    broken = int(np.count_nonzero(~np.isfinite(waveform)))
    if broken:
        return Failure(clip.id, "not finite", f"{broken} samples of the waveform")
    return resampled(waveform, SAMPLE_RATE, sample_rate) if decoded is None else waveform


def transcript_of(clip: Clip) -> Transcript | Failure:
    """The clip's transcript with at least one word, or why there is none."""
    if clip.transcript is None:
        return absent(clip, "text")
    return (
        clip.transcript if words_of(clip.transcript.text) else Failure(clip.id, "empty transcript")
    )


def frames_of(clip: Clip) -> np.ndarray | Failure:
    """The clip's (time, height, width, 3) uint8 frames, or why there are none."""
    if clip.frames is None:
        return absent(clip, "face")
    return clip.frames if len(clip.frames) else Failure(clip.id, "zero length", "no frames")


def checked(clip: Clip, features: Features) -> Features | Failure:
    """The features, unless one of their values is NaN or infinite."""
    values = features.values
    if np.issubdtype(values.dtype, np.floating):
        broken = int(np.count_nonzero(~np.isfinite(values)))
        if broken:
            return Failure(clip.id, "not finite", f"{broken} of {values.size} feature values")
    return features


def each_waveform(
    clips: Sequence[Clip], compute: Callable[[np.ndarray], Features], sample_rate: int = SAMPLE_RATE
) -> list[Features | Failure]:
    """``compute`` on the waveform at ``sample_rate`` Hz of every clip that has one."""
    results: list[Features | Failure] = []
    for clip in clips:
        waveform = waveform_of(clip, sample_rate)
        results.append(
            waveform if isinstance(waveform, Failure) else checked(clip, compute(waveform))
        )
    return results


def each_transcript(
    clips: Sequence[Clip], compute: Callable[[Transcript], Features]
) -> list[Features | Failure]:
    """``compute`` on the transcript of every clip that has one."""
    results: list[Features | Failure] = []
    for clip in clips:
        transcript = transcript_of(clip)
        results.append(
            transcript if isinstance(transcript, Failure) else checked(clip, compute(transcript))
        )
    return results

"""What a job takes of a clip, and what it stores where there is nothing to take."""

from __future__ import annotations

from dataclasses import replace

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, FailureReason, Modality, Transcript


def spoken(identifier: str, transcript: Transcript | Failure | None) -> Clip:
    """A clip of words alone, or the reason why there are none."""
    if isinstance(transcript, Failure):
        return Clip(identifier, failures=(transcript,))
    return Clip(identifier, transcript=transcript)


def sound_alone(clip: Clip, sample_rate: int) -> Clip:
    """The clip's sound at one rate, and nothing else of it."""
    waveforms = {rate: waveform for rate, waveform in clip.waveforms.items() if rate == sample_rate}
    waveform = clip.waveform if sample_rate == SAMPLE_RATE else None
    return replace(clip, frames=None, waveform=waveform, waveforms=waveforms)


def absent(clip: Clip, modality: Modality) -> Failure:
    """The decoder's own reason why a modality is not there."""
    own = [failure for failure in clip.failures if failure.modality in (None, modality)]
    reasons: dict[Modality, FailureReason] = {
        "audio": "no audio track",
        "face": "no video track",
        "text": "empty transcript",
    }
    return own[0] if own else Failure(clip.id, reasons[modality])


def broken(clip: Clip, detail: str) -> Failure:
    """What is stored where an extractor broke down over a clip; ``detail`` is its error."""
    return Failure(clip.id, "extractor error", detail)


def length_of(clip: Clip) -> int:
    """Samples, frames or characters: whatever the clip of this job holds."""
    for waveform in (clip.waveform, *clip.waveforms.values()):
        if waveform is not None:
            return len(waveform)
    if clip.frames is not None:
        return len(clip.frames)
    return len(clip.transcript.text) if clip.transcript else 0

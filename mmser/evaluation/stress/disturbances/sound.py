"""Disturbed sound: each function maps a waveform (sample,) float32 at 16 kHz to such a one.

Differs from a real recording: noise and reverberation are synthetic unless a folder of recordings
is given, and the level of noise is set against the whole utterance, pauses included.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import UsageError

CENTRE = 500.0
"""Hz; the band-pass of the transfer-learning study lies around it."""

TELEPHONE_RATE = 8_000
BLOCK = 960
"""Samples given to an encoder at a time (a multiple of every codec's frame of 20 ms at 8 and 16
kHz).
"""


def reverberate(waveform: np.ndarray, seconds: float, generator: np.random.Generator) -> np.ndarray:
    """Convolve with exponentially decaying noise that falls by 60 dB in ``seconds`` (T60).

    Length and power stay the same. The direct sound and the reverberation carry the same energy (a
    direct-to-reverberant ratio of 0 dB).
    """
    from scipy.signal import fftconvolve

    if seconds <= 0:
        raise UsageError("a reverberation time above 0 s", f"{seconds}", "Correct it.")
    steps = max(2, round(seconds * SAMPLE_RATE))
    tail = generator.standard_normal(steps) * 10.0 ** (-3.0 * np.arange(steps) / steps)
    tail[0] = 0.0
    response = tail / np.sqrt(np.sum(tail**2))
    response[0] = 1.0
    return _same_power(fftconvolve(waveform, response)[: len(waveform)], waveform)


def band_pass(waveform: np.ndarray, width: float) -> np.ndarray:
    """Causal Butterworth band-pass of ``width`` Hz around `CENTRE`.

    It has order 4 in the design call, and second-order sections. The power is what is left of it:
    narrow bands are quiet, as in the study.
    """
    from scipy.signal import butter, sosfilt

    if not 0 < width < 2 * CENTRE:
        raise UsageError(f"a width between 0 and {2 * CENTRE:g} Hz", f"{width}", "Correct it.")
    edges = [CENTRE - width / 2, CENTRE + width / 2]
    sections = butter(4, edges, btype="bandpass", fs=SAMPLE_RATE, output="sos")
    filtered: np.ndarray = sosfilt(sections, waveform.astype(np.float64)).astype(np.float32)
    return filtered


def clip_share(waveform: np.ndarray, share: float) -> np.ndarray:
    """Cut the peaks so that ``share`` of the samples is clipped."""
    if not 0 <= share < 1:
        raise UsageError("a share of clipped samples in [0, 1)", f"{share}", "Correct it.")
    limit = np.quantile(np.abs(waveform), 1.0 - share)
    return np.clip(waveform, -limit, limit).astype(np.float32)


def change_speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """Play ``factor`` times as fast, pitch and tempo together, as a tape would."""
    from scipy.signal import resample_poly

    if not 0.25 <= factor <= 4:
        raise UsageError("a speed between 0.25 and 4", f"{factor}", "Correct it.")
    ratio = Fraction(factor).limit_denominator(100)
    faster: np.ndarray = resample_poly(waveform, ratio.denominator, ratio.numerator).astype(
        np.float32
    )
    return faster


def telephone(waveform: np.ndarray) -> np.ndarray:
    """Over a telephone line: 8 kHz, G.711 mu-law at 64 kbit/s, 300 to 3400 Hz.

    The band-pass is a Butterworth of 4th order.
    """
    from scipy.signal import butter, resample_poly, sosfilt

    narrow = resample_poly(waveform.astype(np.float64), 1, SAMPLE_RATE // TELEPHONE_RATE)
    line = butter(4, [300, 3400], btype="bandpass", fs=TELEPHONE_RATE, output="sos")
    coded = through_codec(sosfilt(line, narrow).astype(np.float32), "pcm_mulaw", TELEPHONE_RATE)
    wide = resample_poly(coded.astype(np.float64), SAMPLE_RATE // TELEPHONE_RATE, 1)
    return _fitted(wide, len(waveform))


def internet_call(waveform: np.ndarray, kilobits: float) -> np.ndarray:
    """Coded and decoded by Opus at ``kilobits`` per second."""
    if not 6 <= kilobits <= 256:
        raise UsageError("an Opus bit rate between 6 and 256 kbit/s", f"{kilobits}", "Correct it.")
    return _fitted(
        through_codec(waveform, "libopus", SAMPLE_RATE, round(1000 * kilobits)), len(waveform)
    )


def through_codec(
    waveform: np.ndarray, codec: str, sample_rate: int, bit_rate: int = 0
) -> np.ndarray:
    """(sample,) float32 encoded and decoded again by an FFmpeg codec, without the coder's delay."""
    import av
    from av.audio.resampler import AudioResampler

    encoder = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format = sample_rate, "mono", "s16"  # type: ignore[attr-defined]
    encoder.time_base = Fraction(1, sample_rate)
    if bit_rate:
        encoder.bit_rate = bit_rate
    encoder.open()
    decoder = av.CodecContext.create("libopus" if codec == "libopus" else codec, "r")
    decoder.sample_rate, decoder.layout = sample_rate, "mono"  # type: ignore[attr-defined]
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    back = AudioResampler(format="fltp", layout="mono", rate=sample_rate)
    decoded_blocks: list[np.ndarray] = []
    # None at the end makes the encoder give what it still holds; so does the resampler's below.
    for frame in [*_frames(waveform, sample_rate), None]:
        for packet in encoder.encode(frame):  # type: ignore[attr-defined]
            for decoded in decoder.decode(packet):  # type: ignore[attr-defined]
                decoded_blocks += [block.to_ndarray()[0] for block in back.resample(decoded)]
    decoded_blocks += [block.to_ndarray()[0] for block in back.resample(None)]
    return np.concatenate(decoded_blocks) if decoded_blocks else np.zeros(0, np.float32)


def _frames(waveform: np.ndarray, sample_rate: int) -> list:  # type: ignore[type-arg]
    from av import AudioFrame

    pcm = np.clip(np.round(waveform * 32768.0), -32768, 32767).astype(np.int16)
    pcm = np.pad(pcm, (0, -len(pcm) % BLOCK))
    frames = []
    for at in range(0, len(pcm), BLOCK):
        frame = AudioFrame.from_ndarray(pcm[None, at : at + BLOCK], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, at, Fraction(1, sample_rate)
        frames.append(frame)
    return frames


def _fitted(waveform: np.ndarray, samples: int) -> np.ndarray:
    """Cut or padded with silence to ``samples``."""
    return np.pad(waveform[:samples], (0, max(0, samples - len(waveform)))).astype(np.float32)


def _same_power(waveform: np.ndarray, original: np.ndarray) -> np.ndarray:
    before, now = float(np.sum(np.square(original, dtype=np.float64))), float(np.sum(waveform**2))
    return (waveform * np.sqrt(before / now) if now else waveform).astype(np.float32)

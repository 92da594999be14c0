"""Whisper over many clips at once against the package's `transcribe`, one clip after the other.

    python scripts/benchmark_recognition.py --device cuda --clips 256

Both sides hear the same sound in one process, words with times. Without --weights the network has
random weights of the size that --model names, made to say the same --tokens words of every clip:
time does not depend on what is said. With --weights (a .pt file) and --media (a folder of
recordings) the words are real. Differing words are counted on the clips that both sides heard.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
import whisper

from mmser.core.utterance import Utterance, Word
from mmser.media.decode import decode_clips
from mmser.media.transcription.whisper_checkpoint import WhisperCheckpoint
from mmser.media.whisper_network.hearing import hear
from mmser.media.whisper_network.room import in_half, windows_at_once

RATE = 16_000
SIZES = {
    "tiny": (80, 384, 6, 4),
    "base": (80, 512, 8, 6),
    "small": (80, 768, 12, 12),
    "medium": (80, 1024, 16, 24),
    "large-v3": (128, 1280, 20, 32),
}
"""Bands of the mel, width, heads, layers of the published networks."""
SUFFIXES = (".wav", ".flac", ".mp3", ".mp4", ".mpg", ".avi")
Words = Sequence[tuple[Word, ...]]


def random_network(model: str, tokens: int) -> Any:
    """A network of a published size that says ``tokens`` pieces of words whatever it hears."""
    from whisper.tokenizer import get_tokenizer

    torch.manual_seed(0)
    english = model.endswith(".en")
    bands, width, heads, layers = SIZES[model.removesuffix(".en")]
    vocabulary = 51864 if english else 51866 if bands == 128 else 51865
    sizes = whisper.model.ModelDimensions(
        bands, 1500, width, heads, layers, vocabulary, 448, width, heads, layers
    )
    network = whisper.model.Whisper(sizes).eval().requires_grad_(False)
    network.set_alignment_heads(whisper._ALIGNMENT_HEADS[model])
    tokenizer = get_tokenizer(not english, num_languages=network.num_languages, language="en")
    first = tokenizer.timestamp_begin
    text = tokenizer.encode(" the old man said that nobody would come home before the rain" * 20)
    said = [first, *text[:tokens], first + 100, tokenizer.eot]
    # Each place points at its token, more strongly than anything that the layers add.
    directions = torch.linalg.qr(torch.randn(width, width))[0]
    network.decoder.positional_embedding.normal_(0, 0.02)
    network.decoder.token_embedding.weight.normal_(0, 0.02)
    for place, token in enumerate(said, start=len(tokenizer.sot_sequence) - 1):
        network.decoder.positional_embedding[place] = 1000.0 * directions[place]
        network.decoder.token_embedding.weight[token] += 10.0 * directions[place]
    return network


def one_by_one(network: Any, waveforms: Sequence[np.ndarray], language: str | None) -> Words:
    """The words of `whisper.transcribe` with the options of our recogniser."""
    found = []
    for waveform in waveforms:
        result = network.transcribe(
            waveform,
            language=language,
            word_timestamps=True,
            temperature=0.0,
            condition_on_previous_text=False,
            fp16=network.device.type == "cuda",
            verbose=None,
        )
        words = chain.from_iterable(segment["words"] for segment in result["segments"])
        timed = [Word(w["word"].strip(), float(w["start"]), float(w["end"])) for w in words]
        found.append(tuple(word for word in timed if word.text))
    return found


def made_sound(clips: int, longest: float) -> list[np.ndarray]:
    """Noise of a quarter to the whole of ``longest`` seconds."""
    generator = np.random.default_rng(0)
    lengths = np.linspace(longest / 4, longest, clips) * RATE
    return [
        (0.05 * generator.standard_normal(int(length))).astype(np.float32) for length in lengths
    ]


def recordings(folder: Path, clips: int) -> list[np.ndarray]:
    """The sound of ``clips`` files, evenly out of all of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    files = files[:: max(1, len(files) // clips)][:clips]
    heard = [Utterance(str(path), "benchmark", speaker="s", audio_path=path) for path in files]
    return [clip.waveform for clip in decode_clips(heard, True, False) if clip.waveform is not None]


def timed(work: Callable[[], Words], device: torch.device) -> tuple[Words, float]:
    """What ``work`` gives and the seconds that it takes."""
    begun = time.perf_counter()
    words = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return words, time.perf_counter() - begun


def compared(one: Words, other: Words) -> str:
    """On how many clips two sides agree, in words and in times."""
    pairs = list(zip(one, other, strict=True))
    words = sum([w.text for w in a] == [w.text for w in b] for a, b in pairs)
    times = sum(
        [(w.text, w.start, w.end) for w in a] == [(w.text, w.start, w.end) for w in b]
        for a, b in pairs
    )
    return f"same words {words} of {len(pairs)}, same times {times}"


def main() -> None:
    """Print clips a second and the real-time factor of both sides, and whether they agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="base", choices=[*SIZES, *(f"{n}.en" for n in SIZES)])
    parser.add_argument("--weights", type=Path, help="a .pt file in place of random weights")
    parser.add_argument("--media", type=Path, help="a folder of recordings in place of noise")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8.0, help="of the longest made clip")
    parser.add_argument("--tokens", type=int, default=14, help="that a random network says")
    parser.add_argument("--alone", type=int, default=16, help="clips of the one-by-one side")
    parser.add_argument("--at-once", type=int, help="windows of a pass (default: by memory)")
    parser.add_argument("--language", default="en")
    options = parser.parse_args()
    device = torch.device(options.device)
    if options.weights:
        network = WhisperCheckpoint(str(options.weights), "", options.device).network
    else:
        network = random_network(options.model, options.tokens).to(device)
    sounds = (
        recordings(options.media, options.clips)
        if options.media
        else made_sound(options.clips, options.seconds)
    )
    alone = sounds[:: max(1, len(sounds) // options.alone)]
    one_by_one(network, alone[:2], options.language)
    old, old_seconds = timed(lambda: one_by_one(network, alone, options.language), device)
    if device.type == "cuda":
        in_half(network)
    at_once = options.at_once or windows_at_once(network)
    hear(network, sounds[:at_once], options.language, at_once)
    _, new_seconds = timed(lambda: hear(network, sounds, options.language, at_once), device)
    lengths = [sum(map(len, some)) / RATE for some in (alone, sounds)]
    rates = len(alone) / old_seconds, len(sounds) / new_seconds
    what = options.weights.stem if options.weights else f"{options.model} with random weights"
    print(f"{what} on {_name(device)}, {len(sounds)} clips of {lengths[1]:.0f} s")
    print(f"one by one   {rates[0]:8.2f} clips/s {lengths[0] / old_seconds:8.1f} x real time")
    print(
        f"{at_once:3d} at once  {rates[1]:8.2f} clips/s {lengths[1] / new_seconds:8.1f} x real time"
    )
    both = hear(network, alone, options.language, at_once)
    print(f"ratio {rates[1] / rates[0]:.1f}; {compared(old, both)}")


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "a CPU"


if __name__ == "__main__":
    main()

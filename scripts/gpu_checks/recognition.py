"""Whisper over many clips at once on the device: the words of the package, one clip at a time."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from benchmark_recognition import compared, made_sound, one_by_one, random_network

from mmser.media.whisper_network.hearing import hear
from mmser.media.whisper_network.room import in_half, windows_at_once

MODELS = ("tiny.en",)
CLIPS = {"cuda": (64, 8), "cpu": (2, 2)}
"""Clips heard at once, and how many of them one by one."""
TOKENS = 14


def recognise(model: str, folder: Path, device: torch.device) -> str:
    """A network with random weights that says the same of every clip."""
    network = random_network(model, TOKENS).to(device)
    many, few = CLIPS[device.type]
    sounds = made_sound(many, 8.0)
    alone = sounds[:: many // few]
    expected = one_by_one(network, alone, "en")
    begun = time.perf_counter()
    one_by_one(network, alone[:1], "en")
    seconds = time.perf_counter() - begun
    if device.type == "cuda":
        in_half(network)
    hear(network, sounds, "en")
    begun = time.perf_counter()
    found = hear(network, sounds, "en")
    together = (time.perf_counter() - begun) / many
    words = [[word.text for word in clip] for clip in found[:: many // few]]
    if words != [[word.text for word in clip] for clip in expected]:
        raise AssertionError(compared(expected, found[:: many // few]))
    return (
        f"{windows_at_once(network)} windows a pass, {1 / together:.0f} clips/s, "
        f"{seconds / together:.0f} times one by one"
    )

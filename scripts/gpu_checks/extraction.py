"""The extractors that run a network: what they make on the device against what they make on the
CPU.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import matplotlib.cbook
import matplotlib.image
import numpy as np
import torch

from gpu_checks.corpus import extractor_config, read_corpus, runs_a_network
from mmser.composition import built
from mmser.core.clip import Clip, Failure
from mmser.core.configs import config_names, load_config

TOLERANCE = 1e-3
"""Largest difference, relative to the largest value: a deep network in float32 adds up its
roundings.
"""

NEEDS = {".face.": "facenet_pytorch"}


def extractor_names() -> list[str]:
    """One extractor of each class that takes a device: the first, which is its smaller network."""
    found: dict[str, str] = {}
    for name in config_names("extractor"):
        config = load_config("extractor", name)
        if runs_a_network(config):
            found.setdefault(config["_target_"], name)
    return sorted(found.values())


def extract(name: str, folder: Path, device: torch.device) -> str:
    """Two clips; a whole-picture portrait where faces are looked for."""
    config = extractor_config(name)
    lacking = [
        package
        for room, package in NEEDS.items()
        if room in config["_target_"] and not _has(package)
    ]
    if lacking:
        return f"not tried: no {lacking[0]} here"
    clips = [
        _with_face(clip) if ".face." in config["_target_"] else clip
        for _, clip in read_corpus("synthetic")[:2]
    ]
    made = [built({**config, "device": place}).extract(clips) for place in ("cpu", str(device))]
    worst = 0.0
    for expected, found in zip(*made, strict=True):
        if isinstance(expected, Failure) or isinstance(found, Failure):
            raise AssertionError(f"{expected} on the CPU, {found} on the device")
        if expected.values.shape != found.values.shape:
            raise AssertionError(
                f"{expected.values.shape} on the CPU, {found.values.shape} on the device"
            )
        scale = max(1.0, float(np.abs(expected.values).max()))
        worst = max(worst, float(np.abs(expected.values - found.values).max()) / scale)
    if not worst <= TOLERANCE:
        raise AssertionError(f"differs by {worst:.1e}, more than {TOLERANCE:g}")
    return f"float32 {worst:.1e}"


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _with_face(clip: Clip) -> Clip:
    """A public-domain photograph that matplotlib carries, twice."""
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as stream:
        portrait = np.ascontiguousarray(matplotlib.image.imread(stream, format="jpg")[::2, ::2])
    return Clip(clip.id, clip.waveform, np.stack([portrait, portrait]), 3.0, clip.transcript)

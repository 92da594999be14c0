"""Pictures of many clips through one image network, in batches of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import Clip, Failure, Features
from mmser.core.halving import in_halves
from mmser.extractors.clips.outcomes import checked
from mmser.extractors.networks.devices import Precision, arithmetic, place_of
from mmser.extractors.pictures.recipe import PictureRecipe, Pictures

if TYPE_CHECKING:
    from torch import Tensor

_HELD_BATCHES = 4
"""Pictures of clips are held until they fill this many batches: full batches, bounded memory."""
_FRAMES = 512
"""Frames of several clips in which a GPU looks for faces together."""


def image_features(
    clips: Sequence[Clip],
    recipe: PictureRecipe,
    network: Any,
    mean: Sequence[float],
    deviation: Sequence[float],
    batch_size: int,
    precision: Precision,
    arranged: Callable[[Pictures], Pictures] | None = None,
) -> list[Features | Failure]:
    """One (time, feature) array per clip.

    ``network`` maps (picture, 3, size, size), normalised by ``mean`` and ``deviation`` of each
    colour (0 to 255), to (picture, feature). Pictures of several clips share a batch; eval-mode
    networks treat each alone. ``arranged`` may make windows of a clip's pictures: the network then
    reads (window, time, 3, size, size).
    """
    device, _ = place_of(network)
    results: dict[int, Features | Failure] = {}
    waiting: dict[int, Pictures] = {}

    def run() -> None:
        with arithmetic(precision):
            values = _through(network, list(waiting.values()), mean, deviation, batch_size)
        ends = np.cumsum([len(_rows(pictures)) for pictures in waiting.values()])[:-1]
        for (position, pictures), rows in zip(waiting.items(), np.split(values, ends), strict=True):
            features = Features(rows, pictures.frame_rate, pictures.spans, pictures.notes)
            results[position] = checked(clips[position], features)
        waiting.clear()

    for group in _groups(clips, device):
        made = recipe.pictures_of([clips[position] for position in group], device)
        for position, pictures in zip(group, made, strict=True):
            if isinstance(pictures, Failure):
                results[position] = pictures
                continue
            waiting[position] = pictures if arranged is None else arranged(pictures)
            if sum(len(_rows(held)) for held in waiting.values()) >= _HELD_BATCHES * batch_size:
                run()
    if waiting:
        run()
    return [results[position] for position in range(len(clips))]


def _through(
    network: Any,
    held: Sequence[Pictures],
    mean: Sequence[float],
    deviation: Sequence[float],
    batch_size: int,
) -> np.ndarray:
    import torch

    device, dtype = place_of(network)
    centre = torch.tensor(mean, device=device).view(3, 1, 1)
    scale = torch.tensor(deviation, device=device).view(3, 1, 1)
    values = torch.cat([pictures.values for pictures in held])
    starts = np.cumsum([0, *(len(pictures.values) for pictures in held)])
    rows = [_rows(pictures) + start for pictures, start in zip(held, starts[:-1], strict=True)]

    def seen(batch: Sequence[np.ndarray]) -> list[Tensor]:
        chosen = torch.from_numpy(np.stack(batch)).to(values.device)
        normalised = ((values[chosen].to(device) - centre) / scale).to(dtype)
        if normalised.ndim == 4:
            normalised = normalised.contiguous(memory_format=torch.channels_last)
        return [network(normalised).float()]

    every = np.concatenate(rows)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(every), batch_size):
            parts += in_halves([*every[start : start + batch_size]], seen)
    return torch.cat(parts).cpu().numpy()


def _groups(clips: Sequence[Clip], device: Any) -> list[list[int]]:
    """Positions of neighbouring clips whose faces are looked for together: one on a CPU."""
    groups: list[list[int]] = []
    frames = 0
    for position, clip in enumerate(clips):
        frames += 0 if clip.frames is None else len(clip.frames)
        if not groups or device.type != "cuda" or frames > _FRAMES:
            groups.append([])
            frames = 0 if clip.frames is None else len(clip.frames)
        groups[-1].append(position)
    return groups


def _rows(pictures: Pictures) -> np.ndarray:
    """(row,) or (row, time): which pictures the network sees together."""
    return np.arange(len(pictures.values)) if pictures.rows is None else pictures.rows

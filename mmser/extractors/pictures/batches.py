"""Pictures of many clips through one image network, in batches of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmser.core.clip import Clip, Failure, Features
from mmser.extractors.clips.outcomes import checked
from mmser.extractors.networks.devices import place_of
from mmser.extractors.pictures.recipe import PictureRecipe, Pictures

_HELD_BATCHES = 4
"""Pictures of clips are held until they fill this many batches: full batches, bounded memory."""


def image_features(
    clips: Sequence[Clip],
    recipe: PictureRecipe,
    network: Any,
    mean: Sequence[float],
    deviation: Sequence[float],
    batch_size: int,
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
        values = _through(network, list(waiting.values()), mean, deviation, batch_size)
        ends = np.cumsum([len(_rows(pictures)) for pictures in waiting.values()])[:-1]
        for (position, pictures), rows in zip(waiting.items(), np.split(values, ends), strict=True):
            features = Features(rows, pictures.frame_rate, pictures.spans, pictures.notes)
            results[position] = checked(clips[position], features)
        waiting.clear()

    for position, clip in enumerate(clips):
        pictures = recipe.pictures(clip, device)
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
    parts = []
    with torch.inference_mode():
        for batch in torch.from_numpy(np.concatenate(rows)).to(values.device).split(batch_size):
            normalised = ((values[batch].to(device) - centre) / scale).to(dtype)
            if normalised.ndim == 4:
                normalised = normalised.contiguous(memory_format=torch.channels_last)
            parts.append(network(normalised).float().cpu())
    return torch.cat(parts).numpy()


def _rows(pictures: Pictures) -> np.ndarray:
    """(row,) or (row, time): which pictures the network sees together."""
    return np.arange(len(pictures.values)) if pictures.rows is None else pictures.rows

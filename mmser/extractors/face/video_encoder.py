"""Features of windows over the frames by VideoMAE, from any checkpoint of its kind.

Source: Tong et al., NeurIPS 2022. One vector for each window of 16 pictures: the mean over all its
tokens, or what the head of a fine-tuned checkpoint reads.

Differs: a clip with fewer pictures shows its last one until the window is full; the windows of a
longer one overlap, and the last ends with the clip. Crops follow the face from picture to picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.time_statistics import statistics_of
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.checkpoint_recipe import CheckpointRecipe
from mmser.extractors.pictures.recipe import Pictures

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class VideoEncoder(CheckpointRecipe):
    """frames -> crops -> windows -> network, (window, label + size) with the windows' times.

    Further arguments are those of `mmser.extractors.pictures.checkpoint_recipe.CheckpointRecipe`,
    `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        window: pictures in a window; another number in the checkpoint is an error.
        hop: pictures from the start of one window to the next.
        batch_size: windows in one pass.
    """

    modality: ClassVar[Modality] = "face"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "MCG-NJU/videomae-base"
    rate: float = 7.5
    window: int = 16
    hop: int = 8
    batch_size: int = field(default=4, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        if not 1 <= self.hop <= self.window:
            found = f"window={self.window}, hop={self.hop}"
            raise MmserError("a hop from 1 to the pictures of a window", found, "Set `hop`.")

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "video_encoder", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One float32 array per clip, with the time that each window spans."""
        model = self._model
        mean, deviation = self._preparation.mean, self._preparation.deviation
        results = image_features(
            clips, self, model, mean, deviation, self.batch_size, self.precision, self._windows
        )
        return [statistics_of(result) for result in results] if self.statistics else results

    def _windows(self, pictures: Pictures) -> Pictures:
        """The pictures of each window; its span is from the first picture to the last one's end.

        A picture without a face is not in the window, but in its time.
        """
        rows = window_rows(len(pictures.values), self.window, self.hop)
        times = pictures.spans
        if times is None:
            edges = np.arange(len(pictures.values) + 1) / pictures.frame_rate
            times = np.stack([edges[:-1], edges[1:]], axis=1)
        spans = np.stack([times[rows[:, 0], 0], times[rows[:, -1], 1]], axis=1)
        return replace(pictures, rows=rows, spans=spans.astype(np.float32))

    @cached_property
    def _model(self) -> nn.Module:
        from mmser.extractors.networks.picture_encoder import VIDEO_KINDS

        if self.checkpoint.is_random:
            return self._checked(self.seeded(self._random_model), (self.window,))
        return self._checked(self._read(VIDEO_KINDS), (self.window,))

    def _random_model(self) -> nn.Module:
        from transformers import VideoMAEConfig, VideoMAEForVideoClassification

        from mmser.extractors.networks.picture_encoder import classifier

        config = VideoMAEConfig(num_frames=self.window, **self._random_options())
        return classifier(VideoMAEForVideoClassification(config), self.labels, self.weights)


def window_rows(pictures: int, window: int, hop: int) -> np.ndarray:
    """(window, time): which of ``pictures`` each window shows; the last window ends with them."""
    last = max(0, pictures - window)
    starts = np.unique(np.append(np.arange(0, last + 1, hop), last))
    return np.minimum(starts[:, None] + np.arange(window), pictures - 1)

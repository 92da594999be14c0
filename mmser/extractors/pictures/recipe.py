"""The frames of a clip as equal pictures for an image network: the speaker's face, the centre,
or the whole scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmser.core.clip import Clip, Failure
from mmser.core.errors import MmserError
from mmser.extractors.clips.outcomes import frames_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mmser.extractors.pictures.faces import FaceFinder

_CHUNK = 16
Crop = Literal["face", "centre", "frame"]


@dataclass(frozen=True)
class Pictures:
    """``values`` (time, 3, size, size) float32, 0 to 255; ``spans`` (time, 2) seconds where frames
    were left out.

    A network of videos reads windows: ``rows`` (window, time) are the pictures that each shows, and
    ``spans`` are the windows'.
    """

    values: Tensor
    frame_rate: float
    spans: np.ndarray | None
    notes: str
    rows: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class FaceDetection:
    """How faces are looked for: see `faces.FaceFinder`, with the measured errors.

    Args:
        detect_scale: factor by which frames are shrunk before.
        detect_every: every n-th frame is searched, the others are refined.
        smallest_face: side, in pixels of the full frame.
        face_score: least probability of a face.
    """

    detect_scale: float = 1.0
    detect_every: int = 1
    smallest_face: float = 40.0
    face_score: float = 0.9

    def finder(self, device: torch.device) -> FaceFinder:
        """The detector with these settings."""
        return _finder(
            self.detect_scale, self.detect_every, self.smallest_face, self.face_score, device
        )


@dataclass(frozen=True, kw_only=True)
class PictureRecipe(FaceDetection):
    """frames -> pictures of one size. An extractor of pictures inherits these options.

    Args:
        crop: ``face`` (MTCNN), ``centre`` (the central square, no detector), or ``frame`` (all of
            the picture, squeezed into a square: the scene with bodies and surroundings).
        image_size: side of the picture the network sees, pixels.
        margin: of the face crop, in proportion to the box's longer side.
        rate: pictures per second, at most that of the clip's frames.
        limit: pictures kept from the start; None keeps all.
    """

    crop: Crop = "face"
    image_size: int = 224
    margin: float = 0.3
    rate: float = 3.0
    limit: int | None = None

    def pictures(self, clip: Clip, device: torch.device) -> Pictures | Failure:
        """The clip's pictures, of faces found on ``device``.

        Frames without a face are left out, and spans say which time the others cover.
        """
        frames = frames_of(clip)
        if isinstance(frames, Failure):
            return frames
        if clip.frame_rate is None:
            raise MmserError(
                "a clip with the rate of its frames", f"no frame_rate in {clip.id}", "Set it."
            )
        rate = min(self.rate, clip.frame_rate)
        thinned = frames[_evenly(len(frames), clip.frame_rate, rate)][: self.limit]
        if self.crop == "centre":
            return Pictures(_centres(thinned, self.image_size), rate, None, "")
        if self.crop == "frame":
            return Pictures(_squeezed(thinned, self.image_size), rate, None, "")
        return self._faces(clip, thinned, rate, device)

    def _faces(
        self, clip: Clip, frames: np.ndarray, rate: float, device: torch.device
    ) -> Pictures | Failure:
        import torch

        from mmser.extractors.pictures.faces import as_pictures, crop, squared

        faces = self.finder(device).find(frames)
        rows = np.flatnonzero(faces.visible)
        if not len(rows):
            return Failure(clip.id, "no face", f"in {len(frames)} frames")
        boxes = squared(torch.from_numpy(faces.boxes[rows]), self.margin)
        crops = []
        for start in range(0, len(rows), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            pictures = as_pictures(frames[rows[chunk]], device)
            crops.append(crop(pictures, boxes[chunk].to(device), self.image_size))
        spans = None
        if len(rows) < len(frames):
            spans = np.stack([rows, rows + 1], axis=1).astype(np.float32) / np.float32(rate)
        return Pictures(torch.cat(crops), rate, spans, faces.notes())


@lru_cache(maxsize=4)
def _finder(
    scale: float, every: int, smallest: float, score: float, device: torch.device
) -> FaceFinder:
    """One detector per process and setting: building it reads three weight files."""
    from mmser.extractors.pictures.faces import FaceFinder

    return FaceFinder(scale, every, smallest, score, device)


def _evenly(count: int, have: float, want: float) -> np.ndarray:
    """Positions among ``count`` frames at ``have`` Hz that make ``want`` Hz."""
    thinned = max(1, round(count * want / have))
    return np.minimum((np.arange(thinned) * have / want).astype(np.int64), count - 1)


def _centres(frames: np.ndarray, size: int) -> Tensor:
    """The central square, pixel for pixel; a smaller frame is first enlarged until its shorter side
    is ``size``.
    """
    import torch
    from torch.nn import functional as F

    from mmser.extractors.pictures.faces import as_pictures

    height, width = frames.shape[1:3]
    factor = max(1.0, size / min(height, width))
    tall, wide = max(size, round(height * factor)), max(size, round(width * factor))
    top, left = (tall - size) // 2, (wide - size) // 2
    parts = []
    for start in range(0, len(frames), _CHUNK):
        pictures = as_pictures(frames[start : start + _CHUNK], torch.device("cpu"))
        if factor > 1.0:
            pictures = F.interpolate(pictures, size=(tall, wide), mode="bilinear", antialias=True)
        parts.append(pictures[:, :, top : top + size, left : left + size])
    return torch.cat(parts)


def _squeezed(frames: np.ndarray, size: int) -> Tensor:
    """The whole frames as squares of ``size`` pixels a side."""
    import torch
    from torch.nn import functional as F

    from mmser.extractors.pictures.faces import as_pictures

    parts = []
    for start in range(0, len(frames), _CHUNK):
        pictures = as_pictures(frames[start : start + _CHUNK], torch.device("cpu"))
        square = F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
        parts.append(square)
    return torch.cat(parts)

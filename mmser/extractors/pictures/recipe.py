"""The frames of a clip as equal pictures for an image network: the speaker's face, the centre,
or the whole scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmser.core.clip import Clip, Failure
from mmser.core.errors import MmserError
from mmser.core.halving import in_halves
from mmser.extractors.clips.outcomes import frames_of
from mmser.extractors.networks.devices import arithmetic

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
        """See `pictures_of`."""
        return self.pictures_of([clip], device)[0]

    def pictures_of(self, clips: Sequence[Clip], device: torch.device) -> list[Pictures | Failure]:
        """The pictures of each clip, made on ``device``; faces are looked for in all at once.

        Frames without a face are left out, and spans say which time the others cover.
        """
        thinned = [self._thinned(clip) for clip in clips]
        if self.crop == "face":
            return self._faces(clips, thinned, device)
        cut = _centres if self.crop == "centre" else _squeezed
        return [
            frames
            if isinstance(frames, Failure)
            else Pictures(cut(frames, self.image_size, device), self._rate(clip), None, "")
            for clip, frames in zip(clips, thinned, strict=True)
        ]

    def _rate(self, clip: Clip) -> float:
        if clip.frame_rate is None:
            raise MmserError(
                "a clip with the rate of its frames", f"no frame_rate in {clip.id}", "Set it."
            )
        return min(self.rate, clip.frame_rate)

    def _thinned(self, clip: Clip) -> np.ndarray | Failure:
        frames = frames_of(clip)
        if isinstance(frames, Failure):
            return frames
        rate = self._rate(clip)
        return frames[_evenly(len(frames), clip.frame_rate or rate, rate)][: self.limit]

    def _faces(
        self, clips: Sequence[Clip], thinned: Sequence[np.ndarray | Failure], device: torch.device
    ) -> list[Pictures | Failure]:
        results: dict[int, Pictures | Failure] = {}
        frames_at: dict[int, np.ndarray] = {}
        alike: dict[object, list[int]] = {}
        for place, frames in enumerate(thinned):
            if isinstance(frames, Failure):
                results[place] = frames
                continue
            frames_at[place] = frames
            # A CPU gains nothing by frames of several clips.
            key = frames.shape[1:] if device.type == "cuda" else place
            alike.setdefault(key, []).append(place)
        for places in alike.values():
            found = in_halves(
                places,
                lambda some: self._faces_alike(
                    [clips[place] for place in some], [frames_at[place] for place in some], device
                ),
            )
            results.update(zip(places, found, strict=True))
        return [results[place] for place in range(len(clips))]

    def _faces_alike(
        self, clips: Sequence[Clip], parts: Sequence[np.ndarray], device: torch.device
    ) -> list[Pictures | Failure]:
        """Of clips whose frames have one size."""
        import torch

        from mmser.extractors.pictures.faces import crops, on_device, squared

        frames = on_device(parts, device)
        # The faces do not depend on the precision of the network that reads them.
        with arithmetic("float32"):
            every = self.finder(device).find(frames, [len(part) for part in parts])
        rows = np.flatnonzero(np.concatenate([faces.visible for faces in every]))
        boxes = np.concatenate([faces.boxes for faces in every])[rows]
        squares = squared(torch.from_numpy(boxes), self.margin)
        pictures = crops(frames, rows, squares.to(device), self.image_size)
        ends = np.cumsum([int(faces.visible.sum()) for faces in every])
        results: list[Pictures | Failure] = []
        for clip, faces, end in zip(clips, every, ends, strict=True):
            seen = np.flatnonzero(faces.visible)
            if not len(seen):
                failed = Failure(clip.id, "no face", f"in {len(faces.boxes)} frames")
                results.append(failed)
                continue
            rate, spans = self._rate(clip), None
            if len(seen) < len(faces.boxes):
                spans = np.stack([seen, seen + 1], axis=1).astype(np.float32) / np.float32(rate)
            values = pictures[end - len(seen) : end]
            results.append(Pictures(values, rate, spans, faces.notes()))
        return results


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


def _centres(frames: np.ndarray, size: int, device: torch.device) -> Tensor:
    """The central square, pixel for pixel; a smaller frame is first enlarged until its shorter side
    is ``size``.
    """
    import torch
    from torch.nn import functional as F

    from mmser.extractors.pictures.faces import as_pictures, on_device

    height, width = frames.shape[1:3]
    factor = max(1.0, size / min(height, width))
    tall, wide = max(size, round(height * factor)), max(size, round(width * factor))
    top, left = (tall - size) // 2, (wide - size) // 2
    parts = []
    for start in range(0, len(frames), _CHUNK):
        pictures = as_pictures(on_device([frames[start : start + _CHUNK]], device))
        if factor > 1.0:
            pictures = F.interpolate(pictures, size=(tall, wide), mode="bilinear", antialias=True)
        parts.append(pictures[:, :, top : top + size, left : left + size])
    return torch.cat(parts)


def _squeezed(frames: np.ndarray, size: int, device: torch.device) -> Tensor:
    """The whole frames as squares of ``size`` pixels a side."""
    import torch
    from torch.nn import functional as F

    from mmser.extractors.pictures.faces import as_pictures, on_device

    parts = []
    for start in range(0, len(frames), _CHUNK):
        pictures = as_pictures(on_device([frames[start : start + _CHUNK]], device))
        square = F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
        parts.append(square)
    return torch.cat(parts)

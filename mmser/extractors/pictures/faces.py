"""Where the face is: MTCNN in every frame, or in every n-th with the frames between refined.

Source: Zhang et al., IEEE SPL 2016; weights inside the facenet-pytorch wheel.

Measured (CPU, 3 frames per second): detection on half-size frames is 2.5 times faster and its boxes
overlap those of full frames by 0.91 (intersection over union); detecting every 8th frame and
refining the rest is about 7 times faster, median overlap 0.92, with failures, which is why a frame
whose refined box scores low is detected after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import roi_align

from mmser.core.halving import in_halves
from mmser.extractors.pictures.mtcnn import Cascade

_CHUNK = 16
_MOST = 64
_BYTES = 128
"""Of a frame's pixel, with all that is computed of it on the way."""
_REFINEMENTS = 2
_ONET_SIZE = 48


@dataclass(frozen=True)
class Faces:
    """``boxes`` (time, 4) float32 left, top, right, bottom in pixels, NaN where no face is;
    ``counts`` (time,) int.
    """

    boxes: np.ndarray
    counts: np.ndarray

    @property
    def visible(self) -> np.ndarray:
        """(time,) bool: whether a frame shows a face."""
        return ~np.isnan(self.boxes[:, 0])

    def notes(self) -> str:
        """What the index should know: frames without a face, frames with several."""
        parts = []
        if missing := int((~self.visible).sum()):
            parts.append(f"no face in {missing} of {len(self.boxes)} frames")
        if several := int((self.counts > 1).sum()):
            parts.append(
                f"up to {int(self.counts.max())} faces in {several} of {len(self.boxes)} frames"
            )
        return "; ".join(parts)


class FaceFinder:
    """MTCNN over the frames of clips.

    Of several faces the one with the greatest ``area * (1 - distance / 2)`` is taken, where
    distance is that of its centre from the picture's, in half diagonals: the largest, unless it
    stands at the rim.

    Args:
        scale: frames are shrunk by this factor for detection.
        every: detect every n-th frame and refine the others from the nearest detected one; 1
            detects all.
        smallest: side of the smallest face looked for, pixels of the full frame.
        score: least probability of a face; a refined box below it is detected anew.
        device: of the networks.
    """

    def __init__(
        self, scale: float, every: int, smallest: float, score: float, device: torch.device
    ) -> None:
        self.scale = scale
        self.every = every
        self.smallest = smallest
        self.score = score
        self._device = device
        # MTCNN cannot look for faces below 12 pixels without magnifying the frame.
        self._network = Cascade(max(12, round(smallest * scale)), device)

    def find(self, frames: Tensor, lengths: Sequence[int]) -> list[Faces]:
        """The faces of clips that follow each other, each of so many frames.

        Frames (frame, height, width, 3) uint8 RGB on the device.
        """
        boxes = np.full((len(frames), 4), np.nan, dtype=np.float32)
        counts = np.zeros(len(frames), dtype=np.int64)
        starts = np.cumsum([0, *lengths])[:-1]
        nearest = np.concatenate(
            [
                start + _nearest(length, self.every)
                for start, length in zip(starts, lengths, strict=True)
            ]
        )
        keys = np.unique(nearest)
        boxes[keys], counts[keys] = self._detect(frames, keys)
        others = np.flatnonzero(nearest != np.arange(len(frames)))
        if len(others):
            boxes[others] = self._refine(frames, others, boxes[nearest[others]])
            counts[others] = counts[nearest[others]]
            lost = others[np.isnan(boxes[others, 0])]
            if len(lost):
                boxes[lost], counts[lost] = self._detect(frames, lost)
        return [
            Faces(boxes[start : start + length], counts[start : start + length])
            for start, length in zip(starts, lengths, strict=True)
        ]

    def _detect(self, frames: Tensor, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row, 4) the speaker's box in full-frame pixels or NaN, (row,) the number of faces."""
        height, width = frames.shape[1:3]
        boxes = np.full((len(rows), 4), np.nan, dtype=np.float32)
        counts = np.zeros(len(rows), dtype=np.int64)
        if min(height, width) < self.smallest:
            return boxes, counts
        size = frames_at_once(height, width, self._device)
        for start in range(0, len(rows), size):
            chunk = list(range(start, min(start + size, len(rows))))
            found = in_halves(chunk, lambda some: self._faces_of(frames, rows[list(some)]))
            for place, candidates in zip(chunk, found, strict=True):
                counts[place] = len(candidates)
                if len(candidates):
                    boxes[place] = _speakers_box(candidates, width, height)
        return boxes, counts

    def _faces_of(self, frames: Tensor, rows: np.ndarray) -> list[np.ndarray]:
        """The sure boxes (face, 4) of each of some frames, in full-frame pixels."""
        chosen = frames[torch.from_numpy(rows).to(frames.device)]
        boxes, scores, owners = (part.cpu().numpy() for part in self._candidates(chosen))
        sure = scores >= np.float32(self.score)
        boxes, owners = boxes[sure] / np.float32(self.scale), owners[sure]
        return [boxes[owners == number] for number in range(len(rows))]

    def _candidates(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.scale == 1.0:
            return self._network.detect(frames)
        pictures = frames.permute(0, 3, 1, 2).float()
        small = F.interpolate(pictures, scale_factor=self.scale, mode="area")
        return self._network.detect(small.permute(0, 2, 3, 1))

    def _refine(self, frames: Tensor, rows: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Boxes of neighbouring frames (row, 4) moved by the last network of MTCNN; NaN where it
        sees no face.
        """
        refined = np.full_like(boxes, np.nan)
        boxed = np.flatnonzero(~np.isnan(boxes[:, 0]))
        height, width = frames.shape[1:3]
        size = frames_at_once(height, width, self._device)
        for start in range(0, len(boxed), size):
            part = boxed[start : start + size]
            pictures = as_pictures(frames[torch.from_numpy(rows[part]).to(frames.device)])
            current = torch.from_numpy(boxes[part]).to(self._device)
            probability = torch.zeros(len(part))
            for _ in range(_REFINEMENTS):
                current, probability = self._step(pictures, squared(current, 0.0))
            sure = (probability >= self.score).cpu().numpy()
            refined[part[sure]] = current.cpu().numpy()[sure]
        return refined

    @torch.inference_mode()
    def _step(self, pictures: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        crops = (crop(pictures, boxes, _ONET_SIZE) - 127.5) / 128.0
        shift, _, probability = self._network.last(crops)
        sides = (boxes[:, 2:] - boxes[:, :2] + 1).repeat(1, 2)
        return boxes + shift * sides, probability[:, 1]


def _speakers_box(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """The box (4,) of the speaker among (face, 4); see `FaceFinder`."""
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, 2:] + boxes[:, :2]) / 2 - np.array([width, height]) / 2
    distance = np.linalg.norm(centres, axis=1) / (np.hypot(width, height) / 2)
    return boxes[int(np.argmax(sides.prod(axis=1) * (1 - distance / 2)))]


def _nearest(length: int, every: int) -> np.ndarray:
    """(length,) the nearest of every n-th frame to each frame."""
    keys = np.arange(0, length, every)
    if every == 1 or not length:
        return keys
    return keys[np.abs(np.arange(length)[:, None] - keys[None]).argmin(axis=1)]


def frames_at_once(height: int, width: int, device: torch.device) -> int:
    """Frames of a pass: few on a CPU, on a GPU as many as are faster and fit into its memory."""
    if device.type != "cuda":
        return _CHUNK
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, min(_MOST, free // (4 * _BYTES * height * width)))


def on_device(frames: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """Clips of frames (time, height, width, 3) uint8 of one size, one after the other."""
    placed = [torch.from_numpy(np.ascontiguousarray(clip)).to(device) for clip in frames]
    return placed[0] if len(placed) == 1 else torch.cat(placed)


def as_pictures(frames: Tensor) -> Tensor:
    """(time, height, width, 3) uint8 -> (time, 3, height, width) float32, 0 to 255."""
    return frames.permute(0, 3, 1, 2).float()


def squared(boxes: Tensor, margin: float) -> Tensor:
    """(time, 4) -> the square around each box, its longer side times ``1 + margin``."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) * (1 + margin) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def crops(frames: Tensor, rows: np.ndarray, boxes: Tensor, size: int) -> Tensor:
    """One box (4,) each of the frames ``rows`` of (frame, height, width, 3) uint8 -> (row, 3, size,
    size).
    """
    parts = [torch.zeros(0, 3, size, size, device=frames.device)]
    height, width = frames.shape[1:3]
    at_once = frames_at_once(height, width, frames.device)
    for start in range(0, len(rows), at_once):
        part = slice(start, start + at_once)
        pictures = as_pictures(frames[torch.from_numpy(rows[part]).to(frames.device)])
        parts.append(crop(pictures, boxes[part], size))
    return torch.cat(parts)


def crop(pictures: Tensor, boxes: Tensor, size: int) -> Tensor:
    """(time, 3, height, width) and one box (4,) each -> (time, 3, size, size), averaged; black
    outside the picture.
    """
    rows = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)
    return roi_align(
        pictures, torch.cat([rows[:, None], boxes], dim=1), output_size=size, aligned=True
    )

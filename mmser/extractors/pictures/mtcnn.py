"""MTCNN over many frames at once: the published cascade, its crops cut out all together.

Source: Zhang et al., IEEE SPL 2016; weights, thresholds and steps are facenet-pytorch's
(``facenet_pytorch.models.utils.detect_face``), which cuts and shrinks one box after the other and
waits for the device at each.

Differs: overlaps are computed in float64, so that a frame's boxes do not depend on how many frames
come before it; a box that the cascade moves out of the picture is dropped.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import batched_nms

_CELL = 12
"""Side of the first network's window, pixels of the shrunk frame."""
_AT_ONCE = 512
"""Boxes of a pass of the second and the third network."""
_ACROSS_SCALES = 0.7
_WITHIN_SCALE = 0.5
"""Overlaps above which the less probable of two boxes is dropped."""


class Cascade:
    """The three networks of MTCNN for faces of at least ``smallest`` pixels a side."""

    def __init__(self, smallest: int, device: torch.device) -> None:
        from facenet_pytorch import MTCNN

        parts: Any = MTCNN(min_face_size=smallest, device=device).eval()
        self._first, self._second, self.last = parts.pnet, parts.rnet, parts.onet
        self._thresholds = parts.thresholds
        self._largest_scale, self._factor = _CELL / smallest, parts.factor

    @torch.inference_mode()
    def detect(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Frames (frame, height, width, 3), 0 to 255 -> boxes (face, 4), scores (face,), and the
        frame of each (face,); the most probable come first.
        """
        pictures = frames.permute(0, 3, 1, 2).float()
        # A CPU is quicker box by box than with the sums of whole frames.
        cutter = Cutter(pictures, sums=pictures.device.type == "cuda")
        boxes, rows = self._proposed(pictures)
        boxes, rows, score, shift = self._judged(self._second, 1, 24, cutter, boxes, rows)
        kept = _apart(boxes, score, rows, _ACROSS_SCALES)
        boxes, rows = _square(_moved(boxes[kept], shift[kept])), rows[kept]
        boxes, rows, score, shift = self._judged(self.last, 2, 48, cutter, boxes, rows)
        boxes = _moved(boxes, shift)
        kept = _not_nested(boxes, score, rows)
        return boxes[kept], score[kept], rows[kept]

    def _proposed(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Square boxes (box, 4) by the first network on a pyramid of frames, and their frames."""
        from facenet_pytorch.models.utils.detect_face import generateBoundingBox

        height, width = pictures.shape[2:]
        scale, found, rows = self._largest_scale, [], []
        shorter = min(height, width) * scale
        while shorter >= _CELL:
            size = (int(height * scale + 1), int(width * scale + 1))
            shift, probability = self._first(_levelled(F.interpolate(pictures, size, mode="area")))
            # Left, top, right, bottom, probability, shifts of the four.
            boxes, row = generateBoundingBox(shift, probability[:, 1], scale, self._thresholds[0])
            kept = _apart(boxes[:, :4], boxes[:, 4], row, _WITHIN_SCALE)
            found.append(boxes[kept])
            rows.append(row[kept])
            scale, shorter = scale * self._factor, shorter * self._factor
        boxes, row = torch.cat(found), torch.cat(rows)
        kept = _apart(boxes[:, :4], boxes[:, 4], row, _ACROSS_SCALES)
        boxes, row = boxes[kept], row[kept]
        sides = (boxes[:, 2:4] - boxes[:, :2]).repeat(1, 2)
        return _square(boxes[:, :4] + boxes[:, 5:] * sides), row

    def _judged(
        self, network: Any, stage: int, side: int, cutter: Cutter, boxes: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The boxes that a later network takes for faces: with frames, scores, shifts (face, 4)."""
        bounds = cutter.bounds(boxes)
        inside = (bounds[:, 2:] > bounds[:, :2]).all(dim=1)
        boxes, rows, bounds = boxes[inside], rows[inside], bounds[inside]
        scores, shifts = [boxes.new_zeros(0)], [boxes.new_zeros(0, 4)]
        for start in range(0, len(boxes), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            answers = network(_levelled(cutter.cut(bounds[part], rows[part], side)))
            shifts.append(answers[0])
            scores.append(answers[-1][:, 1])
        score = torch.cat(scores)
        sure = score > self._thresholds[stage]
        return boxes[sure], rows[sure], score[sure], torch.cat(shifts)[sure]


class Cutter:
    """Cuts boxes out of pictures (picture, 3, height, width) and averages them down.

    By the ``sums`` of all pixels above and left of each, for all boxes in one go, or box by box.
    Both are adaptive average pooling: sums of whole numbers are exact in float64.
    """

    def __init__(self, pictures: Tensor, sums: bool) -> None:
        self._pictures = pictures
        self._sums: Tensor | None = None
        if sums:
            summed = pictures.double().cumsum(dim=2).cumsum(dim=3)
            self._sums = F.pad(summed, (1, 0, 1, 0))

    def bounds(self, boxes: Tensor) -> Tensor:
        """Boxes (box, 4) -> whole pixels inside the picture: left, top, and right, bottom after the
        last.
        """
        height, width = self._pictures.shape[2:]
        whole = boxes.trunc().long()
        begin = whole[:, :2].clamp(min=1) - 1
        right, bottom = whole[:, 2].clamp(max=width), whole[:, 3].clamp(max=height)
        return torch.cat([begin, torch.stack([right, bottom], dim=1)], dim=1)

    def cut(self, bounds: Tensor, rows: Tensor, side: int) -> Tensor:
        """The pictures (box, 3, side, side) float32 at ``bounds`` in the pictures ``rows``."""
        sums = self._sums
        if sums is None:
            boxes = zip(bounds.tolist(), rows.tolist(), strict=True)
            parts = [
                self._pictures[row, :, top:bottom, left:right][None]
                for (left, top, right, bottom), row in boxes
            ]
            return torch.cat([F.interpolate(part, side, mode="area") for part in parts])
        steps = torch.arange(side, device=bounds.device)
        sizes = (bounds[:, 2:] - bounds[:, :2])[:, :, None]
        begin = bounds[:, :2, None] + steps * sizes // side
        end = bounds[:, :2, None] - (-(steps + 1) * sizes) // side
        left, top = begin.unbind(dim=1)
        right, bottom = end.unbind(dim=1)
        row = rows[:, None, None]

        def corner(height: Tensor, width: Tensor) -> Tensor:
            # (box, side, side, 3)
            return sums[row, :, height[:, :, None], width[:, None, :]]

        total = corner(bottom, right) - corner(top, right) - corner(bottom, left)
        total = (total + corner(top, left)).float()
        mean = total / (bottom - top)[:, :, None, None] / (right - left)[:, None, :, None]
        return mean.permute(0, 3, 1, 2).contiguous()


def _levelled(pictures: Tensor) -> Tensor:
    """0 to 255 -> about -1 to 1."""
    return (pictures - 127.5) * 0.0078125


def _apart(boxes: Tensor, score: Tensor, rows: Tensor, overlap: float) -> Tensor:
    """Positions of the boxes that overlap no more probable one of their frame."""
    return batched_nms(boxes.double(), score.double(), rows, overlap)


def _not_nested(boxes: Tensor, score: Tensor, rows: Tensor) -> Tensor:
    """The same, the overlap in proportion to the smaller box."""
    from facenet_pytorch.models.utils.detect_face import batched_nms_numpy

    kept: Tensor = batched_nms_numpy(boxes.double(), score, rows, _ACROSS_SCALES, "Min")
    return kept


def _moved(boxes: Tensor, shift: Tensor) -> Tensor:
    """Boxes (box, 4) moved by shares of their sides."""
    sides = (boxes[:, 2:] - boxes[:, :2] + 1).repeat(1, 2)
    return boxes + shift * sides


def _square(boxes: Tensor) -> Tensor:
    """The square around the middle of each box (box, 4)."""
    sides = boxes[:, 2:] - boxes[:, :2]
    longest = sides.amax(dim=1, keepdim=True)
    begin = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return torch.cat([begin, begin + longest], dim=1)

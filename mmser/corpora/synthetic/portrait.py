"""A talking face: a public-domain portrait whose brows, eyes and mouth are moved by an emotion.

The picture is warped by smooth bumps at facial landmarks; the portraits and where they come from
stand in ``portraits/PROVENANCE.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from mmser.corpora.synthetic.script import Speaker

HEIGHT, WIDTH = 240, 160
"""Pixels of one half of the picture."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Pixels (x, y) in a portrait, left and right as seen in the picture."""

    eye_left: tuple[float, float]
    eye_right: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


PORTRAITS = {
    "F": ("collins.jpg", Landmarks((60.5, 101.3), (103.4, 104.2), (58.3, 140.1), (101.5, 142.4))),
    "M": ("hopper.jpg", Landmarks((57.1, 91.9), (101.8, 88.7), (62.9, 134.1), (101.9, 131.2))),
}


@dataclass(frozen=True, slots=True)
class Expression:
    """How far a face's features move, in distances between the eyes; down and out are positive."""

    mouth_wide: float = 0.0
    mouth_corner: float = 0.0
    brow_inner: float = 0.0
    brow_outer: float = 0.0
    brow_together: float = 0.0
    eye_open: float = 0.0
    jaw: float = 0.0


EXPRESSIONS = {
    "neutral": Expression(),
    "happy": Expression(mouth_wide=0.16, mouth_corner=-0.2, eye_open=-0.05),
    "sad": Expression(mouth_wide=-0.05, mouth_corner=0.22, brow_inner=-0.16, brow_outer=0.1),
    "angry": Expression(
        mouth_wide=-0.14, mouth_corner=0.08, brow_inner=0.18, brow_together=0.14, eye_open=-0.08
    ),
    "surprised": Expression(
        mouth_wide=-0.18, brow_inner=-0.14, brow_outer=-0.14, eye_open=0.05, jaw=0.2
    ),
    "fearful": Expression(
        mouth_wide=0.2, mouth_corner=0.1, brow_inner=-0.12, brow_together=0.08, eye_open=0.06
    ),
    "disgusted": Expression(
        mouth_wide=-0.04, mouth_corner=0.16, brow_inner=0.12, eye_open=-0.12, jaw=-0.14
    ),
}


@cache
def _portrait(name: str) -> np.ndarray:
    from PIL import Image

    with Image.open(Path(__file__).parent / "portraits" / name) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32)


@cache
def _warped(gender: str, emotion: str, opening: int) -> np.ndarray:
    """The portrait with moved features: (height, width, 3) float32."""
    from scipy.ndimage import map_coordinates

    name, marks = PORTRAITS[gender]
    picture = _portrait(name)
    dx, dy = _displacement(marks, EXPRESSIONS[emotion], opening)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    # What is to appear at a point is fetched from where it came from.
    source = np.stack([rows - dy, columns - dx])
    return np.stack(
        [map_coordinates(picture[..., c], source, order=1, mode="nearest") for c in range(3)],
        axis=-1,
    )


@lru_cache(maxsize=256)
def face(
    speaker: Speaker, emotion: str, opening: int, shift: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """The speaker showing ``emotion``, mouth opened by 0 to 2, head moved by ``shift`` pixels (x,
    y).

    Returns (height, width, 3) uint8. The tint is the speaker's own, every second session is seen in
    a mirror.
    """
    looks = np.random.default_rng([speaker.session, ord(speaker.gender)])
    tint, light = (
        looks.uniform(0.85, 1.1, size=3).astype(np.float32),
        np.float32(looks.uniform(-8, 8)),
    )
    x, y = shift
    moved = np.pad(
        _warped(speaker.gender, emotion, opening),
        ((abs(y), abs(y)), (abs(x), abs(x)), (0, 0)),
        mode="edge",
    )
    moved = moved[abs(y) - y :, abs(x) - x :][:HEIGHT, :WIDTH]
    tinted = np.clip(np.rint(moved * tint + light), 0, 255).astype(np.uint8)
    result = np.ascontiguousarray(tinted[:, ::-1] if speaker.session % 2 == 0 else tinted)
    result.flags.writeable = False
    return result


def _displacement(
    marks: Landmarks, look: Expression, opening: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel (row, column) moves: displacements (height, width) in x and y, pixels."""
    left, right = np.array(marks.eye_left), np.array(marks.eye_right)
    corner_left, corner_right = np.array(marks.mouth_left), np.array(marks.mouth_right)
    unit = float(np.linalg.norm(right - left))
    across, down = (right - left) / unit, np.array([-(right - left)[1], (right - left)[0]]) / unit
    mouth = (corner_left + corner_right) / 2
    jaw = look.jaw + 0.1 * opening
    pulls = [
        (corner_left, -look.mouth_wide * across + look.mouth_corner * down, 0.28),
        (corner_right, look.mouth_wide * across + look.mouth_corner * down, 0.28),
        (mouth + 0.28 * unit * down, jaw * down, 0.34),
        (
            left + unit * (0.2 * across - 0.28 * down),
            look.brow_together * across + look.brow_inner * down,
            0.24,
        ),
        (
            right - unit * (0.2 * across + 0.28 * down),
            -look.brow_together * across + look.brow_inner * down,
            0.24,
        ),
        (left - unit * (0.25 * across + 0.22 * down), look.brow_outer * down, 0.24),
        (right + unit * (0.25 * across - 0.22 * down), look.brow_outer * down, 0.24),
    ]
    for eye in (left, right):
        pulls += [
            (eye - 0.14 * unit * down, -look.eye_open * down, 0.16),
            (eye + 0.14 * unit * down, look.eye_open * down, 0.16),
        ]
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    dx, dy = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.float32)
    for (x, y), (pull_x, pull_y), reach in pulls:
        bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (reach * unit) ** 2)).astype(
            np.float32
        )
        dx += np.float32(pull_x * unit) * bump
        dy += np.float32(pull_y * unit) * bump
    return dx, dy

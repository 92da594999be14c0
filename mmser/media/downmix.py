"""Any number of channels to one, by the names of their loudspeakers; full scale stays full scale.

ITU-R BS.775, table 2 (to 1/0): the stereo down-mix, centre and surround channels at -3 dB, and the
mean of its two channels. The bass channel is left out, as there: it carries no speech. Channels
without names weigh the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from mmser.media.silence import is_silent

CENTRE, FRONT, SURROUND = 1.0, sqrt(0.5), 0.5
_WEIGHTS = {
    **dict.fromkeys(("FC",), CENTRE),
    **dict.fromkeys(("FL", "FR", "FLC", "FRC", "WL", "WR", "DL", "DR", "BC"), FRONT),
    **dict.fromkeys(("LFE", "LFE2"), 0.0),
}
"""Weights by FFmpeg's names, before all are divided by their sum; sides, backs and heights are
surround channels.
"""

UNNAMED = "NONE"
CUSTOMARY = {
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
"""What players take six and eight channels without names for: 5.1 and 7.1."""

CANCELLED = 0.1
"""Channels cancel when the mix has less than this share of the power that one of them has in it
(-10 dB).

Channels that are alike or independent never come near it; one that is the other's negative at 0.68
to 1.46 times its level does, and what a lossy codec leaves of a perfect cancellation (-30 dB and
less) by far.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """Samples of a stretch, ``rows`` (row, sample) float32: the mix and one channel.

    Of a single channel there is one row. ``share`` is that channel's weight in the mix, ``channel``
    its name for people.
    """

    rows: np.ndarray
    share: float
    channel: str

    @property
    def power(self) -> tuple[float, float]:
        """Sum of squares of the mix, and of what the one channel has in it."""
        mix, single = self.rows[0], self.rows[-1]
        return float(np.dot(mix, mix)), self.share**2 * float(np.dot(single, single))

    @property
    def mono(self) -> np.ndarray:
        """(sample,): the mix, or the one channel where the channels of this stretch cancel."""
        return self.rows[-1] if cancels(*self.power) else self.rows[0]


def cancels(mix: float, own: float) -> bool:
    """Whether the others take away what one channel has in the mix; see `Mixed.power`."""
    return mix < CANCELLED * own


def weights(names: Sequence[str]) -> np.ndarray:
    """(channel,) float32 with sum 1, from FFmpeg's names of the channels."""
    if all(name == UNNAMED for name in names):
        names = CUSTOMARY.get(len(names), ("FL",) * len(names))
    factors = np.array([_WEIGHTS.get(name, SURROUND) for name in names])
    if not factors.any():
        factors = np.ones(len(names))  # Nothing but bass channels: then they are what there is.
    return (factors / factors.sum()).astype(np.float32)


class DownMix:
    """The down-mix of one track.

    It remembers the channel to fall back on: a loud one where the first sound is.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.weights = weights(names)
        self.used = np.flatnonzero(self.weights)
        self.single: int | None = None

    def __call__(self, samples: np.ndarray) -> Mixed:
        """(sample, channel) float32 -> the mix and one channel."""
        if samples.shape[1] == 1:
            return Mixed(samples.T, 1.0, "the only channel")
        channels = samples[:, self.used]
        mix = channels @ self.weights[self.used]
        single = self._loud(channels)
        name = f"channel {single + 1} of {samples.shape[1]}"
        return Mixed(np.stack([mix, samples[:, single]]), float(self.weights[single]), name)

    def _loud(self, channels: np.ndarray) -> int:
        if self.single is not None:
            return self.single
        power = np.nan_to_num(np.square(channels).sum(axis=0))
        # The first of those that are about as loud as the loudest (-3 dB).
        loud = int(self.used[np.flatnonzero(power >= power.max() / 2)[0]])
        if not is_silent(channels):
            self.single = loud
        return loud

"""SpecAugment on the frames inside a network, while it trains.

Stretches of frames and bands of features are hidden.

Source: Baevski et al., "wav2vec 2.0", NeurIPS 2020, appendix B; arguments as in transformers'
``Wav2Vec2Config``.

Differs:
    Every row draws its own rounding and is cut by its own length alone (transformers draw one
    rounding per batch and cut by the longest row), so that a row's share does not depend on its
    companions. A row shorter than a stretch is left alone (transformers refuse the batch).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError


class LatentMasking(nn.Module):
    """While training, random stretches of frames and random bands of features are hidden.

    Frames become a learnt vector, features become 0. ``mask_time_prob`` of a row's frames are
    hidden if no two stretches of ``mask_time_length`` frames overlap, but at least
    ``mask_time_min_masks`` stretches where the row has room for them; the same along the features.
    A share of 0 hides nothing. Random numbers are torch's own: a seed gives the same stretches
    again.
    """

    def __init__(
        self,
        mask_time_prob: float = 0.05,
        mask_time_length: int = 10,
        mask_time_min_masks: int = 2,
        mask_feature_prob: float = 0.0,
        mask_feature_length: int = 10,
        mask_feature_min_masks: int = 0,
    ) -> None:
        super().__init__()
        shares = {"mask_time_prob": mask_time_prob, "mask_feature_prob": mask_feature_prob}
        wrong = [f"{name} {share}" for name, share in shares.items() if not 0.0 <= share <= 1.0]
        if wrong or min(mask_time_length, mask_feature_length) < 1:
            lengths = f"lengths {mask_time_length} and {mask_feature_length}"
            raise MmserError(
                "shares from 0 to 1 and lengths of 1 or more",
                wrong[0] if wrong else lengths,
                "Correct the masking.",
            )
        self.frames = (mask_time_prob, mask_time_length, mask_time_min_masks)
        self.features = (mask_feature_prob, mask_feature_length, mask_feature_min_masks)

    @property
    def hides_frames(self) -> bool:
        """A vector is needed to stand for hidden frames."""
        return self.frames[0] > 0

    def forward(self, values: Tensor, mask: Tensor, vector: Tensor | None) -> Tensor:
        """values (batch, frame, feature), mask (batch, frame), vector (feature,) -> as values.

        Real frames come first; ``vector`` may be None.
        """
        if not self.training:
            return values
        if self.hides_frames and vector is not None:
            hidden = stretches(mask.sum(dim=1), values.shape[1], *self.frames)
            values = torch.where(hidden[..., None], vector.to(values.dtype), values)
        if self.features[0] > 0:
            sizes = mask.sum(dim=1).new_full((len(values),), values.shape[2])
            values = values.masked_fill(
                stretches(sizes, values.shape[2], *self.features)[:, None], 0.0
            )
        return values


def stretches(lengths: Tensor, steps: int, share: float, width: int, least: int) -> Tensor:
    """Which places of each row are hidden: (row, steps) bool.

    About ``share * length / width`` stretches of ``width`` places, in each row's first places. The
    count is rounded up or down at random, at least ``least`` and at most ``length // width``; the
    starts differ, but stretches may overlap. ``lengths`` is (row,) long.
    """
    place = torch.arange(steps, device=lengths.device)
    count = (
        (share * lengths / width + torch.rand(lengths.shape, device=lengths.device)).floor().long()
    )
    count = count.clamp(min=least).minimum(lengths // width)
    luck = torch.rand(len(lengths), steps, device=lengths.device)
    # A stretch ends within its row.
    luck = luck.masked_fill(place > (lengths - width)[:, None], -1.0)
    # The places with the most luck start a stretch.
    rank = luck.argsort(dim=1, descending=True).argsort(dim=1)
    # A place is hidden where more stretches have begun than ended.
    begun = (rank < count[:, None]).long().cumsum(dim=1)
    ended = F.pad(begun, (width, 0))[:, :steps]
    return begun > ended

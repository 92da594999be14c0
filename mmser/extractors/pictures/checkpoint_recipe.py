"""What extractors over the model hub's networks of pictures have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT
from mmser.extractors.networks.devices import Placement
from mmser.extractors.pictures.recipe import PictureRecipe

if TYPE_CHECKING:
    from torch import nn

    from mmser.extractors.networks.picture_encoder import Preparation


@dataclass(frozen=True, kw_only=True)
class CheckpointRecipe(PictureRecipe, Placement):
    """frames -> pictures -> network of a checkpoint. An extractor inherits these options.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded network of the same size
            with two layers.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        model_type: the network that the checkpoint must hold, as its config.json names it; None:
            any that the extractor reads.
        size: features of a row; another number in the checkpoint is an error.
        labels: the classes of a classifier, whose probabilities come before the features; other
            ones in its config are an error. None: features alone.
        statistics: mean and standard deviation over time in place of rows.
    """

    weights: str = ""
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    model_type: str | None = field(default=None, metadata=WITHOUT_EFFECT)
    size: int = 768
    labels: tuple[str, ...] | None = None
    statistics: bool = False

    @property
    def dtype(self) -> str:
        """Rows fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the picture network")

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return 2 * self._columns if self.statistics else self._columns

    @property
    def _columns(self) -> int:
        """Of the network's answer."""
        return len(self.labels or ()) + self.size

    @cached_property
    def _preparation(self) -> Preparation:
        from mmser.extractors.networks.picture_encoder import preparation_of

        return preparation_of(self.checkpoint, self.image_size)

    def _read(self, kinds: Sequence[str]) -> nn.Module:
        """The checkpoint's network; raises MmserError unless it is one of ``kinds`` and fits."""
        from mmser.extractors.networks.picture_encoder import read_picture_encoder

        if self.model_type not in (None, *kinds):
            expected = f"model_type {', '.join(kinds)}, or null"
            raise MmserError(expected, f"'{self.model_type}'", "Correct the extractor's argument.")
        wanted = (self.model_type,) if self.model_type else kinds
        return read_picture_encoder(self.checkpoint.path, wanted, self.labels)

    def _checked(self, model: nn.Module, leading: Sequence[int] = ()) -> nn.Module:
        """The network on its device.

        Raises MmserError unless it reads (*leading, 3, side, side) and returns the stated columns.
        """
        from mmser.extractors.networks.picture_encoder import check_shape

        side = self._preparation.side
        picture = (*leading, 3, side, side)
        check_shape(model.eval(), picture, self._columns, self.weights)
        return self.placed(model)

    def _random_options(self) -> dict[str, Any]:
        """The sizes of a small Transformer in the words of transformers' configs."""
        return {
            "hidden_size": self.size,
            "num_hidden_layers": 2,
            "num_attention_heads": max(1, self.size // 64),
            "intermediate_size": 2 * self.size,
            "image_size": self.image_size,
            "patch_size": 32,
            "id2label": dict(enumerate(self.labels or ("none",))),
        }

"""Frame features of any picture network of the model hub: CLIP, SigLIP, DINOv2, classifiers.

Sources: Radford et al., ICML 2021 (CLIP); Zhai et al., ICCV 2023 (SigLIP); Oquab et al., TMLR 2024
(DINOv2); Dosovitskiy et al., ICLR 2021 (ViT), and classifiers of `AutoModelForImageClassification`.

Differs: colours are normalised as the checkpoint's preprocessor_config.json says, but pictures have
their size by the crop alone: no second resizing, no cutting of margins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.time_statistics import statistics_of
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.checkpoint_recipe import CheckpointRecipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class PictureEncoder(CheckpointRecipe):
    """frames -> crop -> network, (time, label + size); or (1, 2 (label + size)) statistics.

    Further arguments are those of `mmser.extractors.pictures.checkpoint_recipe.CheckpointRecipe`,
    `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        batch_size: pictures in one pass.
    """

    modality: ClassVar[Modality] = "face"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "openai/clip-vit-base-patch32"
    batch_size: int = field(default=32, metadata=WITHOUT_EFFECT)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "picture_encoder", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One float32 array per clip; spans where frames without a face were left out."""
        model = self._model
        mean, deviation = self._preparation.mean, self._preparation.deviation
        results = image_features(
            clips, self, model, mean, deviation, self.batch_size, self.precision
        )
        return [statistics_of(result) for result in results] if self.statistics else results

    @cached_property
    def _model(self) -> nn.Module:
        from mmser.extractors.networks.picture_encoder import PICTURE_KINDS

        if self.checkpoint.is_random:
            return self._checked(self.seeded(self._random_model))
        return self._checked(self._read(PICTURE_KINDS))

    def _random_model(self) -> nn.Module:
        from transformers import ViTConfig, ViTForImageClassification

        from mmser.extractors.networks.picture_encoder import classifier

        model = ViTForImageClassification(ViTConfig(**self._random_options()))
        return classifier(model, self.labels, self.weights)

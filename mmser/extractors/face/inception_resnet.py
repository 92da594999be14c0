"""Face embeddings of facenet-pytorch's InceptionResnetV1 (Schroff et al., CVPR 2015; Cao et al., FG
2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.devices import Placement
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.recipe import PictureRecipe

_DOWNLOAD = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt"


@dataclass(frozen=True, kw_only=True)
class InceptionResnet(PictureRecipe, Placement):
    """frames -> face crop -> InceptionResnetV1, (time, 512) of unit length.

    Further arguments are those of `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: the published .pt file (VGGFace2 or CASIA-Webface), or ``random``: the same
            network, seeded.
        batch_size: pictures in one pass.
    """

    modality: ClassVar[Modality] = "face"
    dtype: ClassVar[str] = "float16"
    feature_size: ClassVar[int] = 512
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "weights/20180402-114759-vggface2.pt"
    image_size: int = 160
    margin: float = 0.0
    batch_size: int = field(default=32, metadata=WITHOUT_EFFECT)

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, what="facenet's InceptionResnetV1", download=_DOWNLOAD)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        return {"extractor": "inception_resnet", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, 512) float32 array per clip; spans where frames without a face
        were left out.
        """
        mean, deviation = (127.5,) * 3, (128.0,) * 3
        return image_features(
            clips, self, self._network, mean, deviation, self.batch_size, self.precision
        )

    @cached_property
    def _network(self) -> Any:
        import torch
        from facenet_pytorch import InceptionResnetV1

        from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

        network = self.seeded(InceptionResnetV1)
        if not self.checkpoint.is_random:
            path = self.checkpoint.path
            remedy = f"Use {_DOWNLOAD}."
            load_tensors(
                network, read_tensors(path), "InceptionResnetV1", path, remedy, unused=["logits.*"]
            )
        return self.placed(network).to(memory_format=torch.channels_last)

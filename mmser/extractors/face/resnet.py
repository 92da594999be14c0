"""Frame features of a torchvision ResNet on the speaker's face (He et al., CVPR 2016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import RANDOM, Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.devices import Placement
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.recipe import PictureRecipe

_MEAN = (123.675, 116.28, 103.53)
_DEVIATION = (58.395, 57.12, 57.375)


@dataclass(frozen=True, kw_only=True)
class ResNet(PictureRecipe, Placement):
    """frames -> face or centre crop -> ResNet without its classifier, (time, size).

    Further arguments are those of `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: .pth or .safetensors file of the architecture, or ``random``: a seeded network of
            the same output dimension with one block per stage.
        architecture: torchvision's name, such as resnet18, resnet50, resnet101.
        size: feature dimension; another one of the architecture is an error.
        batch_size: pictures in one pass.
    """

    modality: ClassVar[Modality] = "face"
    dtype: ClassVar[str] = "float16"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "weights/resnet101-63fe2227.pth"
    architecture: str = "resnet101"
    size: int = 2048
    batch_size: int = field(default=32, metadata=WITHOUT_EFFECT)

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        download = "" if self.weights == RANDOM else self._download
        return Weights(self.weights, what=f"torchvision's {self.architecture}", download=download)

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        return {"extractor": "resnet", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, size) float32 array per clip; spans where frames without a face
        were left out.
        """
        return image_features(
            clips, self, self._network, _MEAN, _DEVIATION, self.batch_size, self.precision
        )

    @property
    def _download(self) -> str:
        from torchvision.models import get_model_weights, list_models

        if self.architecture not in list_models(include=["*resnet*", "*resnext*"]):
            raise MmserError(
                "a torchvision ResNet", self.architecture, "For example resnet50 or resnet101."
            )
        return str(get_model_weights(self.architecture)["IMAGENET1K_V1"].url)  # type: ignore[index]

    @cached_property
    def _network(self) -> Any:
        import torch
        from torch import nn
        from torchvision.models import get_model

        from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

        if self.checkpoint.is_random:
            network = self.seeded(self._random_network)
        else:
            network = get_model(self.architecture, weights=None)
        size = network.fc.in_features
        if size != self.size:
            raise MmserError(
                f"{self.architecture} of size {self.size}", f"size {size}", f"Set size={size}."
            )
        network.fc = nn.Identity()
        if not self.checkpoint.is_random:
            path = self.checkpoint.path
            remedy = f"Set `architecture` to the file's, or use {self._download}."
            load_tensors(
                network, read_tensors(path), self.architecture, path, remedy, unused=["fc.*"]
            )
        return self.placed(network).to(memory_format=torch.channels_last)

    def _random_network(self) -> Any:
        from torchvision.models.resnet import BasicBlock, Bottleneck
        from torchvision.models.resnet import ResNet as TorchvisionResNet

        block = BasicBlock if self.architecture in ("resnet18", "resnet34") else Bottleneck
        return TorchvisionResNet(block, [1, 1, 1, 1])

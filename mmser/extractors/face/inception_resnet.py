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
from mmser.extractors.networks.devices import Precision, placed, seeded
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.recipe import Crop, PictureRecipe

_DOWNLOAD = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt"


@dataclass(frozen=True)
class InceptionResnet:
    """frames -> face crop -> InceptionResnetV1, (time, 512) of unit length.

    Args:
        weights: the published .pt file (VGGFace2 or CASIA-Webface), or ``random``: the same
        network, seeded. crop: ``face`` (MTCNN) or ``centre`` (the central square, no detector).
        image_size: side of the picture the network sees, pixels. margin: of the face crop, part of
        the box's longer side. rate: pictures per second, at most that of the clip's frames. limit:
        pictures kept from the start; None keeps all. detect_scale, detect_every, smallest_face,
        face_score: see `faces.FaceFinder`, with the measured errors. precision: ``bfloat16`` trades
        a relative error below one percent for speed. batch_size: pictures in one pass. device:
        ``auto``, ``cpu``, ``cuda``. seed: of random weights.
    """

    modality: ClassVar[Modality] = "face"
    dtype: ClassVar[str] = "float16"
    feature_size: ClassVar[int] = 512
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "weights/20180402-114759-vggface2.pt"
    crop: Crop = "face"
    image_size: int = 160
    margin: float = 0.0
    rate: float = 3.0
    limit: int | None = None
    detect_scale: float = 1.0
    detect_every: int = 1
    smallest_face: float = 40.0
    face_score: float = 0.9
    precision: Precision = "float32"
    batch_size: int = field(default=32, metadata=WITHOUT_EFFECT)
    device: str = field(default="auto", metadata=WITHOUT_EFFECT)
    seed: int = 0

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
            clips, PictureRecipe.of(self), self._network, mean, deviation, self.batch_size
        )

    @cached_property
    def _network(self) -> Any:
        import torch
        from facenet_pytorch import InceptionResnetV1

        from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

        network = seeded(InceptionResnetV1, self.seed)
        if not self.checkpoint.is_random:
            path = self.checkpoint.path
            remedy = f"Use {_DOWNLOAD}."
            load_tensors(
                network, read_tensors(path), "InceptionResnetV1", path, remedy, unused=["logits.*"]
            )
        return placed(network, self.device, self.precision).to(memory_format=torch.channels_last)

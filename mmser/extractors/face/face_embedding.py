"""Embeddings of the face by face-api's recognition network, a copy of dlib's (King, 2017).

Source: face-api.js (Mühler, 2018; MIT), see `mmser.extractors.networks.face_api`.

Differs: faces are found by MTCNN; the published program uses a detector of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.devices import Placement
from mmser.extractors.networks.time_statistics import statistics_of
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.recipe import PictureRecipe

if TYPE_CHECKING:
    from mmser.extractors.networks.face_api import EmbeddingNetwork

_PLACED = "face-api's recognition network (`mmser weights get face_embedding` places it)"
_SIZE = 128


@dataclass(frozen=True, kw_only=True)
class FaceEmbedding(PictureRecipe, Placement):
    """frames -> face crop -> ResNet, (time, 128); or (1, 256).

    Further arguments are those of `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: the file that `mmser weights get face_embedding` places, or ``random``: the same
            network, seeded.
        statistics: mean and standard deviation over time, (1, 256), in place of frames.
        batch_size: pictures in one pass.
    """

    modality: ClassVar[Modality] = "face"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "weights/face_embedding.safetensors"
    image_size: int = 150
    margin: float = 0.0
    statistics: bool = False
    batch_size: int = field(default=64, metadata=WITHOUT_EFFECT)

    @property
    def dtype(self) -> str:
        """Frames fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, what="the face's embedding", download=_PLACED)

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return 2 * _SIZE if self.statistics else _SIZE

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        return {"extractor": "face_embedding", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One float32 array per clip; spans where frames without a face were left out."""
        from mmser.extractors.networks.face_api import DEVIATION, MEAN

        results = image_features(clips, self, self._network, MEAN, DEVIATION, self.batch_size)
        return [statistics_of(result) for result in results] if self.statistics else results

    @cached_property
    def _network(self) -> EmbeddingNetwork:
        from mmser.extractors.networks.face_api import EmbeddingNetwork, read_network

        network = self.seeded(EmbeddingNetwork)
        if not self.checkpoint.is_random:
            read_network(network, self.checkpoint.path)
        return self.placed(network)

"""What small published networks say of a face: seven expressions, who it is, gender and age.

Sources: face-api.js (Mühler, 2018; MIT), whose recognition network is dlib's (King, 2017), see
`mmser.extractors.networks.face_api`; faceres (Savchenko, PeerJ CS 2019), which Human publishes
(MIT), see `mmser.extractors.networks.faceres`.

Differs: faces are found by MTCNN and their crops are square; the published programs use detectors
of their own, and faceres was trained on rectangles, 10 pixels wider on each side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

from torch import nn

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.devices import Placement
from mmser.extractors.networks.time_statistics import statistics_of
from mmser.extractors.pictures.batches import image_features
from mmser.extractors.pictures.recipe import PictureRecipe

Network = Literal["expression", "embedding", "description", "age_gender"]

SIZES: Mapping[Network, int] = {
    "expression": 7 + 256,
    "embedding": 128,
    "description": 1024,
    "age_gender": 2,
}
"""Columns: probabilities of `mmser.extractors.networks.face_api.EXPRESSIONS` and the features they
are read from; one vector, near to the others of the same person (two networks have one); or the
probability of a man, and the age in years.
"""
PLACED: Mapping[Network, str] = {
    "expression": "face_expression",
    "embedding": "face_embedding",
    "description": "faceres",
    "age_gender": "faceres",
}
"""The name by which `mmser weights get` places the weights of a network."""


@dataclass(frozen=True, kw_only=True)
class FaceApi(PictureRecipe, Placement):
    """frames -> face crop -> network, (time, size) with the size in `SIZES`; or (1, 2 size).

    Further arguments are those of `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        network: ``expression`` reads pictures of 112 pixels a side, ``embedding`` of 150,
            ``description`` and ``age_gender``, the two ends of faceres, of 224 (``image_size``).
        weights: the file that `mmser weights get` places under the name in `PLACED`, or
            ``random``: the same network, seeded.
        statistics: mean and standard deviation over time, (1, 2 size), in place of frames.
        batch_size: pictures in one pass.
    """

    modality: ClassVar[Modality] = "face"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    network: Network = "expression"
    weights: str = "weights/face_expression.safetensors"
    image_size: int = 112
    margin: float = 0.0
    statistics: bool = False
    batch_size: int = field(default=64, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        if self.network not in SIZES:
            raise MmserError(
                f"network {' or '.join(SIZES)}", f"'{self.network}'", "Choose one of them."
            )

    @property
    def dtype(self) -> str:
        """Frames fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        name = PLACED[self.network]
        placed = f"the network {name} (`mmser weights get {name}` places it)"
        return Weights(self.weights, what=f"the face's {self.network}", download=placed)

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        size = SIZES[self.network]
        return 2 * size if self.statistics else size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        return {"extractor": "face_api", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One float32 array per clip; spans where frames without a face were left out."""
        source = self._source
        results = image_features(
            clips, self, self._model, source.MEAN, source.DEVIATION, self.batch_size, self.precision
        )
        return [statistics_of(result) for result in results] if self.statistics else results

    @property
    def _source(self) -> Any:
        """The module that has the network, what is subtracted from its pictures, and its reader."""
        from mmser.extractors.networks import face_api, faceres

        return face_api if self.network in face_api.NETWORKS else faceres

    @cached_property
    def _model(self) -> nn.Module:
        model: nn.Module = self.seeded(self._source.NETWORKS[self.network])
        if not self.checkpoint.is_random:
            self._source.read_network(model, self.checkpoint.path)
        return self.placed(model)

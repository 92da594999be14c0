"""What face-api's two small networks say of a face: seven expressions, or who it is.

Source: face-api.js (Mühler, 2018; MIT), whose recognition network is dlib's (King, 2017); see
`mmser.extractors.networks.face_api`.

Differs: faces are found by MTCNN; the published program uses a detector of its own.
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

Network = Literal["expression", "embedding"]

SIZES: Mapping[Network, int] = {"expression": 7 + 256, "embedding": 128}
"""Columns: probabilities of `mmser.extractors.networks.face_api.EXPRESSIONS` and the features they
are read from; or one vector, near to the others of the same person.
"""


@dataclass(frozen=True, kw_only=True)
class FaceApi(PictureRecipe, Placement):
    """frames -> face crop -> network, (time, 263) expression or (time, 128) embedding; or (1, ...).

    Further arguments are those of `mmser.extractors.pictures.recipe.PictureRecipe` and
    `mmser.extractors.networks.devices.Placement`.

    Args:
        network: ``expression`` reads pictures of 112 pixels a side, ``embedding`` of 150
            (``image_size``).
        weights: the file that `mmser weights get face_expression` or `face_embedding` places, or
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
                f"network {' or '.join(SIZES)}", f"'{self.network}'", "Choose one of the two."
            )

    @property
    def dtype(self) -> str:
        """Frames fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        placed = f"face-api's network (`mmser weights get face_{self.network}` places it)"
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
        from mmser.extractors.networks.face_api import DEVIATION, MEAN

        results = image_features(clips, self, self._model, MEAN, DEVIATION, self.batch_size)
        return [statistics_of(result) for result in results] if self.statistics else results

    @cached_property
    def _model(self) -> nn.Module:
        from mmser.extractors.networks.face_api import (
            EmbeddingNetwork,
            ExpressionNetwork,
            read_network,
        )

        kind = ExpressionNetwork if self.network == "expression" else EmbeddingNetwork
        model = self.seeded(kind)
        if not self.checkpoint.is_random:
            read_network(model, self.checkpoint.path)
        return self.placed(model)

"""How clips go through a network that reads waveforms, and the options of it that several share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.arguments import WITHOUT_EFFECT
from mmser.extractors.networks.devices import Placement, device_named

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from mmser.extractors.networks.waveform_batches import WaveformBatches


@dataclass(frozen=True, kw_only=True)
class SpeechNetwork(Placement, ABC):
    """What is the same in every extractor that runs a network on waveforms; it inherits this.

    Args:
        batch_seconds: most seconds of audio, padding included, in one pass; None: on a GPU as many
            as it takes, on a CPU one row.
    """

    modality: ClassVar[Modality] = "audio"
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE

    batch_seconds: float | None = field(default=None, metadata=WITHOUT_EFFECT)

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The type that is stored."""

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One array per clip, (time, ...) as the class says, float32, or from a GPU the type that
        is stored.
        """
        from mmser.extractors.networks.waveform_batches import features_in_batches

        return features_in_batches(clips, self._batches, self._parts, self._features)

    @cached_property
    def _batches(self) -> WaveformBatches:
        from mmser.extractors.networks.waveform_batches import WaveformBatches

        options: dict[str, Any] = {"seconds": self.batch_seconds, **self._batching}
        return WaveformBatches(
            self._encode, device_named(self.device), self.dtype, self.precision, **options
        )

    @property
    def _batching(self) -> Mapping[str, Any]:
        """Further options of `WaveformBatches`."""
        return {}

    @abstractmethod
    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        """What the network reads of one waveform (sample,)."""

    @abstractmethod
    def _encode(self, rows: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
        """Rows (row, sample, ...) -> values (time, ...), row after row, and the time of each."""

    @abstractmethod
    def _features(self, parts: list[np.ndarray], samples: int) -> Features:
        """What came of the parts of one waveform of so many samples."""


def summed_up(values: Tensor, counts: list[int], statistics: bool) -> tuple[Tensor, list[int]]:
    """What `SpeechNetwork._encode` returns of frames (time, ...), ``counts`` of each row.

    The frames, or their ``statistics`` over time in one step.
    """
    if not statistics:
        return values, counts
    from mmser.extractors.networks.packing import Packing
    from mmser.extractors.networks.time_statistics import statistics_of_rows

    return statistics_of_rows(values, Packing(counts, values.device)), [1] * len(counts)

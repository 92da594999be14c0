"""How one stream of a system reads its store: the ``streams`` part of a system's config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmser.core.errors import MmserError, UsageError

if TYPE_CHECKING:
    from mmser.cache.store import Store

Normalise = Literal["none", "zscore", "speaker_zscore", "gender_zscore", "corpus_zscore", "minmax"]
NORMALISATIONS = ("none", "zscore", "speaker_zscore", "gender_zscore", "corpus_zscore", "minmax")
CROPS = ("head", "centre")


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream: which extractor's store, and what is done to its arrays.

    ``size`` is the feature dimension the system expects (None: any). ``limit`` is the maximum number of steps kept
    (None: all), from the ``crop`` "head" or "centre". ``normalise``: "zscore" per coefficient from the training
    fold's frames, "speaker_zscore" per speaker, "gender_zscore" or "corpus_zscore" per domain, "minmax" from the
    training fold's range per coefficient to [0, 1] (see `mmser.data.transforms`). ``vocabulary`` turns a store of word
    hashes into the training fold's word indices (0 padding, 1 unknown); words seen fewer than ``min_count`` times in
    training are unknown.
    """

    extractor: str
    size: int | None = None
    limit: int | None = None
    normalise: Normalise = "none"
    crop: Literal["head", "centre"] = "head"
    vocabulary: bool = False
    min_count: int = 1

    def __post_init__(self) -> None:
        if self.normalise not in NORMALISATIONS:
            raise UsageError(
                f"normalise to be one of {', '.join(NORMALISATIONS)}", f"'{self.normalise}'", "Choose one."
            )
        if self.crop not in CROPS:
            raise UsageError(f"crop to be one of {', '.join(CROPS)}", f"'{self.crop}'", "Choose one.")
        if self.limit is not None and self.limit < 1:
            raise UsageError("a limit of at least 1 step", str(self.limit), "Use null for no limit.")
        if self.vocabulary and self.normalise != "none":
            raise UsageError("normalise none for word indices", f"'{self.normalise}'", "Drop one of the two.")


def check_size(stream: str, spec: StreamSpec, feature: tuple[int, ...], store: Store) -> int:
    """The stream's feature dimension (1 where a step is a single number), checked against ``spec.size``.

    Raises MmserError naming the command that makes a matching store.
    """
    found = feature[-1] if feature else 1
    if spec.size is not None and not spec.vocabulary and found != spec.size:
        raise MmserError(
            f"{spec.size} features per step in stream '{stream}'",
            f"{found} in the store of {store.info['extractor']}",
            f"Make a store of that size with `mmser preprocess extractors=[{spec.extractor}]` and parameters that "
            f"give {spec.size}, or set streams.{stream}.size={found}.",
        )
    return found

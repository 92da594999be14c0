"""A stream's options (`mmser.settings.stream`) beside the store they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmser.core.errors import MmserError
from mmser.settings.stream import StreamSpec

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore

__all__ = ["StreamSpec", "check_size"]


def check_size(stream: str, spec: StreamSpec, feature: tuple[int, ...], store: FeatureStore) -> int:
    """The stream's feature dimension, 1 where a step is a single number.

    Raises MmserError when it is not ``spec.size``, naming the command that makes a matching store.
    """
    size = feature[-1] if feature else 1
    if spec.size is not None and not spec.vocabulary and size != spec.size:
        raise MmserError(
            f"{spec.size} features per step in stream '{stream}'",
            f"{size} in the store of {store.info['extractor']}",
            f"Make a store of that size with `mmser preprocess extractors=[{spec.extractor}]` and "
            f"parameters that give {spec.size}, or set streams.{stream}.size={size}.",
        )
    return size

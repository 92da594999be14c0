"""What a run or a model folder states of its streams, within bounds: it may be anybody's."""

from __future__ import annotations

from math import prod

from mmser.core.bounds import LARGEST, check_numbers
from mmser.core.errors import MmserError
from mmser.extraction.rebuild import decoded_rate
from mmser.inference.trained import Trained
from mmser.settings.check import check_value
from mmser.settings.data import ALIGNMENTS
from mmser.settings.ranges import Null, Number, OneOf

STEPS_PER_SECOND = Number(above=0, most=192_000)
"""No stream has more than one step per sample of sound."""
CELLS_PER_SECOND = PICTURES_PER_SECOND = Number(above=0, most=1000)


def check_stated(trained: Trained) -> None:
    """Raise MmserError for a rate, a size or an alignment that no system was trained with."""
    data = trained.data
    check_value("data.alignment", data["alignment"], (OneOf(*ALIGNMENTS),))
    if data["alignment"] == "grid":
        check_value("data.grid_rate", data["grid_rate"], (CELLS_PER_SECOND,))
    if data["alignment"] == "word":
        check_value("data.word_stream", data["word_stream"], (OneOf(*trained.sources),))
    for name, source in trained.sources.items():
        check_numbers(source.info.get("parameters"), f"streams.{name}.store.parameters")
        check_value(f"streams.{name}.frame_rate", source.frame_rate, (STEPS_PER_SECOND, Null()))
        check_value(
            f"the decoded frame rate of {name}",
            decoded_rate(source.info),
            (PICTURES_PER_SECOND, Null()),
        )
        shape = source.shape.feature
        if any(size < 1 for size in shape) or prod(shape) > LARGEST:
            raise MmserError(
                f"a step of 1 to {LARGEST:,} features in the stream {name}",
                str(shape),
                "It is damaged.",
            )

"""How one stream of a system reads its store: the ``streams`` part of a config."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal, get_args

from mmser.core.errors import UsageError
from mmser.settings.check import check_options
from mmser.settings.ranges import Flag, Null, Number, OneOf, Text, Whole

Normalise = Literal[
    "none",
    "zscore",
    "speaker_zscore",
    "speaker_zscore_enrolment",
    "gender_zscore",
    "corpus_zscore",
    "minmax",
]
NORMALISATIONS = get_args(Normalise)
ORDERS = ("random", "corpus")
CROPS = ("head", "centre")


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream: which extractor's store, and what is done to its arrays.

    ``size`` is the feature dimension the system expects (None: any). ``limit`` is the maximum
    number of steps kept (None: all), from the ``crop`` "head" or "centre". ``normalise``: "zscore"
    per coefficient from the training fold's frames, "speaker_zscore" per speaker, "gender_zscore"
    or "corpus_zscore" per domain, "minmax" from the training fold's range per coefficient to [0, 1]
    (see `mmser.data.transforms`). ``vocabulary`` turns a store of word hashes into the training
    fold's word indices (0 padding, 1 unknown); words seen fewer than ``min_count`` times in
    training are unknown. Raises UsageError for a value that is not allowed.

    "speaker_zscore_enrolment" knows of a speaker outside training the first ``enrol`` utterances
    alone, or those that begin within the first ``enrol_seconds``, in an order that is drawn by
    ``enrol_seed`` or the ``corpus``'s; ``enrol_weight`` is how many utterances the training
    speakers' statistics are worth against them (None: estimated, see `mmser.data.enrolment`).
    """

    extractor: Annotated[str, Text("the name of an extractor, NAME@RECOGNISER or a store's folder")]
    size: Annotated[int | None, Whole(1), Null()] = None
    limit: Annotated[int | None, Whole(1), Null()] = None
    normalise: Annotated[Normalise, OneOf(*NORMALISATIONS)] = "none"
    crop: Annotated[Literal["head", "centre"], OneOf(*CROPS)] = "head"
    vocabulary: Annotated[bool, Flag()] = False
    min_count: Annotated[int, Whole(1)] = 1
    enrol: Annotated[int, Whole(0)] = 10
    enrol_seconds: Annotated[float | None, Number(above=0), Null()] = None
    enrol_order: Annotated[Literal["random", "corpus"], OneOf(*ORDERS)] = "random"
    enrol_seed: Annotated[int, Whole(0, 2**32 - 1)] = 0
    enrol_weight: Annotated[float | None, Number(least=0), Null()] = None

    def __post_init__(self) -> None:
        check_options(
            StreamSpec,
            {each.name: getattr(self, each.name) for each in fields(self)},
            "streams.<name>",
        )
        if self.vocabulary and self.normalise != "none":
            raise UsageError(
                "normalise none for word indices", f"'{self.normalise}'", "Drop one of the two."
            )

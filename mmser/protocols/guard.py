"""The rules of folds that no configuration can break."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from mmser.core.errors import MmserError
from mmser.core.tables import SPLITS
from mmser.protocols.counts import shortened
from mmser.protocols.plan import Fold


def check_fold(
    fold: Fold, speakers: Mapping[str, str], speaker_dependent: bool, protocol: str
) -> None:
    """Raise MmserError when a split is empty, or two splits share an utterance or a speaker.

    ``speakers`` are the ids' speakers; splits of a ``speaker_dependent`` plan may share them, and
    train and validation of a fold that says so (``validation_of_training``).
    """
    for split, ids in fold.splits.items():
        if not ids:
            raise MmserError(
                f"utterances in the {split} split of fold {fold.name}",
                "none",
                f"Use more data for protocol {protocol}.",
            )
    ids_of = {split: set(ids) for split, ids in fold.splits.items()}
    ids_of["train"] |= set(fold.unlabelled)  # what trains without labels trains all the same
    for one, other in combinations(SPLITS, 2):
        what, shared = "utterance", ids_of[one] & ids_of[other]
        by_design = fold.validation_of_training and (one, other) == ("train", "validation")
        if not shared and not speaker_dependent and not by_design:
            what = "speaker"
            shared = {speakers[i] for i in ids_of[one]} & {speakers[i] for i in ids_of[other]}
        if shared:
            raise MmserError(
                f"{one} and {other} of fold {fold.name} to share no {what}",
                shortened(shared),
                f"Correct the fold plan of protocol {protocol}.",
            )


def check_classes(fold: Fold, labels: Mapping[str, str | None], protocol: str) -> None:
    """Raise MmserError when the training split has fewer than two classes."""
    classes = {labels[identity] for identity in fold.train} - {None}
    if len(classes) < 2:
        raise MmserError(
            f"at least two classes in the train split of fold {fold.name}",
            shortened(str(name) for name in classes) if classes else "no label",
            f"Use data that has more classes for protocol {protocol}.",
        )

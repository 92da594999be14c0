"""Several corpora in one run: further corpora beside the one that is tested.

``domains`` in a config maps names to ``{corpus: ..., protocol: ...}``; every protocol maps its
corpus's words to the same classes. ``corpus`` and ``protocol`` name the target, which alone is
tested. With ``target_labels`` (the default) the others add to the training split of every fold
(transfer and meta-learning). Without, the target's training split is heard unlabelled, and the
others both train and validate (unsupervised domain adaptation: labels of the target neither train
nor choose a model); a domain's first fold tells which of its utterances validate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import SPLIT_COLUMN
from mmser.settings.data import Data
from mmser.training.inputs.corpora import RunCorpora


def add_domains(
    corpora: RunCorpora, own: pd.DataFrame, manifest: pd.DataFrame, target_labels: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """The target's assignment ``own`` with the domains' utterances in every fold, and the domains'
    differences.

    Raises MmserError when a protocol has other classes than the target's.
    """
    parts, differences = [], []
    for name, domain in corpora.domains.items():
        rows = manifest[manifest["corpus"] == domain.name]
        differences += [f"{name}: {line}" for line in domain.protocol.check(rows)]
        table = domain.protocol.assign(rows)
        first = table[table["fold"] == table["fold"].iloc[0]]
        _check_classes(corpora.tested.classes, name, list(domain.protocol.resolve(rows).classes))
        parts.append(first)
    if not parts:
        if not target_labels:
            raise MmserError(
                "further corpora with target_labels=false",
                "no domains",
                "Name them under `domains`.",
            )
        return own, differences
    others = pd.concat(parts, ignore_index=True)
    validates = (others[SPLIT_COLUMN] == "validation") & (not target_labels)
    others = others.assign(**{SPLIT_COLUMN: validates.map({True: "validation", False: "train"})})
    own = own if target_labels else _without_labels(own)
    folds = [others.assign(fold=fold) for fold in dict.fromkeys(own["fold"])]
    return pd.concat([own, *folds], ignore_index=True), differences


def _check_classes(wanted: list[str], name: str, found: list[str]) -> None:
    """Raise MmserError unless a domain has the target's classes in the target's order, or the
    target has none.
    """
    if not wanted or found != wanted:
        raise MmserError(
            f"the target's classes {', '.join(wanted) or '(none: a protocol with classes)'} in "
            f"domains.{name}",
            ", ".join(found) or "none",
            "Choose protocols that share their classes, such as metaser4_*.",
        )


def training_choice(
    data: Data, corpora: RunCorpora, manifest: pd.DataFrame, assignment: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """The assignment with ``data.train_on`` and ``data.train_share`` applied to training splits.

    ``train_on``: ``own`` is the tested corpus alone, ``domains`` the others alone, a domain's name
    that one alone. ``train_share`` keeps that share of the tested corpus's training utterances,
    class by class, drawn by ``seed``; a smaller share is part of a larger.
    """
    choice, share, corpus = data.train_on, data.train_share, corpora.tested.name
    others = {name: domain.name for name, domain in corpora.domains.items()}
    wanted = {"all": corpora.names, "own": [corpus], "domains": [*others.values()]}
    wanted |= {name: [other] for name, other in others.items()}
    if not wanted.get(choice):
        known = ", ".join(name for name, names in wanted.items() if names)
        raise MmserError(
            f"data.train_on among {known}",
            f"'{choice}'",
            "Choose one, or name corpora in `domains`.",
        )
    if not 0.0 < share <= 1.0:
        raise MmserError("data.train_share above 0 and at most 1", str(share), "Correct it.")
    if choice == "all" and share == 1.0:
        return assignment
    home = assignment["id"].map(dict(zip(manifest["id"], manifest["corpus"], strict=True)))
    own, training = home == corpus, assignment[SPLIT_COLUMN] == "train"
    dropped = training & ~home.isin(wanted[choice])
    if share < 1.0:
        dropped |= (
            training
            & own
            & ~_kept(assignment[training & own], share, seed).reindex(own.index, fill_value=False)
        )
    return assignment[~dropped]


def hidden_targets(
    manifest: pd.DataFrame, assignment: pd.DataFrame, fold: str, values: Sequence[str]
) -> pd.DataFrame:
    """The manifest with emotion, votes and ``values`` blank where a training utterance of this fold
    has no label.

    Labels that are withheld must not come back as the annotators' votes.
    """
    rows = assignment[
        (assignment["fold"].astype(str) == str(fold)) & (assignment[SPLIT_COLUMN] == "train")
    ]
    hidden = manifest["id"].isin(set(rows.loc[rows["label"].isna(), "id"]))
    if not hidden.any():
        return manifest
    names = [name for name in ("emotion", "votes", *values) if name in manifest]
    return manifest.assign(
        **{name: manifest[name].astype(object).mask(hidden, None) for name in names}
    )


def _kept(training: pd.DataFrame, share: float, seed: int) -> pd.Series:
    """(row,) bool over training rows: at least one of each class and fold."""
    kept: set[Any] = set()
    for (fold, label), members in training.fillna({"label": ""}).groupby(
        ["fold", "label"], sort=True
    ):
        order = sorted(members.index, key=lambda row: str(training.at[row, "id"]))
        random.Random(f"{seed}/{fold}/{label}").shuffle(order)
        kept |= set(order[: max(1, round(len(order) * share))])
    return pd.Series([row in kept for row in training.index], index=training.index, dtype=bool)


def _without_labels(own: pd.DataFrame) -> pd.DataFrame:
    """Training rows unlabelled, validation rows gone: the target's labels choose nothing."""
    kept = own[own[SPLIT_COLUMN] != "validation"]
    return kept.assign(label=kept["label"].astype(object).mask(kept[SPLIT_COLUMN] == "train", None))

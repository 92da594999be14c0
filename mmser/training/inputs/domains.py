"""Several corpora in one run: further corpora beside the one that is tested.

``domains`` in a config maps names to ``{corpus: ..., protocol: ...}``; every protocol maps its
corpus's words to the same classes. ``corpus`` and ``protocol`` name the target, which alone is
tested. With ``target_labels`` (the default) the others add to the training split of every fold
(transfer and meta-learning). Without, the target's training split is used unlabelled, and the
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
    """The target's assignment ``own`` with the domains' utterances in every fold; the differences.

    The differences are those of the domains from their published corpora.
    Raises MmserError when a protocol has other classes than the target's.
    """
    tables, differences = [], []
    for name, domain in corpora.domains.items():
        rows = manifest[manifest["corpus"] == domain.name]
        differences += [f"{name}: {line}" for line in domain.protocol.check(rows)]
        table = domain.protocol.assign(rows)
        first = table[table["fold"] == table["fold"].iloc[0]]
        _check_classes(corpora.tested.classes, name, list(domain.protocol.resolve(rows).classes))
        tables.append(first)
    if not tables:
        if not target_labels:
            raise MmserError(
                "further corpora with target_labels=false",
                "no domains",
                "Name them under `domains`.",
            )
        return own, differences
    others = pd.concat(tables, ignore_index=True)
    validates = (others[SPLIT_COLUMN] == "validation") & (not target_labels)
    others = others.assign(**{SPLIT_COLUMN: validates.map({True: "validation", False: "train"})})
    own = own if target_labels else _without_labels(own)
    folds = [others.assign(fold=fold) for fold in dict.fromkeys(own["fold"])]
    return pd.concat([own, *folds], ignore_index=True), differences


def _check_classes(classes: list[str], name: str, domain_classes: list[str]) -> None:
    """Raise MmserError unless a domain has the target's classes, in the target's order."""
    if not classes or domain_classes != classes:
        raise MmserError(
            f"the target's classes {', '.join(classes) or '(none: a protocol with classes)'} in "
            f"domains.{name}",
            ", ".join(domain_classes) or "none",
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
    corpus_names = {"all": corpora.names, "own": [corpus], "domains": [*others.values()]}
    corpus_names |= {name: [other] for name, other in others.items()}
    if not corpus_names.get(choice):
        choices = ", ".join(name for name, names in corpus_names.items() if names)
        raise MmserError(
            f"data.train_on among {choices}",
            f"'{choice}'",
            "Choose one, or name corpora in `domains`.",
        )
    if not 0.0 < share <= 1.0:
        raise MmserError("data.train_share above 0 and at most 1", str(share), "Correct it.")
    if choice == "all" and share == 1.0:
        return assignment
    home = assignment["id"].map(dict(zip(manifest["id"], manifest["corpus"], strict=True)))
    own, training = home == corpus, assignment[SPLIT_COLUMN] == "train"
    dropped = training & ~home.isin(corpus_names[choice])
    if share < 1.0:
        target_training = training & own
        drawn = _drawn_share(assignment[target_training], share, seed)
        dropped |= target_training & ~drawn.reindex(own.index, fill_value=False)
    return assignment[~dropped]


def hidden_targets(
    manifest: pd.DataFrame, assignment: pd.DataFrame, fold: str, values: Sequence[str]
) -> pd.DataFrame:
    """The manifest without the emotion, votes and ``values`` of unlabelled training utterances.

    Those of ``fold`` whose label the assignment leaves out. Labels that are withheld must not come
    back as the annotators' votes.
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


def _drawn_share(training: pd.DataFrame, share: float, seed: int) -> pd.Series:
    """(row,) bool over training rows: at least one of each class and fold."""
    drawn: set[Any] = set()
    labelled = training.fillna({"label": ""})
    for (fold, label), members in labelled.groupby(["fold", "label"], sort=True):
        # By id and not by row, so that the order of the manifest changes nothing.
        order = sorted(members.index, key=lambda row: str(training.at[row, "id"]))
        random.Random(f"{seed}/{fold}/{label}").shuffle(order)
        drawn |= set(order[: max(1, round(len(order) * share))])
    return pd.Series([row in drawn for row in training.index], index=training.index, dtype=bool)


def _without_labels(own: pd.DataFrame) -> pd.DataFrame:
    """Training rows unlabelled, validation rows gone: the target's labels choose nothing."""
    rows = own[own[SPLIT_COLUMN] != "validation"]
    labels = rows["label"].astype(object)
    return rows.assign(label=labels.mask(rows[SPLIT_COLUMN] == "train", None))

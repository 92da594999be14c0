"""`mmser explore`: a corpus read, heard and put on one page before training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.composition.words import read_words
from mmser.core.errors import MmserError, UsageError
from mmser.core.trust import trust_typed
from mmser.pipeline.train_settings import train_settings
from mmser.settings.run import read_run

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cache.store import Store
    from mmser.core.utterance import Utterance
    from mmser.protocols.protocol import EvaluationProtocol
    from mmser.reports.explore.material import Material, ProtocolShare
    from mmser.reports.page import Html
    from mmser.training.inputs.corpora import CorpusInput

KEYS = ("corpus", "protocol", "labels", "paths", "cache")
"""What the words of the command may begin with."""

MOST_PLAYERS = 12
MOST_NAMED = 3
"""Cases of one kind of trouble that are told beside the page."""
ROOM = 2_000_000
"""Bytes of sound inside the page; further recordings are linked."""
DIMENSIONS = ("valence", "arousal", "dominance")

_log = logging.getLogger(__name__)


def explore(
    overrides: Sequence[str],
    out: Path,
    most: int | None = None,
    workers: int | None = None,
    progress: bool = True,
    features: str = "",
) -> Path:
    """Write the page about the corpus that the words name to ``out``; returns its path.

    ``overrides`` are words of `mmser train` that name corpus and protocol. The sound of at most
    ``most`` utterances is heard, None: of all. ``workers`` processes decode, None: one per core.
    ``features`` names a store of the cache, whose outliers are listed too.
    """
    from mmser.extraction.batches import process_count
    from mmser.extraction.vector_distance import distances, vectors_of
    from mmser.reports.explore.explore import write_page
    from mmser.reports.explore.findings import findings, worth_hearing
    from mmser.training.inputs.corpora import build_corpora

    trust_typed(overrides)
    for word in read_words(overrides):
        if word.key.split(".")[0] not in KEYS:
            allowed = ", ".join(f"{key}=..." for key in KEYS)
            raise UsageError(f"words of a corpus and its protocol ({allowed})", str(word), "")
    # system=judge is the smallest of the systems: of its config only the corpus is read.
    settings = read_run(train_settings(["system=judge", *overrides]))
    tested = build_corpora(settings).tested
    store = _store(settings.cache, tested.name, features)
    utterances = list(tested.corpus.utterances())
    if not utterances:
        raise MmserError(f"utterances in the corpus {tested.name}", "none", "Check corpus.root.")
    count = process_count("auto") if workers is None else workers
    material = _material(tested, utterances, most, count, progress)
    if store is not None:
        known, vectors = vectors_of(store, material.sound["id"].tolist())
        far = dict(zip(known, distances(vectors).tolist(), strict=True))
        material = replace(material, features=features, distances=far)
    found = findings(material)
    ids = set(worth_hearing(found, MOST_PLAYERS))
    suspects = [each for each in utterances if each.id in ids]
    seconds = dict(zip(material.sound["id"], material.sound["seconds"], strict=True))
    players = _players(suspects, seconds, out.parent)
    write_page(material, found, players, out)
    for each in found:
        names = ", ".join(name for name, _ in each.cases[:MOST_NAMED])
        more = ", ..." if len(each.cases) > MOST_NAMED else ""
        _log.info("look at: %s: %d (%s%s)", each.title, len(each.cases), names, more)
    return out


def _store(cache: str, corpus: str, features: str) -> Store | None:
    """The store of these features, opened; MmserError where there is none."""
    if not features:
        return None
    from mmser.cache.find import find_store
    from mmser.cache.store import Store

    return Store(find_store(cache, corpus, features))


def _material(
    tested: CorpusInput, utterances: list[Utterance], most: int | None, workers: int, progress: bool
) -> Material:
    from mmser.corpora.manifest import to_table
    from mmser.extraction.sound_likeness import like_pairs
    from mmser.extraction.sound_survey import absent_files, chosen, survey
    from mmser.reports.explore.material import MOST_PAIRS, NO_LABEL, Material

    manifest = to_table(utterances)
    label = tested.protocol.label_column
    words = manifest[label] if label in manifest else manifest["emotion"]
    filled = words.map(lambda word: NO_LABEL if word is None or word != word else str(word))
    manifest = manifest.assign(word=filled)
    heard = survey(chosen(utterances, most), workers, progress)
    ids = heard.table["id"].tolist()
    # Of equal recordings one stands for all.
    seconds = heard.table["seconds"].mask(heard.table["sound"].duplicated()).to_numpy(float)
    pairs = islice(like_pairs(heard.prints, seconds), MOST_PAIRS)
    return Material(
        corpus=tested.name,
        label=label,
        manifest=manifest,
        sound=heard.table,
        alike=[(ids[first], ids[second], cosine) for first, second, cosine in pairs],
        absent=absent_files(utterances),
        votes=_votes(utterances),
        protocol=_share(tested.protocol, manifest),
        synthetic="synthetic" in tested.name,
    )


def _votes(utterances: Sequence[Utterance]) -> dict[str, list[list[object]]]:
    """{attribute: the judgements of each utterance}; of emotions those that name one."""
    votes: dict[str, list[list[object]]] = {
        "emotion": [
            [vote.emotions[0] for vote in utterance.votes if len(vote.emotions) == 1]
            for utterance in utterances
        ]
    }
    for name in DIMENSIONS:
        votes[name] = [
            [value for vote in utterance.votes if (value := getattr(vote, name)) is not None]
            for utterance in utterances
        ]
    return votes


def _share(protocol: EvaluationProtocol, manifest: pd.DataFrame) -> ProtocolShare:
    """What the protocol takes; where it refuses the corpus, why."""
    from mmser.reports.explore.material import ProtocolShare

    remarks: list[str] = []
    taken: dict[str, str | None] = {}
    assignment = None
    classes: Sequence[str] = protocol.classes
    try:
        rows = protocol.participants(manifest)
        taken = dict(zip(rows["id"], rows["label"], strict=True))
        resolved = protocol.resolve(manifest)
        classes = resolved.classes
        assignment = resolved.assign(manifest)
    except MmserError as error:
        remarks.append(str(error))
    try:
        remarks += protocol.check(manifest) if taken else []
    except MmserError as error:
        remarks.append(str(error))
    return ProtocolShare(protocol.name, protocol.title, classes, taken, assignment, remarks)


def _players(
    utterances: Sequence[Utterance], seconds: Mapping[str, float], beside: Path
) -> dict[str, Html]:
    """{id: player} of the utterances, of long ones the beginning, for a page in ``beside``."""
    from mmser.reports.players import LONGEST, Players

    made = {}
    with closing(Players(ROOM, beside)) as players:
        for utterance in utterances:
            start, played = utterance.start or 0.0, utterance
            if seconds[utterance.id] > LONGEST:
                played = replace(utterance, start=start, end=start + LONGEST)
            made[utterance.id] = players.player(played)
    return made

"""A trained run on speech recognisers' transcripts, and on those with controlled word errors.

Texts go through the run's own text extractors, so nothing but the words changes. The recognisers'
transcripts and features are cached like any others (``<extractor>@<recogniser>``); texts with
controlled errors are used once and kept in memory. Reference is the corpus's transcript; an
utterance without one has no text under controlled errors either. A text without a word is a missing
modality.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmser.cache.empty import is_empty
from mmser.cache.feature_store import FeatureStore
from mmser.cache.find import find_store
from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.cache.layout import TRANSCRIPT, split_store_name
from mmser.cache.memory import MemoryStore
from mmser.cache.store import Store
from mmser.cache.transcripts import TranscriptStore
from mmser.core.clip import Clip, Failure, Transcript
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.corpora.manifest import from_table
from mmser.evaluation.stress.conditions import (
    Condition,
    modalities,
    predict_conditions,
    same_folds,
    tested_ids,
)
from mmser.evaluation.stress.robustness import (
    RECOGNISER,
    RETRAINED,
    WORD_ERRORS,
    Strength,
    keep_scores,
)
from mmser.evaluation.stress.variants import slug
from mmser.evaluation.stress.words.transcribed import ensure_transcribed
from mmser.evaluation.stress.words.word_confusions import Confusions, learn_confusions
from mmser.evaluation.stress.words.word_errors import corrupted
from mmser.evaluation.stress.words.word_neighbours import Neighbours
from mmser.extraction.dialogues import Dialogues, turns_of
from mmser.extraction.rebuild import extractor_like
from mmser.extraction.word_sources import is_aligner
from mmser.metrics.wer import PLAIN, normalise_text, normaliser_of, word_errors
from mmser.runs.run_paths import ROBUSTNESS_RUNS

if TYPE_CHECKING:
    from mmser.training.run import Run

EXTRACTED_TOGETHER = 16
_log = logging.getLogger(__name__)


def asr_robustness(
    run: Run | str | Path,
    backends: Sequence[str] = (),
    wer: Sequence[float] = (),
    draws: int = 3,
    retrain: bool = False,
    seed: int = 0,
    normaliser: str = PLAIN,
) -> pd.DataFrame:
    """`robustness.COLUMNS` with each recogniser's transcripts and at each word error rate ``wer``.

    ``backends`` are names of transcribers (pocketsphinx, whisper-base, faster_whisper-small). Where
    the cache lacks their transcripts these are made first, for which the corpus's media must be
    there. ``retrain`` also trains the system again on each recogniser's words. Controlled errors
    are made ``draws`` times, of the kinds and words that the recognisers in the cache were found to
    make, else of words that sound alike. Rows are kept in the run's folder. ``normaliser`` is that
    of the recognisers' word error rates ("plain" or "whisper": see `mmser.metrics.wer`); controlled
    errors are always counted by "plain". Raises MmserError when the run has no text stream.
    """
    from mmser.training.run import Run

    normaliser_of(normaliser)
    run = Run(run) if isinstance(run, str | Path) else run
    stores = text_stores(run)
    strengths: dict[str, Strength] = {}
    tables = []
    if backends:
        conditions = _recognised(run, stores, backends, strengths, normaliser)
        tables.append(predict_conditions(run, conditions))
    if retrain:
        tables += [_retrained(run, stores, name, strengths, normaliser) for name in backends]
    if wer:
        tables.append(
            predict_conditions(run, _controlled(run, stores, wer, draws, seed, strengths))
        )
    if not tables:
        raise MmserError(
            "recognisers or word error rates",
            "none",
            "Name some, e.g. asr=[pocketsphinx] wer=[0.1,0.3].",
        )
    return keep_scores(run, pd.concat(tables, ignore_index=True), strengths)


def text_stores(run: Run) -> dict[str, FeatureStore]:
    """The stores of the run's text streams.

    Raises MmserError when it has none or no fold is finished.
    """
    data = run.finished()[0].data()
    streams = modalities(data, run.settings.model["encoders"]).get("text", ())
    if not streams:
        raise MmserError(
            "a run with a text stream",
            f"only {', '.join(data.specs)}",
            "Train a system that reads text.",
        )
    return {stream: data.stores[stream] for stream in streams}


def word_error_rate(
    run: Run, backend: str, fingerprint: str = "", normaliser: str = PLAIN
) -> float:
    """Word error rate of a recogniser's transcripts of the run's test utterances.

    Reference are the corpus's transcripts (see `mmser.metrics.wer`). ``fingerprint`` chooses among
    several stores of its transcripts.
    """
    name = f"{TRANSCRIPT}@{backend}" + (f"-{fingerprint}" if fingerprint else "")
    spoken, hypotheses = _pairs(run, TranscriptStore(_find_store(run, name)))
    return word_errors(spoken, hypotheses, normaliser).rate


def _find_store(run: Run, name: str) -> Path:
    """A store of the tested corpus in the run's cache."""
    return find_store(run.settings.cache, run.corpora.tested.name, name)


def _recognised(
    run: Run,
    stores: Mapping[str, FeatureStore],
    backends: Sequence[str],
    strengths: dict[str, Strength],
    normaliser: str,
) -> Iterator[Condition]:
    for backend in backends:
        names = ensure_transcribed(run, stores, backend, set(tested_ids(run)))
        new_stores = {s: Store(_find_store(run, name)) for s, name in names.items()}
        rate = word_error_rate(run, backend, _words_of(new_stores), normaliser)
        strengths[backend] = Strength(RECOGNISER, achieved=rate, normaliser=normaliser)
        yield Condition(backend, stores=new_stores)


def _retrained(
    run: Run,
    stores: Mapping[str, FeatureStore],
    backend: str,
    strengths: dict[str, Strength],
    normaliser: str,
) -> pd.DataFrame:
    from mmser.training.fit import train

    settings = copy.deepcopy(run.config)
    new_stores = {}
    for stream, name in ensure_transcribed(run, stores, backend).items():
        new_stores[stream] = Store(_find_store(run, name))
        settings["streams"][stream]["extractor"] = _shortest(run, name)
    settings |= same_folds(run)
    directory = run.directory / ROBUSTNESS_RUNS / slug(f"asr-{backend}")
    trained = train({**settings, "run": str(directory)})
    condition = f"trained and tested on {backend}"
    rate = word_error_rate(run, backend, _words_of(new_stores), normaliser)
    strengths[condition] = Strength(RETRAINED, achieved=rate, normaliser=normaliser)
    return predict_conditions(trained, [Condition(condition)])


def _words_of(stores: Mapping[str, FeatureStore]) -> str:
    """Fingerprint of the transcripts that the stores' extractors read."""
    return str(next(iter(stores.values())).info["transcript"]["fingerprint"])


def _shortest(run: Run, name: str) -> str:
    """A store's name without its fingerprint where that means the same store."""
    short = (split_store_name(name) or (name,))[0]
    try:
        same = _find_store(run, short).name == name
    except MmserError:
        return name
    return short if same else name


def _controlled(
    run: Run,
    stores: Mapping[str, FeatureStore],
    wer: Sequence[float],
    draws: int,
    seed: int,
    strengths: dict[str, Strength],
) -> Iterator[Condition]:
    """One condition per rate and draw, its texts extracted when it is its turn."""
    transcripts = _references(run)
    confusions = confusions_of(run)
    _log.info("word errors made of: %s", confusions.source)
    extractors = {stream: extractor_like(store, run) for stream, store in stores.items()}
    spoken = {utterance: text for utterance, text in transcripts.items() if text}
    dialogues = Dialogues(from_table(run.manifest))
    for rate in dict.fromkeys([0.0, *wer]):
        name, achieved = f"WER {rate:.0%}", []
        for draw in range(draws if rate else 1):
            texts, reached = corrupted(spoken, rate, confusions, draw, seed)
            achieved.append(reached)
            strengths[name] = Strength(WORD_ERRORS, rate, sum(achieved) / len(achieved), PLAIN)
            every = {utterance: texts.get(utterance) for utterance in transcripts}
            stores_of_draw = {
                stream: extracted(extractor, every, stores[stream].info, dialogues)
                for stream, extractor in extractors.items()
            }
            yield Condition(name, stores=stores_of_draw, draw=draw)


def extracted(
    extractor: Extractor,
    texts: Mapping[str, Transcript | None],
    info: Mapping[str, Any],
    dialogues: Dialogues,
) -> FeatureStore:
    """The features of {utterance id: transcript} in memory.

    Without a transcript the utterance has failed. The turns around it are spoken in ``texts`` too.
    """
    turns = turns_of(extractor) or (0, 0)
    clips = []
    for identifier, text in texts.items():
        if text is not None:
            around = dialogues.dialogue(identifier, turns, lambda one: texts.get(one.id))
            clips.append(Clip(identifier, transcript=text, dialogue=around))
    results: dict[str, Any] = {
        identifier: Failure(identifier, "empty transcript") for identifier in texts
    }
    for at in range(0, len(clips), EXTRACTED_TOGETHER):
        some = clips[at : at + EXTRACTED_TOGETHER]
        results |= {
            clip.id: result for clip, result in zip(some, extractor.extract(some), strict=True)
        }
    return MemoryStore(info, results)


def confusions_of(run: Run) -> Confusions:
    """Learnt from every recogniser whose transcripts are cached; the vocabulary is the corpus's."""
    vocabulary: list[str] = []
    for utterance in from_table(run.manifest):
        vocabulary += normalise_text(utterance.transcript or "").split()
    neighbours = Neighbours(vocabulary)
    spoken, hypotheses, sources = [], [], []
    corpus_cache = Path(run.settings.cache) / run.corpora.tested.name
    for folder in sorted(corpus_cache.glob(f"{TRANSCRIPT}@*")):
        if folder.is_dir() and not is_empty(folder):
            store = TranscriptStore(folder)
            if is_aligner(str(store.info["transcript"]["source"])):
                continue  # it was told the words, and makes no errors
            references, recognised = _pairs(run, store)
            spoken += references
            hypotheses += recognised
            sources.append(str(store.info["transcript"]["source"]))
    return learn_confusions(spoken, hypotheses, neighbours, ", ".join(sources))


def _references(run: Run) -> dict[str, Transcript | None]:
    """{test utterance of a finished fold: the corpus's transcript}, None without one."""
    utterances = {utterance.id: utterance for utterance in from_table(run.manifest)}
    references: dict[str, Transcript | None] = {}
    for identifier in tested_ids(run):
        utterance = utterances[identifier]
        text = utterance.transcript
        references[identifier] = (
            Transcript(text, CORPUS_TRANSCRIPT, utterance.words) if text else None
        )
    return references


def _pairs(run: Run, store: TranscriptStore) -> tuple[list[str], list[str]]:
    """(spoken, recognised) texts of the test utterances with a reference.

    Of a failed transcription the recognised text is empty.
    """
    spoken, hypotheses = [], []
    for identifier, reference in _references(run).items():
        if reference is not None and identifier in store.rows:
            result = store.read(identifier)
            spoken.append(reference.text)
            hypotheses.append("" if isinstance(result, Failure) else result.text)
    return spoken, hypotheses

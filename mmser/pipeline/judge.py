"""A published emotion recogniser scored on a corpus as it is: a run of system=judge.

Its answers are cached. Nothing is trained, so every fold's training split is unused; the run is
read like any other (`mmser score`, `compare`, `report`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.composition import built, chosen
from mmser.core.configs import load_config
from mmser.core.emotion_names import classes_of
from mmser.core.errors import UsageError
from mmser.core.file_names import file_name
from mmser.core.trust import trust_typed
from mmser.inference.judge import (
    Labels,
    extractor_name,
    judge_extractor,
    open_weights,
    renamed,
)
from mmser.pipeline.train import train_config
from mmser.pipeline.train_settings import train_settings
from mmser.settings.run import RunSettings, read_run

if TYPE_CHECKING:
    from mmser.core.contracts import Corpus, Extractor
    from mmser.extractors.networks.emotion_labels import CheckpointFacts
    from mmser.protocols.protocol import EvaluationProtocol
    from mmser.training.run import Run

_log = logging.getLogger(__name__)


def evaluate_judge(
    model: str,
    overrides: Sequence[str],
    labels: Labels | None = None,
    transcript: str = CORPUS_TRANSCRIPT,
) -> Run:
    """Judge every utterance of a corpus and predict the test splits of its protocol's folds.

    ``model`` is a folder, a file or owner/name@commit; ``overrides`` are words of `mmser train`
    that name a corpus; ``labels`` says what the checkpoint's labels mean, where their spelling does
    not; ``transcript`` is the recogniser whose words a judge of text reads. What is cached is not
    judged again. Raises MmserError when the checkpoint cannot be read, or answers nothing that the
    protocol asks.
    """
    from mmser.corpora.manifest import to_table
    from mmser.extractors.networks.emotion_labels import checkpoint_facts
    from mmser.training.inputs.corpora import build_corpora

    trust_typed(overrides)
    if chosen(overrides, "system"):
        raise UsageError("model=... or system=...", "both", "Leave one out.")
    config = train_settings(["system=judge", *overrides])
    settings = read_run(config)
    corpus = build_corpora(settings).tested
    source = open_weights(model, settings.paths["weights"])
    facts = checkpoint_facts(source.path)
    protocol = corpus.protocol.resolve(to_table(list(corpus.corpus.utterances())))
    answers = [*_answers(facts, protocol, labels or {}), *[None] * facts.features]
    options = {"answers": answers, "probabilities": facts.gives_probabilities}
    head = _head({**config["model"]["head"], **options}, protocol)
    extractor = judge_extractor(facts, source.path, settings.paths)
    store = _extracted(settings, corpus.corpus, {extractor_name(facts): extractor}, transcript)
    # The config of the system is of speech.
    (stream,), (encoder,) = config["streams"].values(), config["model"]["encoders"].values()
    config["streams"] = {facts.modality: {**stream, "extractor": store, "size": len(answers)}}
    config["model"] |= {"head": head, "encoders": {facts.modality: encoder}}
    name = Path(model.partition("@")[0]).name
    config["card"] |= {
        "name": file_name(name),
        # Every report shows the title.
        "title": f"{name}, published, as it is (it may have been trained on this corpus)",
        "protocol": protocol.name,
    }
    return train_config(config)


def _extracted(
    settings: RunSettings, corpus: Corpus, extractors: dict[str, Extractor], transcript: str
) -> str:
    """The full name of the store: another checkpoint's answers never take its place."""
    from mmser.extraction.batches import process_count
    from mmser.extraction.preprocess import preprocess
    from mmser.extraction.word_sources import make_transcriber

    is_own = transcript == CORPUS_TRANSCRIPT
    table = preprocess(
        corpus,
        extractors,
        Path(settings.cache),
        transcriber=None if is_own else make_transcriber(transcript, settings.paths),
        transcript=transcript,
        workers=process_count(load_config("", "preprocess")["workers"]),
    )
    (name,) = extractors
    (row,) = table[table["extractor"] == name].to_dict("records")
    return Path(str(row["directory"])).name


def _answers(
    facts: CheckpointFacts, protocol: EvaluationProtocol, labels: Labels
) -> list[str | None]:
    """What each answer means in the protocol; a line says what is left out, and what is unknown."""
    asked = (*protocol.classes, *protocol.values)
    names = [name or "" for name in renamed(facts, labels)]
    answers = classes_of(names, asked, protocol.labels)
    left_out = [
        label for label, answer in zip(facts.labels, answers, strict=True) if answer is None
    ]
    if left_out:
        _log.warning(
            "%s: not among what the protocol asks, left out (labels={LABEL: name} says otherwise)",
            ", ".join(left_out),
        )
    unknown = [name for name in protocol.classes if name not in answers]
    if unknown and len(unknown) < len(protocol.classes):
        _log.warning(
            "%s: the recogniser does not know them and never says them; scores are over all classes"
            " of the protocol",
            ", ".join(unknown),
        )
    return answers


def _head(config: Mapping[str, Any], protocol: EvaluationProtocol) -> dict[str, Any]:
    """The head's config with the protocol's scale, tried before anything is extracted."""
    ranges = {
        name: list(protocol.value_range[name])
        for name in protocol.values
        if name in protocol.value_range
    }
    head = {**config, "value_range": ranges or None}
    built(head)(input_size=len(head["answers"]), task=protocol.asked)
    return head

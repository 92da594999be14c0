"""A trained system on a new video or sound file: one row per segment.

A long file is decoded once for the segments and once for the clips, each of which is turned into
features and dropped, so memory follows the longest segment and not the recording. All models (a run
has one per finished fold and seed) vote with the mean of their probabilities.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT, transcriber_recipe
from mmser.cache.layout import TRANSCRIPT
from mmser.core.clip import Failure
from mmser.core.contracts import Transcriber
from mmser.core.errors import MmserError
from mmser.extraction.dialogues import turns_of
from mmser.extraction.progress import Progress
from mmser.extraction.remembered_source import remembered_source
from mmser.extraction.word_sources import is_aligner, make_transcriber
from mmser.inference.attended import Attended
from mmser.inference.corpus_files import CorpusFile, log_training
from mmser.inference.cutting import Cutting, find_segments
from mmser.inference.enrolment import to_enrol, with_enrolled, without_enrolment
from mmser.inference.opening import open_trained
from mmser.inference.own_scale import speaker_scaled, with_known_scale, with_own_scale
from mmser.inference.reader import Reader
from mmser.inference.recording import Recording, open_recording
from mmser.inference.segment_features import SegmentFeatures, Work, segment_features
from mmser.inference.trained import Member, Trained, choose_members
from mmser.inference.voting import Streams, vote
from mmser.media.decoder import Decoder
from mmser.training.run import Run

TOGETHER = 16
"""Segments predicted in one batch; a system that reads the conversation sees that many turns."""

LONG = 60.0
"""Seconds from which work on a recording shows how far it is."""

_log = logging.getLogger(__name__)


def predict_recording(
    run: Run | Trained | str | Path,
    path: str | Path,
    asr: str | None = None,
    window: float = 5.0,
    longest: float = 15.0,
    weights: str | None = None,
    whole: bool = False,
    fold: str | None = None,
    seed: int | None = None,
    enrol: Sequence[str | Path] = (),
) -> pd.DataFrame:
    """One row per segment, by time.

    Columns: id, start, end (s), text, modalities ("audio+text"), prediction, probability_<class>
    and/or prediction_<value>, contribution_<modality> (see `mmser.inference.voting`).

    ``run`` is a run, its folder, a model folder, or "hf:owner/name[@revision]"; ``weights`` is
    where the extractors' pretrained weights lie (default: as the run's config says, or "weights");
    ``fold`` and ``seed`` choose among its models. ``asr`` names a recogniser for runs that read
    text (default: the one the run was trained on; without one the text is missing). ``whole``,
    ``window`` and ``longest`` are those of `mmser.inference.cutting.Cutting`. ``enrol`` are
    recordings of the same speaker for a run that enrols (`mmser.inference.enrolment`). Raises
    MmserError when the file cannot be played, or nothing in it can be judged.
    """
    trained = open_trained(run, weights=weights)
    reader = Reader(trained)
    members: Sequence[Member] = trained.members(choose_members(trained.names, fold, seed))
    cutting = Cutting(whole, None, window, longest)
    transcriber = find_transcriber(reader, asr)
    if enrol:
        members = with_enrolled(reader, members, enrol, transcriber, cutting)
    return predict_with(reader, members, path, transcriber, cutting)


def find_transcriber(reader: Reader, asr: str | None) -> Transcriber | None:
    """The recogniser asked for, or the one whose words the run was trained on, as it was there.

    None where it reads no text, or was trained on the corpus's own words. Raises UsageError for an
    unknown one, and MmserError when it or its weights are not there.
    """
    if "text" not in reader.modalities:
        return None
    source = str(reader.transcript["source"])
    is_own = source == CORPUS_TRANSCRIPT or is_aligner(source)
    name = asr or (None if is_own else source)
    if name is None:
        _log.warning(
            "this run reads text: without a recogniser (asr=pocketsphinx, whisper-base, ...) it "
            "goes without"
        )
        return None
    if asr is None:
        remembered = remembered_source(reader.transcript, reader.trained.weights)
        if isinstance(remembered, Transcriber):
            return remembered
    transcriber = make_transcriber(name, {"weights": reader.trained.weights})
    trained_on = reader.transcript.get("fingerprint")
    # Whoever names a recogniser wants that one, whatever the run was trained on.
    if asr is None and trained_on:
        here = transcriber_recipe(TRANSCRIPT, transcriber, source).fingerprint
        if here != trained_on:
            _log.warning(
                "this run was trained on what %s heard with other settings, weights or version "
                "than here (--asr names one)",
                source,
            )
    return transcriber


def predict_with(
    reader: Reader,
    members: Sequence[Member],
    path: str | Path,
    transcriber: Transcriber | None,
    cutting: Cutting,
    shown: bool = False,
    decoder: Decoder | None = None,
    attended: Attended | None = None,
) -> pd.DataFrame:
    """`predict_recording` of a system that is open; ``shown``: progress on a long recording.

    ``decoder`` is a process that decodes, so that a file over which it dies is an error of that
    file (None: this one). ``attended`` is filled with what the system attends to over time.
    """
    recording = open_recording(path, decoder)
    trained, lengths = reader.trained, reader.trained.training_lengths
    readable = _readable(reader, recording, transcriber, cutting)
    corpus_files = trained.corpus_files
    corpus_file = corpus_files.find(recording) if corpus_files else None
    if corpus_file is not None and corpus_file.whole:
        cutting = replace(cutting, whole=True)
    shown = shown and recording.seconds >= LONG
    segments = find_segments(recording, "face" in readable, cutting, lengths, shown)
    if corpus_files and corpus_file:
        judging = [member.fold for member in members]
        log_training(
            corpus_files, judging, [fold for fold, _ in trained.names], recording, corpus_file
        )
    seconds = [segment.end - segment.start for segment in segments]
    difference = lengths.compare(seconds) if lengths else ""
    if difference:
        _log.warning(
            "%s: %s (--whole and --segments choose others)", recording.path.name, difference
        )
    _log_context(reader, readable)
    work = Work(reader, recording, segments, readable, transcriber, shown)
    return _predictions(work, _rescaled(work, members, corpus_file), attended)


def _log_context(reader: Reader, readable: frozenset[str]) -> None:
    """Say what a system that reads the turns around an utterance is given of a recording."""
    turns = [turns_of(extractor) or (0, 0) for extractor in reader.extractors.values()]
    if "text" in readable and any(before or after for before, after in turns):
        later = " or any later turn" if any(after for _, after in turns) else ""
        _log.info(
            "this system reads the turns around an utterance: those of a recording are its earlier "
            "segments, without the name of a speaker%s",
            later,
        )


def _readable(
    reader: Reader, recording: Recording, transcriber: Transcriber | None, cutting: Cutting
) -> frozenset[str]:
    """Modalities of the run that the file can give."""
    has_text = any(segment.text is not None for segment in cutting.segments or ())
    text = has_text or (recording.audio and transcriber is not None)
    available = {"audio": recording.audio, "text": text, "face": recording.video}
    readable = frozenset(kind for kind in reader.modalities if available.get(kind))
    if not readable:
        tracks = {"sound": recording.audio, "pictures": recording.video}
        names = " and ".join(name for name, has in tracks.items() if has)
        raise MmserError(
            f"a recording with {' or '.join(reader.modalities)}, which this run reads",
            f"{recording.path.name} with {names}",
            "Give another recording, or name a recogniser (--asr) if the run reads text.",
        )
    return readable


def _predictions(work: Work, members: Sequence[Member], attended: Attended | None) -> pd.DataFrame:
    """One row per segment; a warning says what was missing.

    Raises MmserError when no segment had anything to judge.
    """
    tables, missing = [], Counter[str]()
    title = f"{work.recording.path.name}: judged"
    with (
        closing(segment_features(work, work.readable)) as features,
        Progress(title, len(work.segments), work.shown, "segments") as bar,
    ):
        while group := list(islice(features, TOGETHER)):
            by_id = {one.identifier: one.streams for one in group}
            scores = vote(work.reader, by_id, members)
            rows = pd.DataFrame([_facts(work, one) for one in group])
            table = pd.concat([rows, scores], axis=1)
            tables.append(table.set_index(pd.Index([one.place for one in group])))
            for one, answer in zip(group, scores.to_dict("records"), strict=True):
                missing.update(_missing(work, one.streams))
                if attended is not None:
                    start = work.segments[one.place].start
                    attended.add(work.reader, members, one, start, answer)
            bar.step(len(group))
    table = pd.concat(tables).sort_index()
    _log_missing(work, table, missing)
    return table


def _facts(work: Work, one: SegmentFeatures) -> dict[str, object]:
    segment = work.segments[one.place]
    return {"id": one.identifier, "start": segment.start, "end": segment.end, "text": one.text}


def _missing(work: Work, streams: Streams) -> Iterator[str]:
    """What the recording has and this segment has not: "face (no face)"."""
    for kind, names in work.reader.modalities.items():
        results = [streams[name] for name in names]
        failures = [result for result in results if isinstance(result, Failure)]
        if kind in work.readable and len(failures) == len(results):
            first = failures[0]
            detail = f": {first.detail}" if first.detail else ""
            yield f"{kind} ({first.reason}{detail})"


def _log_missing(work: Work, table: pd.DataFrame, missing: Counter[str]) -> None:
    """A warning that lists the reasons; MmserError when no segment had any modality."""
    if not missing:
        return
    name, total = work.recording.path.name, len(table)
    reasons = []
    for reason, count in missing.most_common():
        reasons.append(reason if total == 1 else f"{reason} in {count} of {total} segments")
    listed = ", ".join(reasons[:4])
    if len(reasons) > 4:
        listed += f" and {len(reasons) - 4} other reasons"
    if not table["modalities"].any():
        raise MmserError(
            f"sound, words or a face in {name}",
            f"no {listed}",
            "Repair it, or choose another recording.",
        )
    _log.warning("%s: no %s", name, listed)


def _rescaled(
    work: Work, members: Sequence[Member], corpus_file: CorpusFile | None
) -> Sequence[Member]:
    """The members, with the speaker's scale where they normalise per speaker.

    A file of the run's own corpus may have its speaker's scale from training. Else a run that
    enrols speakers goes by the training speakers, and in any other the scale is the recording's
    own, computed in a first pass over it.
    """
    scaled = speaker_scaled(members)
    kinds = _kinds(work, scaled)
    if not kinds and not _kinds(work, to_enrol(members)):
        return members
    if corpus_file is not None and len(corpus_file.speakers) == 1:
        with_training_scale = with_known_scale(members, corpus_file.speakers[0])
        if with_training_scale:
            return with_training_scale
    members = without_enrolment(members, work.recording.path.name)
    if not kinds:
        return members
    with closing(segment_features(work, kinds, scaled)) as features:
        streams = (one.streams for one in features)
        return with_own_scale(members, work.reader.trained.sources, streams)


def _kinds(work: Work, streams: Sequence[str]) -> frozenset[str]:
    """The modalities that the recording gives of these streams."""
    named = {kind for kind, names in work.reader.modalities.items() if set(names) & set(streams)}
    return frozenset(named & work.readable)

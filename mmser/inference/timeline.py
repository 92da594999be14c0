"""A trained system on a new video or sound file: one row per segment of speech.

The file is decoded once for the segments and once for the clips, each of which is turned into features and dropped, so
memory follows the longest segment and not the recording. All models (a run has one per finished fold and seed) vote
with the mean of their probabilities.

What a modality contributed is the change when it is left out: the probability of the predicted class (or the predicted
value) with all modalities minus that without this one; positive = it spoke for the prediction. It is NaN for a modality
that is absent, and for the only one there is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mmser.core.batch import Batch
from mmser.core.clip import Clip, Failure, Features
from mmser.core.contracts import Transcriber
from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION, PROBABILITY
from mmser.core.utterance import Utterance
from mmser.evaluation.masking import Keep
from mmser.evaluation.predict import run_model
from mmser.evaluation.transcribed import make_transcriber
from mmser.inference.opening import open_trained
from mmser.inference.own_scale import speaker_scaled, with_own_scale
from mmser.inference.reader import Reader
from mmser.inference.recording import Recording, open_recording, sound_blocks
from mmser.inference.segments import Segment, load_detector, speech_segments, windows
from mmser.inference.trained import Member, Trained
from mmser.media.decode import stream_clips
from mmser.training.run import Run

CONTRIBUTION = "contribution_"
TOGETHER = 16
"""Segments predicted in one batch; a system that reads the conversation sees that many turns."""

Streams = dict[str, Features | Failure]
_log = logging.getLogger(__name__)


def predict_recording(
    run: Run | Trained | str | Path,
    path: str | Path,
    asr: str | None = None,
    window: float = 5.0,
    longest: float = 15.0,
    weights: str | None = None,
) -> pd.DataFrame:
    """start, end (s), text, modalities ("audio+text"), prediction, probability_<class> and/or prediction_<value>,
    contribution_<modality>; one row per segment, by time.

    ``run`` is a run, its folder, a model folder, or "hf:owner/name[@revision]"; ``weights`` is where the extractors'
    pretrained weights lie (default: as the run's config says, or "weights").
    ``asr`` names a recogniser for runs that read text (default: the one the run was trained on; without one the text
    is missing). Where there is no sound, or no speech in it but a picture that the run can read, the recording is cut
    into windows of ``window`` seconds. Raises MmserError when the file cannot be played, holds nothing that the run
    reads, or has no speech and no picture.
    """
    trained = open_trained(run, weights=weights)
    return predict_with(Reader(trained), trained.members(), path, asr, window, longest)


def predict_with(
    reader: Reader,
    members: Sequence[Member],
    path: str | Path,
    asr: str | None = None,
    window: float = 5.0,
    longest: float = 15.0,
) -> pd.DataFrame:
    """`predict_recording` with what is open already."""
    recording = open_recording(path)
    transcriber = _transcriber(reader, asr)
    readable = _readable(reader, recording, transcriber)
    segments = find_segments(recording, "face" in readable, window, longest)
    members = _at_home(reader, members, recording, segments, readable, transcriber)
    tables = []
    coming = _features(reader, recording, segments, readable, transcriber)
    while group := list(islice(coming, TOGETHER)):
        features = {identifier: streams for identifier, _, _, streams in group}
        scores = _voted(reader, features, members)
        known = [
            {"id": identifier, "start": segment.start, "end": segment.end, "text": text}
            for identifier, segment, text, _ in group
        ]
        tables.append(pd.concat([pd.DataFrame(known), scores], axis=1))
    return pd.concat(tables, ignore_index=True).sort_values("start", kind="stable").reset_index(drop=True)


def find_segments(recording: Recording, picture: bool, window: float, longest: float) -> list[Segment]:
    """Stretches of speech, or windows where there is none to go by and a ``picture`` is read."""
    segments = []
    if recording.audio:
        segments = speech_segments(sound_blocks(recording), load_detector(), longest=longest)
        if not segments and not picture:
            raise MmserError(f"speech in {recording.path.name}", "none", "Check the sound, or give another recording.")
    if not segments:
        _log.info("%s: no speech to go by, hence windows of %g s", recording.path.name, window)
        segments = windows(recording.seconds, window)
    return segments


def _transcriber(reader: Reader, asr: str | None) -> Transcriber | None:
    """The recogniser asked for, or the one whose words the run was trained on."""
    if "text" not in reader.modalities:
        return None
    name = asr or (reader.source if reader.source != "corpus" else None)
    if name is None:
        _log.warning("this run reads text: without a recogniser (asr=pocketsphinx, whisper-base, ...) it goes without")
        return None
    return make_transcriber(name, {"paths": {"weights": reader.trained.weights}})


def _readable(reader: Reader, recording: Recording, transcriber: Transcriber | None) -> set[str]:
    """Modalities of the run that the file can give."""
    there = {"audio": recording.audio, "text": recording.audio and transcriber is not None, "face": recording.video}
    readable = {kind for kind in reader.modalities if there.get(kind)}
    if not readable:
        tracks = " and ".join(kind for kind, has in (("sound", recording.audio), ("pictures", recording.video)) if has)
        raise MmserError(
            f"a recording with {' or '.join(reader.modalities)}, which this run reads",
            f"{recording.path.name} with {tracks}",
            "Give another recording, or name a recogniser (--asr) if the run reads text.",
        )
    return readable


def _at_home(
    reader: Reader,
    members: Sequence[Member],
    recording: Recording,
    segments: Sequence[Segment],
    readable: set[str],
    transcriber: Transcriber | None,
) -> Sequence[Member]:
    """The members, with the recording's own scale where they normalise per speaker: in a first pass over it."""
    scaled = speaker_scaled(members)
    kinds = {kind for kind, streams in reader.modalities.items() if set(streams) & set(scaled)} & readable
    if not kinds:
        return members
    heard = transcriber if "text" in kinds else None
    passing = _features(reader, recording, segments, kinds, heard, scaled)
    found = ((identifier, features) for identifier, _, _, features in passing)
    return with_own_scale(members, reader.trained.sources, found)


def _features(
    reader: Reader,
    recording: Recording,
    segments: Sequence[Segment],
    readable: set[str],
    transcriber: Transcriber | None,
    streams: Sequence[str] | None = None,
) -> Iterator[tuple[str, Segment, str, Streams]]:
    """(id, segment, its words, features of ``streams``) one after the other; each clip is dropped when it is read."""
    stem = recording.path.stem
    by_id = {f"{stem}-{number:04d}": segment for number, segment in enumerate(segments)}
    for clip in stream_clips(
        [_utterance(identifier, recording, segment) for identifier, segment in by_id.items()],
        want_audio=bool(readable & {"audio", "text"}),
        want_frames="face" in readable,
        frame_rate=reader.frame_rate,
    ):
        heard = _heard(clip, transcriber)
        text = heard.transcript.text if heard.transcript else ""
        yield clip.id, by_id[clip.id], text, reader.features(heard, streams)


def _utterance(identifier: str, recording: Recording, segment: Segment) -> Utterance:
    video, audio = (recording.path, None) if recording.video else (None, recording.path)
    start, end = segment.start, segment.end
    return Utterance(identifier, "recording", "", start=start, end=end, audio_path=audio, video_path=video)


def _heard(clip: Clip, transcriber: Transcriber | None) -> Clip:
    if transcriber is None or clip.waveform is None:
        return clip
    return replace(clip, transcript=transcriber.transcribe([clip.waveform])[0])


def _voted(reader: Reader, features: Mapping[str, Streams], members: Sequence[Member]) -> pd.DataFrame:
    """Scores with all modalities, and what each contributed."""
    groups = reader.modalities
    there = {
        kind: np.array([any(isinstance(found[s], Features) for s in streams) for found in features.values()])
        for kind, streams in groups.items()
    }
    task = members[0].task
    batches = [(member.model, reader.batch(features, member.transforms)) for member in members]
    whole = _mean_outputs(batches, task)
    table = pd.DataFrame({name: whole[:, place] for place, name in enumerate(_columns(task))})
    best = whole[:, : len(task.classes)].argmax(1) if task.classes else None
    if best is not None:
        table.insert(0, "prediction", [task.classes[row] for row in best])
    present = [[kind for kind in groups if there[kind][row]] for row in range(len(features))]
    table.insert(0, "modalities", ["+".join(kinds) for kinds in present])
    alone = np.array([len(kinds) < 2 for kinds in present])
    for kind in groups:
        rest = [stream for other, streams in groups.items() if other != kind for stream in streams]
        known = there[kind] & ~alone
        if not known.any():
            table[CONTRIBUTION + kind] = np.nan
            continue
        without = _mean_outputs([(model, Keep(rest)(batch)) for model, batch in batches], task)
        shown = range(len(whole)), best if best is not None else np.zeros(len(whole), np.int64)
        table[CONTRIBUTION + kind] = np.where(known, (whole - without)[shown], np.nan)
    silent = np.array([not kinds for kinds in present])
    table.loc[silent, [column for column in table if column != "modalities"]] = None
    return table


def _columns(task: Any) -> list[str]:
    return [*(PROBABILITY + name for name in task.classes), *(PREDICTION + name for name in task.values)]


def _mean_outputs(batches: Iterable[tuple[Any, Batch]], task: Any) -> np.ndarray:
    """(segment, class + value) float64: probabilities and values, mean over the models."""
    found = []
    for model, batch in batches:
        _, outputs = next(iter(run_model(model, [batch])))
        parts = [outputs.logits.float().softmax(-1)] if task.classes and outputs.logits is not None else []
        parts += [outputs.values.float()] if task.values and outputs.values is not None else []
        found.append(torch.cat(parts, dim=-1).double().cpu().numpy())
    mean: np.ndarray = np.mean(found, axis=0)
    return mean

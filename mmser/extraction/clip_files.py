"""A corpus cut into one small file per utterance: `segment` and `crop_faces`.

The files are a generic corpus of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.cache.atomic import write_bytes
from mmser.core.clip import SAMPLE_RATE, Clip, Failure
from mmser.core.contracts import Corpus
from mmser.core.file_names import file_name
from mmser.core.utterance import Utterance
from mmser.corpora.manifest import to_table
from mmser.extraction.decoding import clips_in_order
from mmser.extraction.plan import planned, requests
from mmser.extraction.progress import Progress
from mmser.media.write import write_mp4, write_wav

if TYPE_CHECKING:
    import pandas as pd

    from mmser.extractors.pictures.recipe import Pictures

FACE_FRAMES_PER_SECOND = 3.0


def segment(
    corpus: Corpus,
    out: str | Path,
    frame_rate: float | None = None,
    workers: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Write ``out/audio/<id>.wav`` and, with a frame rate (Hz), ``out/video/<id>.mp4``.

    The video is the speaker's half of the picture. ``out/manifest.csv`` makes the folder a generic
    corpus. Returns one row per modality of an utterance that is not there: id, modality, reason,
    detail.
    """
    return _write_corpus(corpus, Path(out), frame_rate, lambda clip: clip.frames, workers, progress)


def crop_faces(
    corpus: Corpus,
    out: str | Path,
    size: int = 224,
    margin: float = 0.3,
    workers: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Write ``out/video/<id>.mp4``, the speaker's face at 3 Hz, and ``out/audio``.

    A picture has ``size`` x ``size`` pixels. ``margin`` is a part of the box's longer side. Where a
    frame shows no face, the last one found stands still, so that sound and picture stay together.
    ``out/manifest.csv`` and the returned table are as in `segment`.
    """
    from mmser.extractors.networks.devices import device_named
    from mmser.extractors.pictures.recipe import PictureRecipe

    recipe, device = PictureRecipe(image_size=size, margin=margin), device_named("auto")

    def faces(clip: Clip) -> np.ndarray | Failure:
        return _faces(clip, recipe.pictures(clip, device))

    return _write_corpus(corpus, Path(out), FACE_FRAMES_PER_SECOND, faces, workers, progress)


def _write_corpus(
    corpus: Corpus,
    out: Path,
    frame_rate: float | None,
    picture: Callable[[Clip], np.ndarray | Failure | None],
    workers: int,
    progress: bool,
) -> pd.DataFrame:
    import pandas as pd

    plan = planned(list(corpus.utterances()))
    ids = {utterance.id for utterance in plan}
    decoding_requests = requests(plan, {SAMPLE_RATE: ids}, ids if frame_rate else set())
    failures: list[Failure] = []
    cut_utterances: list[Utterance] = []
    decoded = clips_in_order(decoding_requests, frame_rate or FACE_FRAMES_PER_SECOND, workers)
    with closing(decoded), Progress(f"cut {corpus.name}", len(plan), progress) as bar:
        for utterance, clip in zip(plan, decoded, strict=True):
            frames = picture(clip) if clip.frames is not None else None
            failures += clip.failures
            if isinstance(frames, Failure):
                failures.append(replace(frames, modality="face"))
                frames = None
            cut_utterances.append(_written(utterance, clip, frames, out, frame_rate or 0.0))
            bar.step(1)
    out.mkdir(parents=True, exist_ok=True)
    with_files = (item for item in cut_utterances if item.audio_path or item.video_path)
    write_bytes(out / "manifest.csv", to_table(with_files).to_csv(index=False).encode())
    rows = [(failure.id, failure.modality, failure.reason, failure.detail) for failure in failures]
    return pd.DataFrame(rows, columns=["id", "modality", "reason", "detail"])


def _written(
    utterance: Utterance, clip: Clip, frames: np.ndarray | None, out: Path, frame_rate: float
) -> Utterance:
    """The utterance with its new files, named relative to ``out``; none for an absent modality."""
    name = file_name(utterance.id)
    audio = video = None
    if clip.waveform is not None:
        audio = Path("audio") / f"{name}.wav"
        write_wav(out / audio, clip.waveform)
    if frames is not None:
        video = Path("video") / f"{name}.mp4"
        # H.264 wants even sides.
        even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
        write_mp4(out / video, np.ascontiguousarray(even), frame_rate, None)
    return replace(
        utterance, audio_path=audio, video_path=video, start=None, end=None, face_side=None
    )


def _faces(clip: Clip, pictures: Pictures | Failure) -> np.ndarray | Failure:
    """(time, size, size, 3) uint8, one picture per frame of the clip."""
    if isinstance(pictures, Failure):
        return pictures
    values = pictures.values.permute(0, 2, 3, 1).round().clamp(0, 255).byte().cpu().numpy()
    if pictures.spans is None or clip.frames is None:
        return values
    # A frame without a face shows the picture before it, or the first one.
    rows = np.round(pictures.spans[:, 0] * pictures.frame_rate).astype(np.int64)
    last = np.searchsorted(rows, np.arange(len(clip.frames)), side="right") - 1
    return values[np.maximum(last, 0)]

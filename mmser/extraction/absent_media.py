"""A corpus without the recordings that an extractor reads is told before hours of others' work."""

from __future__ import annotations

from collections.abc import Sequence

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.extraction.jobs import Job


def check_media(
    corpus: str, utterances: Sequence[Utterance], jobs: Sequence[Job], max_failures: float
) -> None:
    """Raise MmserError for jobs that have everything to do and nothing to do it from.

    ``max_failures`` of 1.0 never raises: then a corpus may have nothing.
    """
    if not utterances or max_failures >= 1:
        return
    films = any(each.video_path is not None for each in utterances)
    # The sound of a film is read where it has no file of its own.
    sounds = films or any(each.audio_path is not None for each in utterances)
    there = {"audio": sounds, "face": films, "text": True}
    hopeless = [
        job.name for job in jobs if not there[job.modality] and len(job.missing) >= len(utterances)
    ]
    if hopeless:
        kind = "films" if sounds else "recordings"
        raise MmserError(
            f"{kind} of {corpus}, which {', '.join(hopeless)} read",
            f"{len(utterances)} utterances, and no file of any",
            "Set corpus.root to the folder that holds them, or leave their streams out "
            "('~streams.NAME' '~encoders.NAME').",
        )

"""A plan computed by a cluster, and its results stored here in the plan's order."""

from __future__ import annotations

from collections.abc import Sequence

from mmser.core.utterance import Utterance
from mmser.extraction.engines.attempts import Attempts, Cluster
from mmser.extraction.engines.cut import pieces
from mmser.extraction.engines.piece import Report
from mmser.extraction.jobs import ExtractorJob, Job
from mmser.extraction.progress import Progress
from mmser.extraction.running import missing_by_modality, say_warnings


def run_on(
    cluster: Cluster,
    plan: Sequence[Utterance],
    jobs: Sequence[Job],
    frame_rate: float,
    shown: bool,
    corpus: str,
) -> None:
    """Compute on ``cluster`` what the jobs miss of the plan, as `run_here` does on this machine."""
    # Words are there once the recogniser is through.
    for later in (False, True):
        group = [job for job in jobs if _reads_words(job) == later]
        if any(job.missing for job in group):
            _run_group(cluster, plan, group, frame_rate, shown, corpus)


def _reads_words(job: Job) -> bool:
    return isinstance(job, ExtractorJob) and job.transcript_of is not None


def _run_group(
    cluster: Cluster,
    plan: Sequence[Utterance],
    jobs: Sequence[Job],
    frame_rate: float,
    shown: bool,
    corpus: str,
) -> None:
    """The same for jobs of which none reads what another one hears."""
    missing = missing_by_modality(jobs)[2]
    by_name = {job.name: job for job in jobs}
    noted: dict[str, list[str]] = {}

    def told(report: Report) -> None:
        for name, seconds in report.seconds.items():
            by_name[name].seconds += seconds
        for note, ids in report.notes.items():
            noted.setdefault(note, []).extend(ids)

    with Progress(f"preprocess {corpus}", len(missing), shown) as bar:
        bar.say(f"on {cluster.line}")
        attempts = Attempts(cluster, bar.say, told)
        for piece, entries in attempts.results(pieces(plan, jobs, frame_rate, cluster.lend)):
            for name, made in entries.items():
                by_name[name].writer.add(made)  # type: ignore[arg-type]  # each its own kind
            bar.step(len(piece.utterances))
        say_warnings(bar, noted, "beside the utterances, in the notes of the stores' indexes")

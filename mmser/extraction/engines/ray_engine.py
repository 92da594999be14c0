"""`mmser preprocess engine=ray`: the plan on a Ray cluster, the stores written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmser.core.utterance import Utterance
from mmser.extraction.engines.ray_cluster import RayCluster, ray_session
from mmser.extraction.engines.run_on import run_on
from mmser.extraction.jobs import Job


@dataclass(frozen=True, slots=True)
class RayEngine:
    """What `mmser.extraction.preprocess` may be given as its engine.

    ``address`` is that of a cluster's head ("host:port", "auto"), None for this machine alone. A
    chunk of the plan takes ``cpus_per_task`` cores, as threads of the encoders too, and
    ``gpus_per_task`` GPUs, which may be a fraction.
    """

    address: str | None = None
    cpus_per_task: float = 1.0
    gpus_per_task: float = 0.0

    def __call__(
        self,
        plan: Sequence[Utterance],
        jobs: Sequence[Job],
        frame_rate: float,
        workers: int,
        shown: bool,
        corpus: str,
    ) -> None:
        """As `mmser.extraction.preprocess.run_here`; every task has a decoder of its own."""
        if not any(job.missing for job in jobs):
            return
        with ray_session(self.address):
            cluster = RayCluster(self.cpus_per_task, self.gpus_per_task)
            run_on(cluster, plan, jobs, frame_rate, shown, corpus)

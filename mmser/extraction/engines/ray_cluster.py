"""Pieces of a plan as tasks of Ray: on this machine, or on the nodes of a cluster."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from typing import Any

from mmser.core.errors import MmserError, UsageError
from mmser.extraction.engines.attempts import NodeLost, WorkerDied
from mmser.extraction.engines.piece import Entries, Piece, Report, compute, decode

LOOPBACK = "127.0.0.1"

REACH_SECONDS = 5.0
"""An address that does not answer within this time is none; Ray itself would try for minutes."""

DECODER_TRIES = 3
"""Times that Ray itself repeats a decoding whose node went away."""


class RayCluster:
    """Workers of the Ray session that is open; a `mmser.extraction.engines.attempts.Cluster`.

    A piece takes ``cpus`` cores and ``gpus`` GPUs (0.25: four share one). Where it takes some of a
    GPU, sound is decoded by tasks of their own, on any node, so that no encoder waits for it.
    Pictures are too large to travel: they are decoded where they are looked at.
    """

    def __init__(self, cpus: float, gpus: float) -> None:
        self.ray, self.cpus, self.gpus = _ray(), cpus, gpus
        self._compute = self.ray.remote(_compute).options(
            num_returns=2, max_retries=0, num_cpus=cpus, num_gpus=gpus
        )
        self._decode = self.ray.remote(decode).options(max_retries=DECODER_TRIES, num_cpus=1)
        lack = self.lacking()
        if lack:
            raise MmserError(
                lack, self.line, "Ask for less: engine.cpus_per_task, engine.gpus_per_task."
            )

    @property
    def line(self) -> str:
        """What the cluster has, for the user."""
        alive = [node for node in self.ray.nodes() if node["Alive"]]
        total = self.ray.cluster_resources()
        nodes = f"{len(alive)} node{'s' * (len(alive) != 1)}"
        return f"Ray: {nodes}, {total.get('CPU', 0):g} CPUs, {total.get('GPU', 0):g} GPUs"

    @property
    def slots(self) -> int:
        total = self.ray.cluster_resources()
        by_cpu = total.get("CPU", 0.0) / self.cpus if self.cpus else float("inf")
        by_gpu = total.get("GPU", 0.0) / self.gpus if self.gpus else float("inf")
        return max(1, int(min(by_cpu, by_gpu, 100_000)))

    def lacking(self) -> str:
        """What no node has that a piece needs, "" when nothing lacks."""
        for node in self.ray.nodes():
            has = node["Resources"]
            enough = has.get("CPU", 0) >= self.cpus and has.get("GPU", 0) >= self.gpus
            if node["Alive"] and enough:
                return ""
        return f"a node with {self.cpus:g} CPUs and {self.gpus:g} GPUs"

    def lend(self, maker: Any) -> Any:
        """A reference to an extractor, which a worker fetches once."""
        return [self.ray.put(maker)]

    def submit(self, piece: Piece) -> Any:
        apart = self.gpus > 0 and piece.sound and not piece.pictures
        clips = self._decode.remote(piece) if apart else None
        return tuple(self._compute.remote(piece, clips))

    def finished(self, tickets: list[Any], seconds: float) -> list[Any]:
        by_report = {ticket[0]: ticket for ticket in tickets}
        ready, _ = self.ray.wait(
            list(by_report), num_returns=len(by_report), timeout=0, fetch_local=False
        )
        if not ready:
            ready, _ = self.ray.wait(
                list(by_report), num_returns=1, timeout=seconds, fetch_local=False
            )
        return [by_report[report] for report in ready]

    def report(self, ticket: Any) -> Report:
        answer: Report = self._got(ticket[0])
        return answer

    def entries(self, ticket: Any) -> Entries:
        answer: Entries = self._got(ticket[1])
        return answer

    def _got(self, reference: Any) -> Any:
        failures = self.ray.exceptions
        try:
            return self.ray.get(reference)
        except failures.RayError as error:
            cause = getattr(error, "cause", None) or error
            reason = " ".join(str(cause).split())[:200]
            if isinstance(cause, failures.WorkerCrashedError):
                raise WorkerDied("it crashed or was killed") from error
            if isinstance(cause, failures.OutOfMemoryError):
                raise WorkerDied("its node had no memory left") from error
            lost = failures.NodeDiedError, failures.ObjectLostError, failures.LocalRayletDiedError
            if isinstance(cause, lost):
                raise NodeLost(type(cause).__name__) from error
            raise MmserError(
                "tasks that Ray can run", f"{type(cause).__name__}: {reason}", "See Ray's logs."
            ) from error


def _compute(piece: Piece, clips: Any) -> tuple[Report, Entries]:
    """The task; it runs where Ray is."""
    return compute(piece, clips, lambda reference: _ray().get(reference[0]))


def _ray() -> Any:
    # Its types are those of its remote functions, which no checker follows.
    import ray

    return ray


@contextmanager
def ray_session(address: str | None) -> Iterator[None]:
    """A session of the cluster at ``address`` ("host:port", or "auto"), or of this machine alone.

    The latter's services listen on the loopback address alone, and end with the session. A session
    that is open already is used as it is. Raises MmserError where Ray is not installed, and where
    the address does not answer.
    """
    if find_spec("ray") is None:
        raise MmserError("Ray", "none", "pip install 'mmser[ray]', or leave engine=ray out.")
    # Read when Ray is imported. A death is told here, once.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    if address is None:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    ray = _ray()
    if ray.is_initialized():
        yield
        return
    _begin(address)
    try:
        # What Ray prints of its nodes is no output of the command.
        with redirect_stdout(sys.stderr):
            yield
    finally:
        ray.shutdown()


def _begin(address: str | None) -> None:
    ray = _ray()
    quiet = {"configure_logging": False, "log_to_driver": False}
    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is None:
        ray.init(address="local", _node_ip_address=LOOPBACK, include_dashboard=False, **quiet)
        return
    if address != "auto":
        _check_reached(address)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise MmserError(
            f"a Ray cluster at engine.address={address}, and this machine among its nodes",
            " ".join(str(error).split())[:300],
            "Begin it with `ray start --head`, and `ray start --address=HOST:PORT` on every node.",
        ) from error


def _check_reached(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError("engine.address=HOST:PORT, or auto", address, "Correct it.")
    try:
        socket.create_connection((host, int(port)), REACH_SECONDS).close()
    except OSError as error:
        raise MmserError(
            f"a Ray cluster at engine.address={address}",
            f"no answer ({error})",
            "Begin it with `ray start --head`, or correct the address.",
        ) from error

"""Decoding in another process.

A file that crashes or hangs the decoder costs one clip and not the work.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mmser.core.clip import Clip
from mmser.core.utterance import Utterance
from mmser.media.clip_messages import (
    read_clip,
    read_line,
    read_samples,
    utterance_content,
    write_line,
)
from mmser.media.container import MediaFault
from mmser.media.decode import stream_clips
from mmser.media.forked import Forked
from mmser.media.probe import Tracks, find_tracks
from mmser.media.sound_blocks import sound_blocks

# -P: a file called av.py in the working directory is not the decoder.
PROGRAM = (sys.executable, "-P", "-m", "mmser.media.decoder_process")
"""What a decoder process runs; the number of its socket follows."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""There are as many processes as cores: each computes on one."""

PATIENCE_SECONDS = 120.0
"""A decoder that shows no sign of life for so long hangs, and is ended."""


# A finding about a file, not a programming error.
class DecoderDeath(Exception):  # noqa: N818
    """The decoder process ended, or was ended, in the middle of a request; says how."""


@dataclass(slots=True, eq=False)
class _Running:
    process: subprocess.Popen[bytes] | Forked
    channel: socket.socket
    requests: BinaryIO
    answers: BinaryIO


class Decoder:
    """One decoder process: started when it is first needed, and anew after a death.

    One thread at a time reads from it; `close` may be called from another.
    """

    def __init__(
        self, program: Sequence[str] | None = None, serve: Callable[[int], None] | None = None
    ) -> None:
        """``program`` answers further requests too; None: `PROGRAM`.

        With ``serve`` the first process is started now, as a fork that does the same.
        """
        self._program = program
        self._running: _Running | None = None
        self._closed = False
        if serve is not None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._running = _running(Forked(theirs, serve), ours)

    def clips(self, utterances: Sequence[Utterance], **options: Any) -> Iterator[Clip]:
        """`mmser.media.decode.stream_clips` with the same arguments, in the other process.

        Raises DecoderDeath when that process does not come to the end of the request.
        """
        content = {
            "utterances": [utterance_content(item) for item in utterances],
            "options": options,
        }
        for message, answers in self.answers(content):
            yield read_clip(answers, message)

    def sound(self, path: Path) -> Iterator[tuple[int, np.ndarray]]:
        """`mmser.media.sound_blocks.sound_blocks`, in the other process.

        Raises MediaFault and DecoderDeath.
        """
        for message, answers in self.answers({"sound": str(path.absolute())}):
            yield message["block"], read_samples(answers, message)

    def tracks(self, path: Path) -> Tracks:
        """`mmser.media.probe.find_tracks`, in the other process.

        Raises MediaFault and DecoderDeath.
        """
        ((message, _),) = self.answers({"tracks": str(path.absolute())})
        told = message["tracks"]
        return Tracks(**{**told, "codecs": tuple(told["codecs"])})

    def answers(self, request: dict[str, Any]) -> Iterator[tuple[dict[str, Any], BinaryIO]]:
        """Every message of one request that carries something, with the stream of its arrays."""
        if self._closed:
            raise DecoderDeath("nobody waits for its clips any more")
        running = self._running or self._start()
        try:
            write_line(running.requests, request)
            while "end" not in (message := read_line(running.answers)):
                if "fault" in message:
                    raise MediaFault(*message["fault"])
                if "error" in message:
                    raise DecoderDeath(message["error"])
                if "alive" not in message:
                    yield message, running.answers
        except (MediaFault, DecoderDeath):
            raise  # The process has said all that it had to say.
        except TimeoutError:
            self._end()
            raise DecoderDeath(f"no sign of life for {PATIENCE_SECONDS:g} s") from None
        except (EOFError, ConnectionError):
            code = running.process.wait()
            self._end()
            raise DecoderDeath(_cause(code)) from None
        except BaseException:
            # Nobody reads the rest of this request, so the next one could not be told from it.
            self._end()
            raise

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            running.process.kill()
            running.process.wait()
            running.channel.close()

    def _start(self) -> _Running:
        ours, theirs = socket.socketpair()
        with theirs:
            # This interpreter and a module of this package.
            process = subprocess.Popen(  # noqa: S603
                [*(self._program or PROGRAM), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # The last words of a C library say nothing to a user.
                stderr=subprocess.DEVNULL,
                env={
                    **os.environ,
                    **ONE_THREAD,
                    "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
                },
            )
        self._running = _running(process, ours)
        return self._running


def _running(process: subprocess.Popen[bytes] | Forked, ours: socket.socket) -> _Running:
    ours.settimeout(PATIENCE_SECONDS)
    return _Running(process, ours, ours.makefile("wb"), ours.makefile("rb"))


def _cause(code: int) -> str:
    """How a process ended, from its return code: negative for a signal."""
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


class Here:
    """The same answers from this process, which a crash ends."""

    def clips(self, utterances: Sequence[Utterance], **options: Any) -> Iterator[Clip]:
        """`mmser.media.decode.stream_clips`."""
        return stream_clips(utterances, **options)

    def sound(self, path: Path) -> Iterator[tuple[int, np.ndarray]]:
        """`mmser.media.sound_blocks.sound_blocks`."""
        return sound_blocks(path)

    def tracks(self, path: Path) -> Tracks:
        """`mmser.media.probe.find_tracks`."""
        return find_tracks(path)

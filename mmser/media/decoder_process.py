"""The program of a decoder process: requests in; clips, a file's tracks or its sound out.

Both go over the socket whose number is its argument.

It is a process of its own because a decoder is C code that reads foreign files: where it crashes or
hangs, it alone ends. See `mmser.media.decoder`.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from mmser.media.clip_messages import read_line, utterance_of, write_block, write_clip, write_line
from mmser.media.container import MediaFault
from mmser.media.decode import stream_clips
from mmser.media.probe import find_tracks
from mmser.media.sound_blocks import sound_blocks

BEAT_SECONDS = 1.0
"""Pause between two signs of life."""


class Heartbeat:
    """Tells the caller, at most once a second, that packets are being decoded."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self._last = time.monotonic()

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last >= BEAT_SECONDS:
            self._last = now
            write_line(self.stream, {"alive": True})


Answer = Callable[[dict[str, Any], BinaryIO, Heartbeat], None]
"""What is written for one request, before its end."""


def serve(requests: BinaryIO, answers: BinaryIO, answer: Answer) -> None:
    """Answer requests until the caller closes its end."""
    heartbeat = Heartbeat(answers)
    while True:
        request = read_line(requests)
        try:
            answer(request, answers, heartbeat)
        except ConnectionError:
            raise
        except MediaFault as fault:
            write_line(answers, {"fault": [fault.reason, fault.detail]})
        # Whatever a foreign file leads to is that file's fault alone.
        except Exception as error:  # noqa: BLE001
            write_line(answers, {"error": f"{type(error).__name__}: {error}"})
        else:
            write_line(answers, {"end": True})


def media_answer(request: dict[str, Any], answers: BinaryIO, heartbeat: Heartbeat) -> None:
    """Clips, a file's tracks, or its sound."""
    if "tracks" in request:
        write_line(answers, {"tracks": asdict(find_tracks(Path(request["tracks"]), heartbeat))})
    elif "sound" in request:
        for position, samples in sound_blocks(Path(request["sound"]), heartbeat):
            write_block(answers, position, samples)
    else:
        utterances = [utterance_of(content) for content in request["utterances"]]
        for clip in stream_clips(utterances, beat=heartbeat, **request["options"]):
            write_clip(answers, clip)


def serve_socket(descriptor: int, answer: Answer = media_answer) -> None:
    """Serve the socket of the caller, who alone decides when to stop."""
    # Ctrl-C reaches the whole group of processes; the caller closes the socket when it stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as channel:
        try:
            serve(channel.makefile("rb"), channel.makefile("wb"), answer)
        except (EOFError, ConnectionError):
            return


if __name__ == "__main__":
    serve_socket(int(sys.argv[1]))

"""The program of a decoder process: requests in, clips out, over the socket whose number is its argument.

It is a process of its own because a decoder is C code that reads foreign files: where it crashes or hangs, it alone
ends. See `mmser.media.decoder`.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from typing import BinaryIO

from mmser.media.clip_messages import read_line, utterance_of, write_clip, write_line
from mmser.media.decode import stream_clips

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


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the caller closes its end."""
    heartbeat = Heartbeat(answers)
    while True:
        request = read_line(requests)
        utterances = [utterance_of(content) for content in request["utterances"]]
        clips = stream_clips(utterances, beat=heartbeat, **request["options"])
        try:
            for clip in clips:
                write_clip(answers, clip)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a foreign file leads to is that file's fault alone
            write_line(answers, {"error": f"{type(error).__name__}: {error}"})
        else:
            write_line(answers, {"end": True})


def main() -> None:
    """Serve the socket of the caller, who alone decides when to stop."""
    # Ctrl-C reaches the whole group of processes; the caller closes the socket when it stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        try:
            serve(channel.makefile("rb"), channel.makefile("wb"))
        except (EOFError, ConnectionError):
            return


if __name__ == "__main__":
    main()

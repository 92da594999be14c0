"""A decoder process that dies or hangs over files whose names say so: a crash on demand for tests.

It answers as a worker process of extraction does, or, ``plain``, as the decoder of a prediction.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from mmser.extraction import worker_process
from mmser.media import decoder_process
from mmser.media.decode import stream_clips
from mmser.media.probe import find_tracks


def deadly(utterances, want_audio=True, want_frames=False, **options):
    for number, item in enumerate(utterances):
        name = item.audio_path.name if item.audio_path else item.video_path.name
        if (
            "crash" in name
            or ("moving" in name and want_frames)
            or ("third" in name and number == 2)
        ):
            os.kill(os.getpid(), signal.SIGSEGV)
        if "hang" in name:
            time.sleep(60)
        if "bug" in name:
            raise TypeError("an unexpected keyword argument")
        yield from stream_clips([item], want_audio, want_frames, **options)


def deadly_tracks(path, beat):
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    return find_tracks(path, beat)


decoder_process.stream_clips = deadly
decoder_process.find_tracks = deadly_tracks
worker_process.stream_clips = deadly
answer = decoder_process.media_answer if "plain" in sys.argv else worker_process.answer
decoder_process.serve_socket(int(sys.argv[-1]), answer)

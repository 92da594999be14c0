"""Runs preprocessing jobs in forked children, kills them, and prints as JSON what stands on the
disk afterwards.

A script of its own, so that the parent of all children has no threads: ``python crash_driver.py
MODE FOLDER``.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
import wave
from functools import partial
from pathlib import Path

# A job imports these when it needs them: imported here, so that every child has them already.
import av  # noqa: F401
import numpy as np
import pyarrow.parquet  # noqa: F401
import torch  # noqa: F401
import tqdm  # noqa: F401

from mmser.cache import writer
from mmser.core.clip import Features, Transcript
from mmser.core.share import Share
from mmser.core.utterance import Utterance, Word
from mmser.extraction.merge import merge
from mmser.extraction.preprocess import preprocess

FILES, TURNS = 12, 14


class Corpus:
    """12 recordings of 14 short turns each; recording 5 is a text file, recording 7
    does not exist.
    """

    name = "tiny"

    def __init__(self, root):
        self.root = Path(root)

    def write(self):
        self.root.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(0)
        for number in range(FILES):
            samples = generator.integers(-9000, 9000, 16000).astype("<i2")
            with wave.open(str(self.root / f"{number}.wav"), "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                file.writeframes(samples.tobytes())
        (self.root / "5.wav").write_text("this is no recording")
        (self.root / "7.wav").unlink()
        return self

    def utterances(self):
        # Turn by turn over all recordings: the manifest's order is not the order of the files.
        for turn in range(TURNS):
            for number in range(FILES):
                start = turn * 0.06
                yield Utterance(
                    id=f"r{number}t{turn}", corpus=self.name, speaker=str(number), turn=turn, transcript="a few words",
                    start=start, end=start + 0.03 + 0.001 * turn, audio_path=self.root / f"{number}.wav",
                )  # fmt: skip


class Companions:
    """Values that depend on the whole batch: the final bytes agree only if the batches did."""

    modality = "audio"
    dtype = "float32"
    gives = "features"
    feature_size = 6
    version = 1
    sample_rate = 16_000
    checkpoint = None

    def __init__(self, scale=1.0):
        self.scale = scale

    def parameters(self):
        return {"scale": self.scale}

    def extract(self, clips):
        total = sum(float(np.abs(clip.waveform).sum()) for clip in clips)
        return [
            Features(np.outer(clip.waveform[::8], np.arange(6)) * self.scale + total, 2000.0)
            for clip in clips
        ]


class Letters:
    """One number per letter of a transcript."""

    modality = "text"
    dtype = "int32"
    gives = "characters"
    feature_size = 1
    version = 1
    sample_rate = None
    checkpoint = None

    def parameters(self):
        return {}

    def extract(self, clips):
        return [
            Features(np.array([[ord(letter)] for letter in clip.transcript.text], np.int32))
            for clip in clips
        ]


class Listener:
    """An ASR system that hears how loud it was."""

    name = "loudness"

    def parameters(self):
        return {"version": 1}

    def transcribe(self, waveforms):
        return [
            Transcript(f"{np.abs(w).sum():.3f}", self.name, (Word("x", 0.0, 0.01, 0.5),))
            for w in waveforms
        ]


def job(root, cache, workers=0, share=None):
    preprocess(
        Corpus(root), {"companions": Companions(), "letters": Letters()}, cache, transcriber=Listener(),
        workers=workers, progress=False, shard_bytes=20_000, share=share,
    )  # fmt: skip


def child(work, kill_at=None, cache=None):
    """Fork; the child does ``work`` and dies by SIGKILL before its ``kill_at``-th touch of a file
    below ``cache``.
    """
    pid = os.fork()
    if pid:
        return pid
    if kill_at is not None:
        left = [kill_at]

        def hook(event, arguments):
            if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(
                arguments[0]
            ).startswith(str(cache)):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
    work()
    os._exit(0)


def waited(pid):
    """True when the child came to its end, False when it was killed; anything else is an error."""
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status:
        sys.exit(f"a job failed with status {status}")
    return True


def tree(cache):
    """{relative path: digest} of every file."""
    files = sorted(path for path in Path(cache).rglob("*") if path.is_file())
    return {
        str(path.relative_to(cache)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def differing(one, other):
    """Names of the files that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def kill_points(root, folder, undisturbed):
    """Kill at every n-th file operation until a job survives, each on a cache of its own; then run
    again.
    """
    killed, wrong, point = 0, [], 0
    while True:
        cache = folder / f"point{point}"
        survived = waited(child(lambda c=cache: job(root, c), kill_at=point, cache=cache))
        waited(child(lambda c=cache: job(root, c)))
        wrong += [f"{point}: {name}" for name in differing(tree(cache), undisturbed)]
        if survived:
            return {"killed": killed, "differing": wrong}
        killed += 1
        point += 7


def random_kills(root, folder, undisturbed):
    """Kill one job again and again at random moments, decoding threads and all, until it comes
    through.
    """
    generator = random.Random(3)
    cache, kills, longest = folder / "random", 0, 0.02
    while True:
        pid = child(lambda: job(root, cache, workers=2))
        time.sleep(generator.uniform(0.0, longest))
        os.kill(pid, signal.SIGKILL)
        if waited(pid):
            break
        kills, longest = kills + 1, longest * 1.1
    return {"killed": kills, "differing": differing(tree(cache), undisturbed)}


def together(root, folder, undisturbed):
    """Two jobs at once on one cache."""
    cache = folder / "together"
    pids = [child(lambda: job(root, cache)) for _ in range(2)]
    done = [waited(pid) for pid in pids]
    return {"done": done, "same": tree(cache) == undisturbed}


def shares(root, folder, undisturbed):
    """Three machines, the last first, one of them killed twice; then a merge that is killed."""
    cache, killed = folder / "shares", 0
    for number in (3, 1, 2):
        run = partial(job, root, cache, share=Share(number, 3))
        points = (40, 40) if number == 1 else ()
        killed += sum(not waited(child(run, kill_at=point, cache=cache)) for point in points)
        waited(child(run))
    run = partial(merge, cache, progress=False, shard_bytes=20_000)
    for point in (30, 40, 40):
        killed += not waited(child(run, kill_at=point, cache=cache))
    waited(child(run))
    parts = [name for name in tree(cache) if name.startswith("shards/")]
    merged = {name: digest for name, digest in tree(cache).items() if name not in parts}
    waited(child(run))
    again = {name: digest for name, digest in tree(cache).items() if name not in parts}
    return {
        "killed": killed, "differing": differing(merged, undisturbed), "again": again == merged,
        "parts": parts,
    }  # fmt: skip


if __name__ == "__main__":
    mode, place = sys.argv[1], Path(sys.argv[2])
    # In seconds; what is held is lost by a kill, and made again.
    writer.HELD_SECONDS = {
        "kill": 0.0,
        "shares": 0.0,
        "random": 0.02,
        "held": 60.0,
        "together": 60.0,
    }[mode]
    Corpus(place / "media").write()
    waited(child(lambda: job(place / "media", place / "undisturbed")))
    reference = tree(place / "undisturbed")
    result = {
        "kill": kill_points, "held": kill_points, "random": random_kills, "together": together, "shares": shares
    }[mode](place / "media", place, reference)  # fmt: skip
    sys.stdout.write(json.dumps(result | {"files": list(reference)}))

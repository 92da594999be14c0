"""One system of each family through what the command does: interrupted, resumed, evaluated,
exported, predicting.

No decoder's library is needed: the recording that `predict` hears is read by the standard library.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from gpu_checks.corpus import make_clip, read_corpus, write_wav
from gpu_checks.systems import FOLD, settings_of
from mmser.core.clip import SAMPLE_RATE, Clip
from mmser.core.utterance import Utterance
from mmser.evaluation.evaluate import evaluate
from mmser.inference.timeline import predict_recording
from mmser.media.probe import Tracks
from mmser.sharing.export import export
from mmser.training.fit import train
from mmser.training.loop.learner import Learner
from mmser.training.run import Run

FAMILIES = {
    "recurrent": "audio_bigru",
    "attention": "mcsan",
    "convolution": "light_sernet",
    "wav2vec2": "wav2vec2_finetune_small",
    "adapters": "wavlm_lora_small",
    "whisper": "whisper_finetune_small",
    "leaf": "leaf_mm_transformer_small",
    "key-sparse": "ks_transformer_small",
    "staged": "cpc_ser_small",
    "meta-learning": "metaser",
}
SHORT = {
    "min_epochs": 1,
    "patience": None,
    "limit_train_batches": 2,
    "check_every": 1.0,
    "max_steps": -1,
}
SAME = 1e-3
"""Largest difference of a probability between the device and the CPU."""


def road(name: str, folder: Path, device: torch.device) -> str:
    """Two epochs with an interruption between them, then all that is done with a run, here and on
    the CPU.
    """
    settings = _short(settings_of(name, folder), device)
    with _interrupted(), _expected(InterruptedError):
        train(settings)
    run = train(settings)
    if run.fold(FOLD, 0).facts["epochs"] != 2:
        raise AssertionError(f"{run.fold(FOLD, 0).facts['epochs']} epochs instead of 2")
    found = evaluate(run)
    cpu = evaluate(_on_cpu(run))
    worst = float((_scores(found) - _scores(cpu)).abs().max(axis=None))
    if not worst <= SAME:
        raise AssertionError(f"the test split differs by {worst:.1e} from the CPU's")
    exported = export(run, folder / "exported" / name, FOLD, 0)
    recording = write_wav(read_corpus("synthetic")[0][1].waveform, folder / "recording.wav")
    with patch("mmser.inference.recording.Here", WaveReader):
        heard = [
            _scores(predict_recording(source, recording, whole=True)) for source in (run, exported)
        ]
    apart = float((heard[0] - heard[1]).abs().max(axis=None))
    if not apart <= SAME:
        raise AssertionError(f"the exported model differs by {apart:.1e} from the run")
    return f"device to CPU {worst:.1e}, run to export {apart:.1e}"


def _short(settings: dict[str, Any], device: torch.device) -> dict[str, Any]:
    settings["trainer"] |= {
        **SHORT,
        "epochs": 2,
        "accelerator": "gpu" if device.type == "cuda" else device.type,
    }
    for stage in (settings.get("stages") or {}).values():
        stage["trainer"] = {**(stage.get("trainer") or {}), **SHORT, "epochs": 2}
    return settings


@contextmanager
def _interrupted() -> Iterator[None]:
    """Training stops with InterruptedError at the first step of its second epoch, when a state has
    been written.
    """
    original = Learner.training_step

    def step(self: Learner, batch: Any, batch_idx: int) -> torch.Tensor:
        if self.current_epoch:
            raise InterruptedError
        return original(self, batch, batch_idx)

    with patch.object(Learner, "training_step", step):
        yield


@contextmanager
def _expected(kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kind:
        return
    raise AssertionError("training was not interrupted")


def _on_cpu(run: Run) -> Run:
    """The same run as a machine without a GPU opens it."""
    other = Run(run.directory)
    other.config["trainer"]["accelerator"] = "cpu"
    return other


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    wanted = [name for name in table if name.startswith(("probability_", "prediction_"))]
    scores = table[wanted].reset_index(drop=True).astype(float)
    if not len(scores) or not np.isfinite(scores.to_numpy()).all():
        raise AssertionError("scores that are not finite, or none")
    return scores


class WaveReader:
    """Stands for `mmser.media.decoder.Here`: the standard library reads the one
    recording there is.
    """

    def tracks(self, path: Path) -> Tracks:
        return Tracks(audio=True, video=False, seconds=len(self._samples(path)) / SAMPLE_RATE)

    def sound(self, path: Path) -> Iterator[tuple[int, np.ndarray]]:
        yield 0, self._samples(path)

    def clips(self, utterances: Sequence[Utterance], **options: Any) -> Iterator[Clip]:
        for utterance in utterances:
            yield make_clip(utterance.id, self._samples(utterance.audio_path))

    @staticmethod
    def _samples(path: Path | None) -> np.ndarray:
        with wave.open(str(path)) as file:
            return (
                np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
            )

"""The plain trainer against Lightning's: the same bits, the same tables, the same ends."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mmser.core.configs import load_config
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training import epochs
from mmser.training.devices import Place
from mmser.training.fit import train
from mmser.training.loop.plain import is_plain
from mmser.training.run import Run

SCHEDULERS = "mmser.training.loop.schedulers"
CASES: dict[str, dict[str, Any]] = {
    "usual": {},
    "clipped, accumulated": {"trainer.clip_norm": 0.1, "trainer.accumulate": 4},
    "steps of a schedule": {
        "scheduler": {"_target_": f"{SCHEDULERS}.warmup_cosine", "_partial_": True, "warmup": 0.3},
        "trainer.average": 0.7,
    },
    "stopped within an epoch": {
        "trainer.check_every": 0.3,
        "trainer.patience": 1,
        "trainer.epochs": 9,
        "optimizer.lr": 0.3,
        "scheduler": {"_target_": f"{SCHEDULERS}.plateau", "_partial_": True, "patience": 0},
    },
    "not stopped before": {
        "trainer.check_every": 0.5,
        "trainer.patience": 0,
        "trainer.min_epochs": 3,
        "trainer.epochs": 6,
        "optimizer.lr": 0.0,
    },
    "every second epoch, shares of batches": {
        "trainer.check_every": 2,
        "trainer.epochs": 5,
        "trainer.limit_train_batches": 0.5,
        "trainer.limit_validation_batches": 2,
    },
    "so many steps": {"trainer.max_steps": 9, "trainer.accumulate": 2, "trainer.epochs": 8},
    "bfloat16": {"trainer.precision": "bf16-mixed"},
    "augmented, frozen, precise norms": {
        "data.augmentation": [
            {
                "_target_": "mmser.data.augmentation.modality_dropout.ModalityDropout",
                "probability": 0.3,
            }
        ],
        "trainer.freeze": ["encoders.noise.*"],
        "trainer.precise_norms": 2,
    },
}


def results(run: Run) -> tuple[Any, ...]:
    folder = run.fold("s1", 0).directory
    table = pd.read_csv(folder / "metrics.csv").drop(columns="seconds")
    return (folder / "model.safetensors").read_bytes(), (folder / "fold.json").read_text(), table


@pytest.mark.parametrize("case", CASES)
def test_both_trainers_end_with_the_same_bits(
    settings: Any, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    made = {"folds": ["s1"], **CASES[case]}
    plain = results(train(settings(run="plain", **made)))
    monkeypatch.setattr(epochs, "is_plain", lambda *_: False)
    lightning = results(train(settings(run="lightning", **made)))
    assert plain[:2] == lightning[:2]
    pd.testing.assert_frame_equal(plain[2], lightning[2], check_exact=True)


def test_a_state_that_lightning_wrote_is_gone_on_from(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of earlier versions were interrupted in Lightning's trainer."""
    from mmser.training.loop.learner import Learner

    made = {"folds": ["s1"], "trainer.epochs": 4, "trainer.patience": 3, "trainer.average": 0.9}
    whole = results(train(settings(run="whole", **made)))
    original, steps = Learner.training_step, []

    def failing(self: Learner, batch: Any, batch_idx: int) -> Any:
        steps.append(batch_idx)
        if len(steps) == 15:
            raise InterruptedError
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "training_step", failing)
        patched.setattr(epochs, "is_plain", lambda *_: False)
        with pytest.raises(InterruptedError):
            train(settings(run="broken", **made))
    resumed = results(train(settings(run="broken", **made)))
    assert resumed[:2] == whole[:2]
    pd.testing.assert_frame_equal(resumed[2], whole[2], check_exact=True)


@pytest.mark.parametrize(
    ("changes", "accelerator", "plain"),
    [
        ({}, "cpu", True),
        ({}, "cuda", True),
        ({}, "mps", False),
        ({"devices": 2}, "cpu", False),
        ({"strategy": "ddp"}, "cpu", False),
        ({"precision": "bf16-mixed"}, "cuda", True),
        ({"precision": "16-mixed"}, "cuda", False),
        ({"precision": "64-true"}, "cpu", False),
        ({"log_tensorboard": True}, "cpu", True),
    ],
)
def test_lightning_trains_what_takes_more_than_one_device(
    changes: dict[str, Any], accelerator: str, plain: bool
) -> None:
    options = read_options(Trainer, changes, load_config("trainer", "default"))
    assert is_plain(options, Place(accelerator, "a machine")) is plain

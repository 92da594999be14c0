"""Two processes of one fold (DDP, gloo on the CPU) train one model and score every utterance once."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mmser.runs.run_paths import STATE, WEIGHTS, fold_folder
from mmser.settings.run import read_run
from mmser.training.fit import prepare, train
from mmser.training.inputs.corpora import build_corpora

BOTH = {"trainer.devices": 2, "trainer.strategy": "ddp"}
EPOCHS = {"trainer.epochs": 3, "model.head.dropout": 0.0, "data.batch_size": 4}
FROZEN_NORMS = {
    "model.encoders.noise": {
        "_target_": "mmser.models.encoders.audio.compact_gcn.CompactGCN",
        "_partial_": True,
        "nodes": 12,
        "dropout": 0.0,
    },
    "trainer.freeze": ["encoders.noise.*"],
}


def killed_in_the_middle(config):
    """Begin the same fold, and kill both processes after some epoch."""
    directory, options = Path(config["run"]), read_run(config)
    prepare(directory, config, options, build_corpora(options))
    command = [
        sys.executable,
        "-m",
        "mmser.training.fold_training",
        config["run"],
        "s0",
        "0",
        "cpu",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        state = fold_folder(directory, "s0", 0) / STATE
        while not state.is_file() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.stdin.close()  # the other one ends with it
    assert state.is_file()


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one_with_their_batches_together(settings):
    """12 validation rows in batches of 4: one process has a batch more than the other, of a network
    with buffers. A killed training goes on to the same bits."""
    words = {"folds": ["s0"], **EPOCHS, **FROZEN_NORMS}
    one = train(settings(run="one", **words, **{"trainer.accumulate": 2})).fold("s0", 0)
    two = train(settings(run="two", **words, **BOTH)).fold("s0", 0)
    interrupted = settings(run="interrupted", **words, **BOTH)
    killed_in_the_middle(interrupted)
    resumed = train(interrupted).fold("s0", 0)
    assert list(two.curve["step"]) == list(one.curve["step"]) == [3, 6, 9]
    for name, array in load_file(two.directory / WEIGHTS).items():
        assert np.array_equal(array, load_file(resumed.directory / WEIGHTS)[name]), name
        assert np.allclose(array, load_file(one.directory / WEIGHTS)[name], atol=1e-6), name
    for name in ("train_loss", "validation_loss", "validation_ua", "validation_wf1"):
        assert np.allclose(two.curve[name], one.curve[name], atol=1e-6)
    assert two.facts == resumed.facts
    assert sorted(path.name for path in two.directory.iterdir()) == sorted(
        path.name for path in one.directory.iterdir()
    )

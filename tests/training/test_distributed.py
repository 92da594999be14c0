"""Two processes of one fold (DDP, gloo on the CPU) train one model and score every utterance once."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mmser.core.errors import MmserError, UsageError
from mmser.runs.run_paths import STATE, WEIGHTS, fold_folder
from mmser.settings.run import read_run
from mmser.training.fit import prepare, train
from mmser.training.inputs.corpora import build_corpora
from mmser.training.loop.strategies import make_strategy
from mmser.training.nodes import process_number
from mmser.training.run import Run

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


def as_on_two_machines(config):
    """Two processes with what torchrun would tell them, one device each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2",
            "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "a test"}  # fmt: skip
    program = "import json, sys; from mmser.training.fit import train; train(json.load(sys.stdin))"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE, text=True, env={**os.environ, **told, "RANK": number, "GROUP_RANK": number},
        )
        for number in ("0", "1")
    ]  # fmt: skip
    for process in started:
        json.dump(config, process.stdin)
        process.stdin.close()
    assert [process.wait() for process in started] == [0, 0]
    return Run(config["run"])


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one_with_their_batches_together(settings):
    """12 validation rows in batches of 4: one process has a batch more than the other, of a network
    with buffers. A killed training goes on to the bits of one on two machines."""
    words = {"folds": ["s0"], **EPOCHS, **FROZEN_NORMS}
    one = train(settings(run="one", **words, **{"trainer.accumulate": 2})).fold("s0", 0)
    interrupted = settings(run="two", **words, **BOTH)
    killed_in_the_middle(interrupted)
    two = train(interrupted).fold("s0", 0)
    nodes = as_on_two_machines(settings(run="nodes", **words, **{"trainer.num_nodes": 2}))
    apart = nodes.fold("s0", 0)
    assert list(two.curve["step"]) == list(one.curve["step"]) == [3, 6, 9]
    for name, array in load_file(two.directory / WEIGHTS).items():
        assert np.array_equal(array, load_file(apart.directory / WEIGHTS)[name]), name
        assert np.allclose(array, load_file(one.directory / WEIGHTS)[name], atol=1e-6), name
    for name in ("train_loss", "validation_loss", "validation_ua", "validation_wf1"):
        assert np.allclose(two.curve[name], one.curve[name], atol=1e-6)
    assert two.facts == apart.facts
    assert sorted(path.name for path in two.directory.iterdir()) == sorted(
        path.name for path in one.directory.iterdir()
    )


@pytest.mark.slow
def test_a_network_that_is_spread_over_two_processes_learns_as_one(settings):
    """FSDP: the weights of one process; a killed training goes on."""
    words = {"folds": ["s0"], **EPOCHS, **FROZEN_NORMS, "trainer.clip_norm": 1.0}
    spread = {"trainer.devices": 2, "trainer.strategy": "fsdp"}
    one = train(settings(run="one", **words, **{"trainer.accumulate": 2})).fold("s0", 0)
    interrupted = settings(run="two", **words, **spread)
    killed_in_the_middle(interrupted)
    two = train(interrupted).fold("s0", 0)
    assert two.facts == {**one.facts, "best_score": two.facts["best_score"]}
    for name, array in load_file(one.directory / WEIGHTS).items():
        assert np.allclose(array, load_file(two.directory / WEIGHTS)[name], atol=1e-6), name
    for name in ("train_loss", "validation_loss", "validation_ua", "validation_wf1"):
        assert np.allclose(two.curve[name], one.curve[name], atol=1e-6)


def test_processes_that_were_not_started_together(settings, monkeypatch) -> None:
    def trainer(**options):
        changes = {f"trainer.{name}": value for name, value in options.items()}
        return read_run(settings(**changes)).trainer

    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    assert process_number(trainer(devices=4)) == 0
    with pytest.raises(MmserError, match=r"on 2 machines together; found a single process"):
        process_number(trainer(num_nodes=2))
    with pytest.raises(MmserError, match=r"trainer\.devices as a number"):
        process_number(trainer(num_nodes=2, devices="auto"))
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert process_number(trainer(num_nodes=2, devices=2)) == 3
    with pytest.raises(MmserError, match=r"8 processes for .*; found 4 \(SLURM_NTASKS\)"):
        process_number(trainer(num_nodes=2, devices=4))


def test_what_a_spread_network_cannot_have(settings) -> None:
    options = read_run(settings(**{"trainer.strategy": "fsdp", "trainer.average": 0.9})).trainer
    with pytest.raises(UsageError, match=r"no trainer\.average beside trainer\.strategy=fsdp"):
        make_strategy(options, several=True)

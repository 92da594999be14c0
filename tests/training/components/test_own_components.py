"""Parts written outside the package: they train, they are remembered, and whoever changes them gets
another run.
"""

import importlib
import subprocess
import sys
from functools import partial

import pytest

from mmser.core.configs import load_config
from mmser.core.errors import MmserError, UsageError
from mmser.core.trust import trust
from mmser.models.fusion.gated import Gated
from mmser.runs.run_identity import run_directory
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training.components.own_components import keep_sources, source_of, with_components
from mmser.training.devices import Place
from mmser.training.fit import train
from mmser.training.jobs import run_in_processes
from mmser.training.run import Run

MINE = """
import torch
from torch import nn

from mmser.core.batch import Fused
from mmser.models.layers.time.pooling import masked_mean


class Mine(nn.Module):
    def __init__(self, input_sizes, size={size}):
        super().__init__()
        self.project = nn.ModuleDict({{name: nn.Linear(n, size) for name, n in input_sizes.items()}})
        self.output_size = size

    def forward(self, streams, context, need_attention=False):
        means = [self.project[name](masked_mean(s.filled(), s.mask)) for name, s in streams.items()]
        return Fused(vector=torch.stack(means).mean(dim=0))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """``mine(size)`` defines the class in a file of its own, as a researcher would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def define(name="my_fusion", size=8):
        (tmp_path / f"{name}.py").write_text(MINE.format(size=size), encoding="utf-8")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name).Mine

    return define


def test_a_class_of_ones_own_is_trained_and_its_text_kept(settings, mine):
    parts = {"model.fusion": partial(mine(), size=5)}
    made = with_components(settings(folds=["s0"]), parts)
    assert made["model"]["fusion"] == {"_target_": "my_fusion.Mine", "_partial_": True, "size": 5}
    run = train(made)
    keep_sources(run.directory, parts)
    assert run.fold("s0", 0).model().vector_size == 5
    assert (run.directory / "parts" / "model.fusion.py").read_text() == MINE.format(size=8)
    assert made["card"]["name"].endswith("+Mine")


def test_a_later_process_asks_for_the_word_again(settings, mine, monkeypatch):
    run = train(with_components(settings(folds=["s0"]), {"model.fusion": mine()}))
    monkeypatch.setattr("mmser.core.trust._trusted", set())
    with pytest.raises(
        MmserError,
        match=r"at config\.fusion\._target_, or one that you trust; found 'my_fusion\.Mine'",
    ):
        Run(run.directory).fold("s0", 0).model()
    trust("my_fusion")
    assert Run(run.directory).fold("s0", 0).model().vector_size == 8


def test_the_word_goes_on_to_the_processes_of_the_folds(monkeypatch, tmp_path):
    monkeypatch.setattr("mmser.core.trust._trusted", {"my_fusion.Mine"})
    commands = []

    def end(command, **_):
        commands.append(command)
        raise MmserError("nothing", "nothing", "")

    monkeypatch.setattr("mmser.training.jobs.subprocess.Popen", end)
    options = read_options(Trainer, {"devices": 2}, load_config("trainer", "default"))
    with pytest.raises(MmserError):
        run_in_processes(tmp_path, [("s0", 0)], 1, options, Place("cpu", "a processor"))
    assert commands[0][-5:] == [str(tmp_path), "s0", "0", "cpu", "my_fusion.Mine"]


def test_another_text_or_argument_is_another_run(settings, mine):
    unnamed = {**settings(), "run": None}
    first, second = mine("first"), mine("second", size=9)
    assert source_of(first) != source_of(second)
    second.__module__ = "first"  # as in a notebook, where the changed class has the old one's name
    runs = [
        run_directory(with_components(unnamed, {"model.fusion": part}))
        for part in (first, first, second, partial(first, size=3))
    ]
    assert runs[0] == runs[1]
    assert len(set(runs)) == 3


def test_a_part_of_mmser_can_be_handed_over_too(settings):
    made = with_components(settings(), {"model.fusion": partial(Gated, size=4)})
    assert made["model"]["fusion"] == {
        "_target_": "mmser.models.fusion.gated.Gated",
        "_partial_": True,
        "size": 4,
    }


def test_classes_of_a_notebook_are_trained_in_its_own_process(settings, mine):
    part = mine()
    part.__module__ = "__main__"
    jobs = {**settings()["trainer"], "jobs": "auto"}
    assert with_components(settings(trainer=jobs), {"model.fusion": part})["trainer"]["jobs"] == 1


@pytest.mark.parametrize(
    ("place", "part", "message"),
    [
        ("model.fusionn", Gated, "the place of a component"),
        ("model.encoders.nobody", Gated, "the place of a component"),
        ("model.fusion", lambda input_sizes: None, "a class defined at the top"),
        ("model.fusion", partial(Gated, 3), "arguments by place"),
        ("model.fusion", partial(Gated, size=object()), "keyword arguments that are numbers"),
    ],
)
def test_what_cannot_be_saved_is_refused(settings, place, part, message):
    with pytest.raises(UsageError, match=message):
        with_components(settings(), {place: part})


def test_a_class_without_a_text_is_refused(settings):
    space = {}
    exec(compile("class Nowhere:\n    def forward(self): ...\n", "<nowhere>", "exec"), space)  # noqa: S102
    with pytest.raises(UsageError, match="the text that defines Nowhere"):
        with_components(settings(), {"model.fusion": space["Nowhere"]})


def test_another_process_says_what_it_lacks(settings, mine):
    part = mine()
    run = train(with_components(settings(folds=["s0"]), {"model.fusion": part}))
    config = run.directory / "config.yaml"
    config.write_text(config.read_text().replace("my_fusion.Mine", "__main__.Mine"))
    with pytest.raises(MmserError, match="run the cell that defines it"):
        Run(run.directory).fold("s0", 0).model()
    program = (
        f"from mmser.training.run import Run\nRun({str(run.directory)!r}).fold('s0', 0).model()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "run the cell that defines it" in done.stderr

"""Every objective, optimizer, scheduler and trainer config, composed as a command
would compose it.
"""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch import Trainer
from makers.steps import losses_of

from mmser.composition import compose
from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.configs import config_names, load_config
from mmser.core.task import Task
from mmser.runs.training_stages import list_stages
from mmser.settings.run import read_run
from mmser.training.devices import find_place
from mmser.training.loop.trainer import make_trainer

WORDS = ["corpus=ravdess", "protocol=ravdess8_group4", "system=audio_bigru"]
TASK = Task(
    classes=("angry", "happy", "sad"),
    values=("valence", "arousal"),
    class_counts=(2, 1, 3),
    speakers=("a", "b"),
    genders=("F", "M"),
    corpora=("one", "two"),
)


class Linear(torch.nn.Module):
    vector_size = 4

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(6, 4))
        self.classes, self.values = torch.nn.Linear(4, 3), torch.nn.Linear(4, 2)

    def forward(self, streams, context, need_attention=False):
        frames = {"audio": Stream(self.weight[:, None], torch.ones(6, 1, dtype=torch.bool))}
        return Outputs(self.weight, self.classes(self.weight), self.values(self.weight), frames)


SUPERVISED = [
    name
    for name in config_names("objective")
    if load_config("objective", name)["_target_"].rsplit(".", 2)[1]
    in {"classification", "regression", "weighted_sum", "attribute"}
]


@pytest.mark.parametrize("name", SUPERVISED)
def test_an_objective_gives_finite_named_losses(name):
    torch.manual_seed(0)
    config = compose("train", [*WORDS, f"objective={name}"])["objective"]
    objective = instantiate(config, _convert_="all")(task=TASK, vector_size=4)
    rows = torch.tensor([0, 1, 0, 1, 0, 1])
    targets = {"emotion": torch.tensor([0, 1, 2, 0, 1, -100]), "values": torch.randn(6, 2)}
    targets |= {
        "gender": rows,
        "speaker": rows,
        "corpus": rows,
        "votes": torch.full((6, 3), torch.nan),
    }
    model = Linear()
    spoken = {"characters": Stream(rows[:, None] + 1, torch.ones(6, 1, dtype=torch.bool))}
    batch = Batch(tuple("abcdef"), {}, empty_context(6), targets, spoken)
    losses = losses_of(objective, model, batch)
    assert losses
    assert all(loss.isfinite() and loss.dim() == 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert model.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", config_names("optimizer"))
def test_an_optimizer_lowers_a_loss(name):
    config = compose("train", [*WORDS, f"optimizer={name}"])["optimizer"]
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = instantiate(config, _convert_="all")([{"params": [parameter]}])
    for _ in range(3):
        optimizer.zero_grad()
        parameter.square().sum().backward()
        optimizer.step()
    assert (parameter < 1).all()


@pytest.mark.parametrize("name", config_names("scheduler"))
def test_a_scheduler_builds_around_an_optimizer(name):
    config = compose("train", [*WORDS, f"scheduler={name}"])["scheduler"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    schedule = instantiate(config, _convert_="all")(optimizer, epochs=5, steps_per_epoch=3)
    assert (schedule is None) is (name == "none")
    assert schedule is None or schedule.interval in {"step", "epoch", "plateau"}


@pytest.mark.parametrize("name", [name for name in config_names("trainer") if name != "gpu"])
def test_a_trainer_builds(name, tmp_path: Path):
    options = read_run(compose("train", [*WORDS, f"trainer={name}"])).trainer
    assert isinstance(make_trainer(options, tmp_path, [], find_place("cpu")), Trainer)


def test_all_trainers_have_the_same_keys():
    keys = [
        set(compose("train", [*WORDS, f"trainer={name}"])["trainer"])
        for name in config_names("trainer")
    ]
    assert all(other == keys[0] for other in keys)


def test_the_system_has_the_last_word_over_the_defaults_and_the_command_over_the_system():
    batch_size = load_config("system", "audio_bigru")["data"]["batch_size"]
    epochs = load_config("system", "audio_bigru")["trainer"]["epochs"]
    composed = compose("train", [*WORDS, "trainer.patience=3"])
    assert composed["data"]["batch_size"] == batch_size
    assert composed["trainer"]["epochs"] == epochs
    assert composed["trainer"]["patience"] == 3


def test_a_stage_takes_its_objective_from_the_registry():
    words = [
        *WORDS,
        "+objective@stages.pretrain.objective=attribute",
        "+stages.finetune.trainer.epochs=2",
    ]
    first, last = list_stages(compose("train", words))
    assert first.config["objective"]["_target_"].endswith("AttributeClassification")
    assert last.config["objective"]["_target_"].endswith("CrossEntropy")
    assert last.config["trainer"]["epochs"] == 2

import pytest
import torch
from hydra.utils import instantiate
from torch.nn import functional as F

from mmser.composition import compose
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.class_groups import ClassGroups
from mmser.runs.training_stages import list_stages

GROUPS = {"low": ["sad"], "high": ["happy", "angry"]}


def test_cross_entropy_over_groups(given, batch, task):
    objective = ClassGroups(task, 2, GROUPS)
    vector, emotion = torch.randn(5, 2), torch.tensor([0, 1, 2, -100, 2])
    loss = objective(given(vector=vector), batch(emotion=emotion))["group"]
    expected = F.cross_entropy(objective.output(vector), torch.tensor([1, 1, 0, -100, 0]))
    torch.testing.assert_close(loss, expected)


def test_nothing_labelled_gives_zero(given, batch, task):
    loss = ClassGroups(task, 2, GROUPS)(
        given(vector=torch.randn(3, 2)), batch(emotion=torch.full((3,), -100))
    )["group"]
    assert loss.item() == 0.0 and loss.requires_grad


@pytest.mark.parametrize(
    "groups",
    [
        {"low": ["sad"], "high": ["happy"]},
        {"all": ["sad", "happy", "angry"]},
        GROUPS | {"other": ["sad"]},
        GROUPS | {"other": ["calm"]},
    ],
)
def test_groups_must_hold_each_class_once(task, groups):
    with pytest.raises(
        MmserError, match="each of angry, happy, sad in one of at least two groups; found "
    ):
        ClassGroups(task, 2, groups)


WORDS = [
    "system=cnn14_small",
    "corpus=emodb",
    "protocol=emodb7_speaker10",
    "experiment=transfer_upstream",
]


@pytest.mark.parametrize(
    ("words", "outputs"),
    [
        ([], 2),
        (
            [
                "objective@stages.upstream.objective=attribute",
                "stages.upstream.objective.attribute=gender",
            ],
            2,
        ),
    ],
)
def test_an_upstream_task_of_the_transfer_study_comes_first(words, outputs):
    upstream, downstream = list_stages(compose("train", [*WORDS, *words]))
    task = Task(
        tuple(upstream.config["protocol"]["classes"]),
        genders=("female", "male"),
        class_counts=(1,) * 7,
    )
    made = instantiate(upstream.config["objective"], _convert_="all")(task=task, vector_size=3)
    assert made.output.out_features == outputs
    assert downstream.config["objective"]["_target_"].endswith("CrossEntropy")
    assert downstream.load == ("encoders.*",)
    assert upstream.config["trainer"]["monitor"] == "last"

"""What a task asks: the predictions table's columns, and pairs of target and prediction to score."""

import numpy as np
import pandas as pd
import pytest
import torch

from mmser.core.batch import Outputs
from mmser.core.errors import MmserError
from mmser.core.target_sets.classes import ClassTargets, class_indices
from mmser.core.target_sets.values import ValueTargets
from mmser.core.task import KINDS, Task
from mmser.metrics.predictions import target_sets_of

BOTH = Task(classes=("ang", "sad"), values=("valence",))


def test_a_task_lists_what_it_asks_and_how_many_numbers_a_head_gives():
    assert [each.names for each in BOTH.target_sets] == [("ang", "sad"), ("valence",)]
    assert BOTH.output_size("logits") == 2 and BOTH.output_size("values") == 1
    values = Task(values=("valence", "arousal"))
    assert values.output_size("logits") == 0 and values.output_size("values") == 2


def test_a_task_that_asks_nothing_is_an_error():
    with pytest.raises(MmserError, match="a task with classes or values; found neither"):
        Task().output_size("logits")


def test_every_kind_of_a_task_is_listed_once():
    assert [type(each) for each in BOTH.target_sets] == list(KINDS)
    assert len({kind.kind for kind in KINDS}) == len({kind.output for kind in KINDS}) == len(KINDS)


def test_classes_are_written_as_names_with_probabilities():
    classes = ClassTargets(("ang", "sad"))
    outputs = Outputs(torch.zeros(2, 1), logits=torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
    answer = classes.answer(outputs)
    assert classes.columns == ("probability_ang", "probability_sad")
    assert classes.printed(answer).sum(-1).tolist() == pytest.approx([1.0, 1.0])
    assert classes.decisions(answer.numpy()) == {"prediction": ["sad", "ang"]}
    assert classes.target_columns(np.array([1, -100])) == {"target": ["sad", None]}
    answers = classes.paired(np.array([1, -100]), answer.numpy())[""]
    assert (answers.target.tolist(), answers.prediction.tolist()) == ([1], [1])


def test_values_are_written_as_they_are_and_paired_by_name():
    values = ValueTargets(("valence", "arousal"))
    answer = values.answer(Outputs(torch.zeros(2, 1), values=torch.tensor([[1.0, 2], [3, 4]])))
    target = np.array([[0.5, np.nan], [0.1, 0.2]])
    assert values.columns == ("prediction_valence", "prediction_arousal")
    assert values.decisions(answer.numpy()) == {}
    assert values.decisive(answer.numpy()).tolist() == [0, 0]
    assert list(values.target_columns(target)) == ["target_valence", "target_arousal"]
    assert values.paired(target, answer.numpy())["arousal"].prediction.tolist() == [4.0]


def test_a_predictions_table_tells_what_it_answers():
    table = pd.DataFrame({"target": ["b"], "prediction": ["a"], "target_v": [1.0]})
    table["prediction_v"] = 2.0
    found = target_sets_of(table)
    assert [(type(each), each.names) for each in found] == [
        (ClassTargets, ("a", "b")),
        (ValueTargets, ("v",)),
    ]


def test_a_label_of_no_class_is_named():
    with pytest.raises(MmserError, match="a target among ang, sad; found Angry"):
        class_indices(["ang", "Angry"], ("ang", "sad"), "a target")


def test_what_a_task_asks_goes_through_its_names():
    assert Task.asking(BOTH.names_by_kind) == BOTH
    assert set(BOTH.names_by_kind) == {kind.kind for kind in KINDS}
    assert BOTH.manifest_columns == ("valence",)

"""Staged training: each stage starts from the one before, frozen parts stay bit-identical, stages
resume.
"""

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_model
from torch import nn

from mmser.core.errors import MmserError
from mmser.evaluation.evaluate import evaluate
from mmser.runs.training_stages import list_stages
from mmser.training import fold_training as fold_module
from mmser.training.components.taking_over import take_over
from mmser.training.fit import train
from mmser.training.loop.learner import Learner

SPEAKER = {
    "_target_": "mmser.objectives.losses.attribute.AttributeClassification",
    "_partial_": True,
    "attribute": "speaker",
}
STAGES = {
    "speakers": {"objective": SPEAKER, "trainer": {"epochs": 1, "monitor": "last"}},
    "emotions": {"load": ["encoders.*"], "trainer": {"freeze": ["encoders.*"], "epochs": 2}},
}


def test_a_config_without_stages_is_one(settings):
    (stage,) = list_stages(settings())
    assert (stage.name, str(stage.folder)) == ("", ".")


def test_changes_are_merged_and_targets_replaced(settings):
    made = settings(stages=STAGES)
    first, last = list_stages(made)
    assert first.config["objective"] == SPEAKER
    assert first.config["trainer"] == {**made["trainer"], "epochs": 1, "monitor": "last"}
    assert last.config["objective"] == made["objective"]
    assert (str(first.folder), str(last.folder)) == ("stages/speakers", ".")
    assert last.load == ("encoders.*",)
    assert made["trainer"]["epochs"] == 3


def test_an_unknown_key_of_a_stage_is_refused(settings):
    with pytest.raises(MmserError, match=r"stages\.one; found lr"):
        list_stages(settings(stages={"one": {"lr": 1}}))


def test_the_encoders_of_the_first_stage_are_frozen_in_the_second(settings):
    run = train(settings(folds=["s0"], stages=STAGES))
    folder = run.fold("s0", 0).directory
    first, last = (
        load_file(path / "model.safetensors") for path in (folder / "stages" / "speakers", folder)
    )
    encoders = [name for name in first if name.startswith("encoders.")]
    assert encoders
    assert all(torch.equal(first[name], last[name]) for name in encoders)
    heads = [name for name in first if name.startswith("head.")]
    assert not any(torch.equal(first[name], last[name]) for name in heads)
    assert run.fold("s0", 0).facts["epochs"] == 2


def test_evaluation_tells_how_far_the_second_stage_moved_each_layer(settings):
    run = train(
        settings(folds=["s0"], stages={"one": {}, "two": {"trainer": {"freeze": ["head.*"]}}})
    )
    evaluate(run)
    table = pd.read_parquet(run.directory / "layers.parquet")
    assert set(table["stage"]) == {"two"} and set(table["fold"]) == {"s0"}
    frozen = table["layer"].str.startswith("head.")
    assert frozen.any() and table.loc[frozen, "distance"].abs().max() == pytest.approx(
        0.0, abs=1e-12
    )


def test_no_stage_hears_what_its_fold_tests(settings, monkeypatch):
    """Whatever a later stage reads was learnt without the fold's test split: by the utterances of
    every step taken.
    """
    heard, step = {}, Learner.training_step

    def watched(self, batch, batch_idx):
        heard.setdefault((fold[0], type(self.objective).__name__), set()).update(batch.ids)
        return step(self, batch, batch_idx)

    fold, original = [""], fold_module.fit_stage

    def named(stage, *rest):
        fold[0] = rest[-3].split()[1]  # "fold s0 seed 0 speakers", then the place and the bar
        return original(stage, *rest)

    monkeypatch.setattr(Learner, "training_step", watched)
    monkeypatch.setattr(fold_module, "fit_stage", named)
    run = train(settings(folds=["s0", "s1"], stages=STAGES))
    assert set(heard) == {
        (f, o) for f in ("s0", "s1") for o in ("AttributeClassification", "CrossEntropy")
    }
    parts = run.assignment.groupby(["fold", "part"])["id"].agg(set)
    for (name, _), ids in heard.items():
        assert ids == parts[name, "train"] and not ids & parts[name, "test"]
    assert parts["s0", "test"] != parts["s1", "test"]


def test_a_finished_stage_is_not_run_again(settings, monkeypatch):
    whole = train(settings(run="whole", folds=["s0"], stages=STAGES))
    original, names = fold_module.fit_stage, []

    def failing(stage, *rest):
        names.append(stage.name)
        if len(names) == 2:
            raise InterruptedError
        return original(stage, *rest)

    monkeypatch.setattr(fold_module, "fit_stage", failing)
    with pytest.raises(InterruptedError):
        train(settings(run="broken", folds=["s0"], stages=STAGES))
    run = train(settings(run="broken", folds=["s0"], stages=STAGES))
    assert names == ["speakers", "emotions", "emotions"]
    saved = [(r.fold("s0", 0).directory / "model.safetensors").read_bytes() for r in (whole, run)]
    assert saved[0] == saved[1]


@pytest.fixture
def saved(tmp_path):
    model = nn.ModuleDict({"encoder": nn.Linear(2, 2), "head": nn.Linear(2, 3)})
    save_model(model, str(tmp_path / "model.safetensors"))
    save_model(nn.Linear(1, 1), str(tmp_path / "objective.safetensors"))
    return model, tmp_path


def test_what_has_no_place_is_left_behind(saved):
    model, folder = saved
    other = nn.ModuleDict({"encoder": nn.Linear(2, 2), "decoder": nn.Linear(2, 2)})
    untouched = other["decoder"].weight.clone()
    objective = nn.Linear(1, 1)
    take_over(other, objective, folder, ["encoder.*"])
    assert torch.equal(other["encoder"].weight, model["encoder"].weight)
    assert torch.equal(other["decoder"].weight, untouched)


def test_the_objectives_weights_go_over_by_their_own_prefix(saved):
    _, folder = saved
    objective = nn.Linear(1, 1)
    take_over(nn.Identity(), objective, folder, ["objective.*"])
    assert torch.equal(objective.weight, load_file(folder / "objective.safetensors")["weight"])


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["encoder.*", "lost.*"], "weights matching lost"),
        (["head.weight"], r"shape \(4, 2\); found \(3, 2\)"),
    ],
)
def test_what_cannot_be_taken_over_is_named(saved, patterns, message):
    _, folder = saved
    other = nn.ModuleDict({"encoder": nn.Linear(2, 2), "head": nn.Linear(2, 4)})
    with pytest.raises(MmserError, match=message):
        take_over(other, nn.Identity(), folder, patterns)

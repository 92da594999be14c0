"""What goes into a model folder, what stays at home, and which fold is meant."""

import json
import re
import shutil

import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from makers.sound_run import make_sound_run
from torch import nn

from mmser.cache.lock import locked
from mmser.cli import main
from mmser.core.batch import Context, Stream
from mmser.core.errors import MmserError, UsageError
from mmser.core.task import Task
from mmser.evaluation.scoring.score import score
from mmser.inference.model_folder import ModelFolder
from mmser.inference.safe_components import check_components
from mmser.models.encoders.text.text_finetune import TextFinetune
from mmser.sharing.export import choose_members, export
from mmser.training.components.construction import make_model
from mmser.training.components.portable import portable
from mmser.training.run import Run, TrainedFold


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_sound_run(
        tmp_path_factory.mktemp("sound_run"),
        seeds=[0, 1],
        card={"name": "small", "title": "Small one"},
    )


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return export(run.directory, tmp_path_factory.mktemp("exported") / "model", fold="s1", seed=1)


def card_of(folder):
    text = (folder / "README.md").read_text()
    return text, yaml.safe_load(text.split("---\n")[1])


def test_which_fold_is_asked_for_or_told(run):
    every = [("s0", 0), ("s1", 0), ("s0", 1), ("s1", 1)]
    assert choose_members(run, "s1", 1) == [("s1", 1)]
    assert choose_members(run, "all") == every
    assert choose_members(run, "all", seed=0) == every[:2]
    listed = "found fold s0 seed 0, fold s1 seed 0, fold s0 seed 1, fold s1 seed 1"
    for fold, seed in ((None, None), ("s0", None), (None, 1)):
        with pytest.raises(
            UsageError, match=f"one fold and seed of the run; {listed}. Choose with --fold"
        ):
            choose_members(run, fold, seed)
    with pytest.raises(UsageError, match=f"fold s9 seed any in the run; {listed}"):
        choose_members(run, "s9")


def test_the_only_fold_need_not_be_named(run, tmp_path):
    alone = shutil.copytree(run.directory, tmp_path / "run")
    for name in ("s0-seed0", "s1-seed0", "s0-seed1"):
        shutil.rmtree(alone / "folds" / name)
    assert choose_members(Run(alone)) == [("s1", 1)]


def test_the_folder(folder, run):
    names = {
        "README.md",
        "config.json",
        "model.safetensors",
        "transforms.json",
        "transforms.safetensors",
    }
    assert {path.name for path in folder.rglob("*")} == names
    config = json.loads((folder / "config.json").read_text())
    assert config["classes"] == ["angry", "happy", "sad"] and config["schema_version"] == 1
    tone = config["streams"]["tone"]
    assert tone["store"]["extractor"] == "mfcc13" and tone["store"]["parameters"]["bands"] == 26
    assert tone["store"]["fingerprint"] == run.environment["caches"]["tone"]
    assert tone["feature_shape"] == [13] and tone["frame_rate"] == pytest.approx(100.0)
    prose = config["streams"]["prose"]
    assert prose["whole"] and prose["store"]["transcript"] == {"source": "corpus"}
    assert config["members"][0] | {"fold": "s1", "seed": 1} == config["members"][0]


def test_nothing_private_goes_along(folder, run):
    told = "".join(
        (folder / name).read_text() for name in ("config.json", "README.md", "transforms.json")
    )
    assert str(run.directory.parent) not in told and "nowhere" not in told
    config = json.loads((folder / "config.json").read_text())
    assert not re.search(r'"(/|~|[A-Z]:\\)', json.dumps(config)) and "small/s0" not in told


def test_annotators_are_numbers_to_others(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["members"][0]["listener_counts"] = [[5, 0, 0, 0], [1, 1, 0, 0]]
    (copy / "config.json").write_text(json.dumps(config))
    task = ModelFolder(copy).members()[0].task
    assert task.listeners == ("0", "1") and task.listener_groups(3) == (0, 1, 1)


def test_the_card_is_read_by_the_hub(folder, run):
    text, front = card_of(folder)
    data = ModelCard(text).data
    assert data.library_name == "mmser" and data.license == "unknown" and data.datasets == ["small"]
    assert front["tags"] == ["mmser", "emotion-recognition", "speech", "text", "small"]
    pooled = score(run.directory).query("scope == 'pooled'").set_index("metric")
    results = {result.metric_name: result.metric_value for result in data.eval_results}
    assert results["UA"] == pytest.approx(pooled.loc["ua", "value"], abs=1e-4)


def test_the_cards_scores_are_those_of_the_runs_predictions(folder, run):
    text, _ = card_of(folder)
    scores = score(run.directory)
    pooled = scores[(scores["scope"] == "pooled") & (scores["metric"] == "ua")].iloc[0]
    own = scores.query("scope == 'fold' and metric == 'ua' and fold == 's1' and seed == 1").iloc[0]
    (row,) = [line for line in text.splitlines() if line.startswith("| UA")]
    shown = [
        f"{100 * pooled['value']:.1f}",
        f"{100 * pooled['low']:.1f} to {100 * pooled['high']:.1f}",
    ]
    assert row.split(" | ")[1:3] == shown and row.endswith(f" {100 * own['value']:.1f} |")
    assert "24 predictions, 2 speakers, 2 folds, seeds 0, 1" in text
    assert "the model of this folder is one of those 4" in text
    assert "# Small one" in text and "Do not use this to judge persons" in text


def test_published_figures_never_stand_in_a_card(run, tmp_path):
    copy = shutil.copytree(run.directory, tmp_path / "run")
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["card"]["reported"] = [
        {"data": "IEMOCAP", "metric": "WA", "value": 98.76, "source": "somebody"}
    ]
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    text, _ = card_of(export(copy, tmp_path / "model", "s0", 0))
    assert "98.76" not in text and "somebody" not in text


def test_marks_and_figures_that_mean_nothing(run, tmp_path):
    copy = shutil.copytree(run.directory, tmp_path / "run")
    environment = json.loads((copy / "environment.json").read_text()) | {"random_weights": True}
    (copy / "environment.json").write_text(json.dumps(environment))
    text, front = card_of(export(copy, tmp_path / "model", "all", license="cc-by-4.0"))
    assert "**RANDOM WEIGHTS: an extractor was not trained**" in text
    assert "model-index" not in front and "metrics" not in front and front["license"] == "cc-by-4.0"
    assert "the models of this folder vote, and that vote was not itself scored" in text


def test_a_run_without_predictions_has_no_scores(run, tmp_path):
    copy = shutil.copytree(run.directory, tmp_path / "run")
    (copy / "predictions.parquet").unlink()
    environment = json.loads((copy / "environment.json").read_text()) | {"random_weights": True}
    (copy / "environment.json").write_text(json.dumps(environment))
    text, front = card_of(export(copy, tmp_path / "model", "s0", 0))
    assert "**RANDOM WEIGHTS: an extractor was not trained**" in text and "SYNTHETIC" not in text
    assert "None: the run's test split was never predicted." in text and "metrics" not in front


def test_a_folder_with_something_in_it_is_left_alone(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(MmserError, match="a new or empty folder to write to"):
        export(run, tmp_path, "s0", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_part_of_ones_own_cannot_be_passed_on(run, tmp_path, monkeypatch):
    trained = Run(run.directory)
    monkeypatch.setitem(trained.config["model"]["head"], "_target_", "torch.nn.Linear")
    model = run.fold("s0", 0).model()
    monkeypatch.setattr(TrainedFold, "model", lambda self, device: model)
    with pytest.raises(MmserError, match=r"a part of mmser\.models at model\.head\._target_"):
        export(trained, tmp_path / "model", "s0", 0)
    assert not (tmp_path / "model").exists()


def test_pretrained_parts_are_built_without_their_weights():
    sizes = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
    }
    sizes |= {"vocab_size": 30, "max_position_embeddings": 16}
    encoder = {
        "_target_": f"{TextFinetune.__module__}.TextFinetune",
        "_partial_": True,
        "weights": "random",
    }
    parts = {
        "encoders": {
            "text": {**encoder, "configuration": sizes, "weights_folder": "somewhere/else"}
        },
        "fusion": {"_target_": "mmser.models.fusion.concat.Concat", "_partial_": True},
        "head": {
            "_target_": "mmser.models.heads.classifier.Classifier",
            "_partial_": True,
            "hidden_sizes": [],
        },
    }
    task = Task(classes=("a", "b"))
    model = make_model(parts, {"text": 1}, task)
    pretrained = {
        **parts,
        "encoders": {"text": {**encoder, "weights": "lab/bert", "revision": "0" * 40}},
    }
    found = portable(pretrained, model)
    check_components(found)
    assert (
        "revision" not in found["encoders"]["text"]
        and found["encoders"]["text"]["weights"] == "random"
    )
    again = make_model(found, {"text": 1}, task)
    again.load_state_dict(model.state_dict())
    assert isinstance(again.encoders["text"], nn.Module)
    ids = torch.randint(2, 30, (2, 5))
    streams = {"text": Stream(ids, ids > 0)}
    nowhere = torch.zeros(len(streams["text"].values), dtype=torch.long)
    context = Context(nowhere, nowhere, nowhere)
    expected, answer = (made.eval()(streams, context).logits for made in (model, again))
    torch.testing.assert_close(answer, expected)


def test_the_command(run, tmp_path, capsys):
    words = ["export", f"run={run.directory}", "--out", str(tmp_path / "model")]
    assert main(words) == 2
    assert "found fold s0 seed 0" in capsys.readouterr().err
    assert main([*words, "--fold", "s0", "--seed", "0"]) == 0
    assert "5 files" in capsys.readouterr().out
    assert main(["export", f"run={run.directory}"]) == 2
    assert "--out FOLDER, --space FOLDER or --onnx FILE" in capsys.readouterr().err


def test_an_export_that_was_killed_does_not_block_the_next(run, folder, tmp_path):
    """It left the lock, a member of a larger export, and half a file; a user's own file stays."""
    out = tmp_path / "model"
    (out / "members" / "3").mkdir(parents=True)
    for name in (
        "export.lock",
        "members/3/model.safetensors",
        "model.safetensors.tmp",
        "NOTES.txt",
    ):
        (out / name).write_text("left")
    export(run.directory, out, fold="s1", seed=1)
    names = {str(path.relative_to(out)) for path in out.rglob("*")}
    assert names == {str(path.relative_to(folder)) for path in folder.rglob("*")} | {"NOTES.txt"}


def test_an_export_that_fails_leaves_the_folder_free(run, tmp_path, monkeypatch):
    monkeypatch.setattr("mmser.sharing.export.make_card", lambda *words: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(run.directory, tmp_path / "model", fold="all")
    assert not list((tmp_path / "model").iterdir())


def test_two_exports_do_not_share_a_folder(run, tmp_path):
    with (
        locked(tmp_path / "model" / "export.lock"),
        pytest.raises(MmserError, match="export to be free; found process"),
    ):
        export(run.directory, tmp_path / "model", fold="s1", seed=1)

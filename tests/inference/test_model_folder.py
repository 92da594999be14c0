"""A model folder predicts what its run predicts, far from the run's caches; a wrong one is told and
harms nobody.
"""

import json
import shutil

import pandas as pd
import pytest
import torch
from makers.sound_run import stand_ins, write_recording
from makers.trained_run import CLASSES
from safetensors.torch import load_file, save_file

import mmser
from mmser.core import moved_names
from mmser.core.errors import MmserError, UsageError
from mmser.inference.model_folder import ModelFolder
from mmser.inference.opening import open_trained
from mmser.inference.timeline import predict_recording
from mmser.sharing.export import export


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    stand_ins(monkeypatch)


@pytest.fixture(scope="module")
def run(sound_run):
    return sound_run


@pytest.fixture(scope="module")
def both(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("exported") / "both", fold="all")


@pytest.fixture(scope="module")
def one(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("exported") / "one", fold="s1")


@pytest.fixture
def folder(one, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(one, tmp_path / "copy")


def spoil(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_without_the_caches_it_says_what_the_run_says(run, both, tmp_path, monkeypatch):
    recording = write_recording(tmp_path / "clip.wav")
    expected = predict_recording(run, recording, asr="test")
    assert expected["prediction"].tolist() == ["happy", "sad"]
    cache = run.directory.parent / "cache"
    moved = shutil.move(cache, tmp_path / "gone")
    try:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(MmserError, match="cache"):
            predict_recording(run.directory, recording, asr="test")
        found = mmser.load(both).predict(recording, asr="test")
    finally:
        shutil.move(moved, cache)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_one_fold(run, one):
    recogniser = mmser.load(one)
    assert recogniser.classes == tuple(CLASSES) and recogniser.values == ()
    assert not recogniser.model.training
    expected = run.fold("s1", 0).model().state_dict()
    assert expected.keys() == recogniser.model.state_dict().keys()
    assert all(
        torch.equal(value, expected[key]) for key, value in recogniser.model.state_dict().items()
    )
    assert [(member.fold, member.seed) for member in recogniser.members] == [("s1", 0)]


def test_a_run_is_loaded_too(run):
    recogniser = mmser.load(run.directory)
    assert len(recogniser.members) == 2
    with pytest.raises(MmserError, match="one model; found 2 that vote"):
        _ = recogniser.model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema_version=2), "schema_version 1 in .*; found 2, made by mmser"),
        (lambda c: c.update(format="bert"), 'expected "format": "mmser model folder"'),
        (lambda c: c.pop("streams"), "undamaged .*KeyError"),
        (lambda c: c.update(members=[]), "at least one member"),
        (
            lambda c: c["model"]["head"].update(colour=3),
            r"an option of config\.head; found config\.head\.colour",
        ),
        (lambda c: c["model"]["head"].update(hidden_sizes=[7]), r"undamaged .*model\.safetensors"),
        (lambda c: c["members"][0].update(input_sizes={}), "a feature size for each stream"),
        (lambda c: c["streams"]["tone"]["spec"].update(normalise="magic"), "normalise to be none"),
        (
            lambda c: c["streams"]["tone"]["store"].update(extractor="a=b,c"),
            "the name of an extractor",
        ),
        (
            lambda c: c["streams"]["tone"]["store"].update(transcript={"source": "whisper-/x"}),
            "a transcript source",
        ),
        (
            lambda c: c["streams"]["tone"]["store"]["parameters"].update(
                window={"_target_": "os.system"}
            ),
            r"values alone at streams\.tone\.store\.parameters\.window",
        ),
    ],
)
def test_a_wrong_config_is_told(folder, change, message):
    spoil(folder, change)
    with pytest.raises(MmserError, match=message):
        mmser.load(folder)


def test_a_folder_that_wants_to_run_something_is_refused_before_anything_runs(folder, tmp_path):
    touched = tmp_path / "touched"
    head = {"_target_": "os.system", "_args_": [f"touch {touched}"]}
    spoil(folder, lambda c: c["model"].update(head=head))
    with pytest.raises(
        MmserError, match=r"a part of mmser\.models at model\.head\._target_ .* found 'os\.system'"
    ):
        mmser.load(folder)
    assert not touched.exists()


def test_a_folder_exported_before_a_part_moved_opens(folder, monkeypatch):
    head = json.loads((folder / "config.json").read_text())["model"]["head"]["_target_"]
    monkeypatch.setattr(moved_names, "MOVED", {"mmser.models.old.Head": head})
    spoil(folder, lambda c: c["model"]["head"].update(_target_="mmser.models.old.Head"))
    assert mmser.load(folder).model is not None


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "transforms.json", "transforms.safetensors"]
)
def test_a_missing_or_damaged_file_is_told(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(MmserError, match=f"undamaged .*{name.split('.')[0]}"):
        mmser.load(folder)
    (folder / name).unlink()
    with pytest.raises(MmserError, match=r"no (file|config\.json)"):
        ModelFolder(folder).members()


def test_a_pickle_in_the_place_of_weights_is_not_read(folder):
    torch.save({"a": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(MmserError, match=r"undamaged .*model\.safetensors"):
        mmser.load(folder)


def test_weights_that_are_no_numbers_are_refused(folder):
    """They would be `anger nan%` for every recording."""
    for name in ("model.safetensors", "transforms.safetensors"):
        tensors = load_file(folder / name)
        first = next(key for key, tensor in tensors.items() if tensor.is_floating_point())
        save_file(tensors | {first: torch.full_like(tensors[first], float("nan"))}, folder / name)
        with pytest.raises(
            MmserError, match=rf"weights that are numbers in .*{name}; found NaN .* in {first}"
        ):
            mmser.load(folder)
        save_file(tensors, folder / name)


def test_an_extractor_of_other_parameters_is_told(folder, tmp_path):
    spoil(folder, lambda c: c["streams"]["tone"]["store"]["parameters"].update(unheard_of=3))
    with pytest.raises(MmserError, match=r"the extractor that made mfcc13-.*unheard_of"):
        mmser.load(folder).predict(write_recording(tmp_path / "clip.wav"))


def test_what_can_be_named(folder, tmp_path):
    assert isinstance(open_trained(folder), ModelFolder)
    opened = open_trained(str(folder), weights="elsewhere")
    assert opened.weights == "elsewhere" and open_trained(opened) is opened
    with pytest.raises(MmserError, match="write hf:owner/name"):
        open_trained("owner/name")
    with pytest.raises(MmserError, match=r"no config\.yaml"):
        open_trained(tmp_path)
    with pytest.raises(UsageError, match="a revision of hf:owner/name"):
        open_trained(folder, revision="main")
    for name in ("hf:nobody", "hf:a/../b", "hf:a/b/c", "hf:a/b--c", "hf:"):
        with pytest.raises(UsageError, match="owner/name"):
            open_trained(name)


def test_one_of_several_members_is_chosen(run, both):
    recogniser = mmser.load(both, fold="s1")
    assert [(member.fold, member.seed) for member in recogniser.members] == [("s1", 0)]
    expected = run.fold("s1", 0).model().state_dict()
    assert all(
        torch.equal(value, expected[key]) for key, value in recogniser.model.state_dict().items()
    )
    with pytest.raises(UsageError, match="fold s0 seed 0, fold s1 seed 0"):
        mmser.load(both, fold="s1", seed=3)

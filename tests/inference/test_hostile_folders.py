"""Runs and model folders made to do harm, or that no training can have made: each is one error, at
once.
"""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from makers.sound_run import stand_ins, write_recording

import mmser
from mmser.core.errors import MmserError
from mmser.sharing.export import export
from mmser.training.run import Run

DEEP = "[" * 200_000


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    stand_ins(monkeypatch)


@pytest.fixture(scope="module")
def run(sound_run):
    return sound_run


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("exported") / "one", fold="s1")


def put(tree, place, value):
    """Set a dotted place of a config."""
    *parents, last = place.split(".")
    for key in parents:
        tree = tree[int(key)] if key.isdigit() else tree[key]
    tree[last] = value


PARAMETERS = "streams.tone.store.parameters."


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (PARAMETERS + "bands", 10**9, "up to 1,048,576"),
        (PARAMETERS + "bands", 10**5, "from 0.26 to 2600"),
        (PARAMETERS + "bands", 0, "bands to be a whole number from 1"),
        (PARAMETERS + "hop_ms", 0, "hop_ms to be a number above 0"),
        (PARAMETERS + "hop_ms", float("nan"), "hop_ms"),
        (PARAMETERS + "hop_ms", 1e-9, "hop_ms from 0.1"),
        (PARAMETERS + "window_ms", float("inf"), "window_ms"),
        (PARAMETERS + "sample_rate", 10**9, "sample_rate"),
        (PARAMETERS + "decoded_frame_rate", 10**6, "the decoded frame rate"),
        ("streams.tone.frame_rate", 0, "frame_rate to be a number above 0"),
        ("streams.tone.frame_rate", 10**7, "frame_rate to be a number above 0"),
        ("streams.tone.feature_shape", [10**9], "a step of 1 to 1,048,576 features"),
        ("streams.tone.feature_shape", [0], "a step of 1 to 1,048,576 features"),
        ("streams.tone.feature_shape", [12], r"steps of shape \[12\].*found \[13\]"),
        ("streams.tone.store", {}, "undamaged .*KeyError"),
        ("data.alignment", "diagonal", "data.alignment to be"),
        (
            "data",
            {"alignment": "grid", "grid_rate": 10**9, "word_stream": None},
            "data.grid_rate to be a number",
        ),
        (
            "data",
            {"alignment": "word", "grid_rate": 1, "word_stream": "nobody"},
            "data.word_stream to be",
        ),
        ("model.encoders.tone.layers", 10**6, "can fill; found a network of more than"),
        ("model.encoders.tone.layers", 10**9, "a number up to 1,048,576"),
        ("model.encoders.tone.hidden_size", 10**6, "can fill; found a tensor of"),
        ("model.encoders.tone.hidden_size", 0, "hidden_size to be a whole number from 1"),
        ("model.head.hidden_sizes", [10**4] * 10**4, "at most 5,000 values"),
        ("model.head.hidden_sizes", [10**4] * 10, "can fill"),
        ("model.head", [], "undamaged|model.head"),
        ("data", 7, "undamaged"),
        ("members.0.input_sizes.tone", 10**9, "can fill"),
        ("members.0.input_sizes.tone", -1, "input_size must be greater than zero"),
        ("members.0.class_counts", ["many"], "undamaged .*ValueError"),
        ("classes", [str(number) for number in range(10**5)], "size mismatch"),
        ("members", [], "at least one member"),
    ],
)
def test_a_model_folder_of_absurd_sizes(exported, tmp_path, place, value, message):
    folder = shutil.copytree(exported, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    put(config, place, value)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(MmserError, match=message):
        mmser.load(folder).predict(write_recording(tmp_path / "clip.wav"), asr="test")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", DEEP.encode(), "undamaged .*config.json"),
        ("transforms.json", DEEP.encode(), "undamaged .*transforms.json"),
        (
            "model.safetensors",
            (10**12).to_bytes(8, "little") + b"{}",
            "undamaged .*model.safetensors",
        ),
        (
            "model.safetensors",
            (2**24 + 1).to_bytes(8, "little") + b" " * 100,
            "a header of 16777217 bytes",
        ),
        ("model.safetensors", (2).to_bytes(8, "little") + b"{}", "undamaged .*model.safetensors"),
        ("model.safetensors", b"", "undamaged .*model.safetensors"),
    ],
)
def test_a_model_folder_of_absurd_files(exported, tmp_path, name, content, message):
    folder = shutil.copytree(exported, tmp_path / "copy")
    (folder / name).write_bytes(content)
    with pytest.raises(MmserError, match=message):
        mmser.load(folder)


PICKLE = {"_target_": "torch.load", "f": "evil.pt", "weights_only": False}
TOUCH = {"_target_": "os.system", "_args_": ["touch evil"]}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("model.head", PICKLE, "config.head._target_, or one that you trust; found 'torch.load'"),
        (
            "model.encoders.tone",
            {"_target_": "torch.nn.Sequential", "_args_": [PICKLE]},
            "torch.load",
        ),
        ("model.encoders.deep", {"a": [TOUCH]}, "os.system"),
        (
            "model.head._target_",
            "mmser.models.layers.checkpoints.tensors.torch.load",
            "that you trust",
        ),
        (
            "model.head._target_",
            "mmser.models.layers.checkpoints.tensors.read_tensors",
            "that you trust",
        ),
        ("model.head._target_", "hydra.utils.get_method", "that you trust"),
        ("model.head", "${oc.create:{_target_:os.system}}", "plain values in"),
        ("model.head.dropout", "${oc.env:HOME}", "plain values in"),
        ("model.encoders.tone.layers", 10**6, "can fill; found a network of more than"),
        ("model.encoders.tone.hidden_size", 10**6, "can fill; found a tensor of"),
        ("model.encoders.tone.hidden_size", -5, "hidden_size to be a whole number"),
        ("model.head.hidden_sizes", "many", "hidden_sizes to be"),
        ("model.head", None, "model.head"),
        ("stages", {"../../x": {"no_such_key": 1}}, "the keys objective"),
    ],
)
def test_a_run_that_wants_more_than_a_network(run, tmp_path, monkeypatch, place, value, message):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    shutil.copytree(run.directory, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    put(config, place, value)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(MmserError, match=message):
        Run(folder).fold("s1", 0).model()
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


@pytest.mark.parametrize("part", ["objective", "corpus", "protocol"])
def test_every_part_of_a_run_is_looked_up_first(run, tmp_path, monkeypatch, part):
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(run.directory, tmp_path / "run")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config[part] = TOUCH
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    spoilt = Run(folder)
    with pytest.raises(MmserError, match=r"that you trust; found 'os\.system'"):
        trained = spoilt.fold("s1", 0)
        trained.objective(8) if part == "objective" else trained.data()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", "a: " + "[" * 150 + "]" * 150),
        (
            "config.yaml",
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 30)),
        ),
        ("config.yaml", "model: !!python/object/apply:os.system [touch evil]"),
        ("folds/s1-seed0/fold.json", DEEP),
        ("folds/s1-seed0/transforms.json", DEEP),
    ],
)
def test_a_run_of_absurd_files(run, tmp_path, name, content):
    folder = shutil.copytree(run.directory, tmp_path / "run")
    (folder / name).write_text(content)
    with pytest.raises(MmserError, match=f"undamaged .*{name.rpartition('/')[2]}"):
        opened = Run(folder)
        opened.fold("s1", 0).model()
        opened.fold("s1", 0).transforms()

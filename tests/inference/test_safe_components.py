"""A model folder may name mmser's own parts and plain values, and nothing else."""

import pytest
from makers.systems import system_settings

from mmser.core.configs import config_names
from mmser.core.errors import MmserError
from mmser.inference.safe_components import check_components, check_values
from mmser.training.components.portable import _without_weights

IDENTITY = "mmser.models.encoders.sequence.identity.Identity"


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "subprocess.run",
        "builtins.eval",
        "mmser.cli.main",
        "mmser.models.multimodal.build_model",
        "mmser.models.multimodal.Any",
        "mmser.models.multimodal.inspect.os.system",
        "mmser.models.encoders.sequence.identity.Stream",
        "mmser.models.layers.checkpoints.pretrained.Path",
        "mmser.models.nowhere.Nothing",
        "mmser.models.encoders.sequence.identity.Nothing",
        "mmser.training.run.Run",
        IDENTITY + ".__init__",
        IDENTITY + "\n",
        7,
    ],
)
def test_only_modules_that_mmser_models_define_may_be_named(target):
    with pytest.raises(MmserError, match=r"at model\.encoders\.a\._target_ of config\.json"):
        check_components({"encoders": {"a": {"_target_": target, "_partial_": True}}})


@pytest.mark.parametrize(
    "part",
    [
        {"_target_": IDENTITY, "_args_": ["x"]},
        {"_target_": IDENTITY, "_recursive_": False},
        {"size": "${oc.env:HOME}"},
        {"file": "../secret"},
        {"file": "/etc/passwd"},
        {"file": "~user"},
        {"file": "C:\\secret"},
        {"weights": "elsewhere.pth"},
        {"configuration": {"_attn_implementation": "eager"}},
        {"configuration": {"attn_implementation": "eager"}},
        {"configuration": {"auto_map": {}}},
        {"sizes": [1, {"_target_": "os.system"}]},
        {3: 4},
    ],
)
def test_nothing_that_runs_reads_or_leaves_the_folder(part):
    with pytest.raises(MmserError, match="nothing of it was loaded"):
        check_components({"encoders": {"a": part}})


def test_values_hold_no_parts():
    check_values({"a": [1, None, {"b": "hamming"}]}, "x")
    with pytest.raises(MmserError, match=r"values alone at x\.a\[1\]"):
        check_values({"a": [1, {"_target_": IDENTITY}]}, "x")


@pytest.mark.parametrize("name", config_names("system"))
def test_every_system_passes(name):
    settings = system_settings(name)
    check_components(_without_weights(settings["model"]))

"""A config names parts of mmser, layers and optimizers of torch, and what its reader trusts;
nothing else is called.
"""

import sys
import types

import pytest

from mmser.composition import built
from mmser.core import trust as trusting
from mmser.core.configs import config_names, load_config
from mmser.core.errors import MmserError
from mmser.core.trust import check_config, find_part, trust, trust_typed, trusted

GROUPS = (
    "corpus",
    "protocol",
    "encoder",
    "fusion",
    "head",
    "objective",
    "optimizer",
    "scheduler",
    "augmentation",
)


@pytest.fixture(autouse=True)
def nothing_trusted(monkeypatch):
    monkeypatch.setattr(trusting, "_trusted", set())


@pytest.fixture
def mine(monkeypatch):
    """A module of the user's, which imports ``os`` as anybody's does."""
    module = types.ModuleType("my_parts")
    exec(  # noqa: S102
        "import os\nclass Mine:\n    def __init__(self, size=1): self.size = size\ndef make(): "
        "return 7",
        vars(module),
    )
    monkeypatch.setitem(sys.modules, "my_parts", module)
    return module


@pytest.mark.parametrize(
    "target",
    [
        "torch.load",
        "torch.nn.modules.linear.torch.load",
        "torch.nn.init.warnings.warn",
        "torch.nn.functional.relu",
        "torch.optim.lr_scheduler.types.FunctionType",
        "torch.hub.load",
        "os.system",
        "builtins.eval",
        "hydra.utils.get_method",
        "hydra.utils.get_object",
        "functools.partial",
        "mmser.cli.main",
        "mmser.training.fit.train",
        "mmser.runs.run_identity.claim",
        "mmser.training.loop.schedulers.math.exp",
        "mmser.training.loop.schedulers._lambda",
        "mmser.corpora.synthetic.iemocap_layout.write_iemocap",
        "mmser.media.write.write_wav",
        "mmser.core.file_digest.json.loads",
        "mmser.models.layers.checkpoints.tensors.torch.load",
        "mmser.models.layers.checkpoints.tensors.read_tensors",
        "mmser.protocols.protocol.Path",
        "mmser.trust",
        "my_parts.Mine",
        "my_parts.os.system",
        "__main__.Mine",
        "mmser",
        "..os.system",
        "mmser.models..Gated",
        "mmser.models.fusion.gated.Gated\n",
        "",
        None,
        7,
        ["os.system"],
        {"_target_": "os.system"},
    ],
)
def test_what_others_may_not_name(target, mine):
    for config in (
        {"_target_": target},
        {"head": [{"deep": {"_target_": target, "_partial_": True}}]},
    ):
        with pytest.raises(MmserError, match=r"that you trust|found and built"):
            built(config)


@pytest.mark.parametrize("group", GROUPS)
def test_every_config_of_mmser_may_be_named(group):
    for name in config_names(group):
        config = {
            key: value for key, value in load_config(group, name).items() if "${" not in str(value)
        }
        check_config(config)


def test_layers_and_optimizers_of_torch():
    import torch

    assert (
        built({"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 3}).out_features
        == 3
    )
    assert (
        find_part("torch.optim.lr_scheduler.StepLR", "scheduler") is torch.optim.lr_scheduler.StepLR
    )
    assert find_part("torch.nn.modules.linear.Linear", "head") is torch.nn.Linear


def test_a_class_or_a_module_is_trusted_by_name_and_not_what_it_imports(mine):
    trust("my_parts.Mine")
    assert built({"_target_": "my_parts.Mine", "size": 3}).size == 3
    with pytest.raises(MmserError, match="that you trust"):
        built({"_target_": "my_parts.make"})
    trust(mine)
    assert built({"_target_": "my_parts.make"}) == 7
    for target in ("my_parts.os.system", "my_parts.os.getcwd"):
        with pytest.raises(MmserError, match="that you trust"):
            built({"_target_": target})
    assert trusted() == ["my_parts", "my_parts.Mine"]


def test_a_class_itself_is_trusted(mine):
    mine.Mine.__module__ = "my_parts"
    trust(mine.Mine)
    assert trusted() == ["my_parts.Mine"]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("model.fusion._target_=my.module.Class", ["my.module.Class"]),
        ("++model.head={_target_: my.Head, size: 3}", ["my.Head"]),
        (
            "data.augmentation=[{'_target_':'my.Noise'},{_target_:my.Other}]",
            ["my.Noise", "my.Other"],
        ),
        ("model.fusion._target_=my.A,my.B", ["my.A", "my.B"]),
        ("model.fusion.size=my.Class", []),
    ],
)
def test_what_the_user_types_is_the_users_word(word, names):
    trust_typed([word])
    assert trusted() == names


@pytest.mark.parametrize(
    "text", ["${oc.env:HOME}", "${oc.create:'{_target_: os.system}'}", "${oc.decode:'1'}"]
)
def test_nothing_is_looked_up_while_a_part_is_built(text):
    with pytest.raises(MmserError, match="a plain value at config"):
        built({"_target_": "torch.nn.Linear", "in_features": text, "out_features": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attn_implementation", "somebody/kernel"),
        ("auto_map", {"AutoModel": "x.Y"}),
        ("trust", True),
    ],
)
def test_no_option_of_transformers_fetches_code(key, value):
    with pytest.raises(
        MmserError, match=rf"no code from elsewhere at config\.configuration\.{key}"
    ):
        check_config({"configuration": {key: value}})
    check_config({"configuration": {"attn_implementation": "sdpa", "trust_remote_code": False}})

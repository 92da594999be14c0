"""VGGish: published size, examples of 0.96 s, transfer strategies that touch what they announce."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from torch import nn

from mmser.composition import compose
from mmser.core.batch import Stream, empty_context
from mmser.core.clip import Clip
from mmser.core.configs import load_config
from mmser.core.task import Task
from mmser.models.encoders.audio.vggish import VGGish
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.multimodal import build_model
from mmser.runs.training_stages import list_stages
from mmser.training.loop.parameters import freeze, frozen_modules, parameter_groups

WORDS = ["system=vggish_small", "corpus=emodb", "protocol=emodb7_speaker10"]


def small():
    torch.manual_seed(0)
    return instantiate(load_config("encoder", "vggish_small"), _convert_="all")(input_size=64)


def model(settings):
    parts = instantiate(settings["model"], _convert_="all")
    return build_model(
        parts["encoders"], parts["fusion"], parts["head"], {"audio": 64}, made_task()
    )


def test_parameters():
    with torch.device("meta"):
        network = VGGish(64)
    assert sum(p.numel() for p in network.parameters()) == 72_141_184
    assert sum(p.numel() for p in network.blocks.parameters()) == 4_499_712


@pytest.mark.parametrize(("frames", "examples"), [(48, 1), (148, 1), (198, 2)])
def test_clips_of_half_one_and_a_half_and_two_seconds(frames, examples):
    encoder = small().eval()
    out = encoder(Stream(torch.randn(1, frames, 64), torch.ones(1, frames, dtype=torch.bool)))
    assert out.values.shape == (1, examples, 32)
    assert out.mask.all()


def test_a_short_clip_is_filled_with_silence_and_a_tail_is_dropped():
    encoder = small().eval()
    values = torch.randn(1, 150, 64)
    mask = torch.ones(1, 150, dtype=torch.bool)
    torch.testing.assert_close(
        encoder(Stream(values, mask)).values, encoder.embed(values[:, None, :96])[None]
    )
    filled = nn.functional.pad(values[:, None, :40], (0, 0, 0, 56), value=encoder.silence)
    short = encoder(Stream(values[:, :40], mask[:, :40])).values
    torch.testing.assert_close(short, encoder.embed(filled)[None])


def test_silence_is_what_the_extractor_says_it_is():
    config = load_config("extractor", "log_mel_vggish")
    silent = instantiate(config).extract([Clip("x", np.zeros(16_000, dtype=np.float32))])[0].values
    np.testing.assert_allclose(silent, small().silence, atol=1e-3)


def test_clips_are_told_apart_from_the_start():
    """Nine layers without a norm: with torch's own start the embeddings hardly differ (0.0002
    instead of 0.5).
    """
    torch.manual_seed(0)
    encoder = VGGish(64, hidden_sizes=(512, 512)).eval()
    with torch.no_grad():
        embedded = encoder.embed(torch.randn(4, 1, 96, 64) - 2.0)
    assert 0.1 < float(embedded.std(dim=0).mean()) < 10


def test_features_are_flattened_time_band_channel():
    encoder = small()
    seen = {}
    encoder.dense[0].register_forward_pre_hook(lambda _, given: seen.update(flat=given[0]))
    encoder.blocks[3].register_forward_hook(lambda *given: seen.update(map=given[2]))
    encoder.embed(torch.randn(1, 1, 96, 64))
    pooled = nn.functional.max_pool2d(seen["map"], 2)
    assert pooled.shape == (1, 32, 6, 4)
    torch.testing.assert_close(seen["flat"][0, (2 * 4 + 3) * 32 + 5], pooled[0, 5, 2, 3])


def test_embeddings_do_not_depend_on_the_batch():
    encoder = small().eval()
    values = torch.randn(2, 200, 64)
    mask = torch.arange(200) < torch.tensor([[200], [100]])
    together = encoder(Stream(values, mask))
    alone = encoder(Stream(values[1:, :100], mask[1:, :100]))
    torch.testing.assert_close(
        together.values[1:, :1],
        alone.values,
        atol=1e-6 * float(alone.values.abs().max()),
        rtol=1e-5,
    )
    assert together.mask.tolist() == [[True, True], [True, False]]


def learning(settings):
    made = model(settings)
    freeze(made.named_parameters(), settings["trainer"]["freeze"])
    return {name for name, p in made.named_parameters() if p.requires_grad}, made


def test_head_alone_leaves_the_encoder_bit_identical():
    names, made = learning(compose("train", [*WORDS, "experiment=transfer_head"]))
    assert names == {"head.logits.weight", "head.logits.bias"}
    before = {name: tensor.clone() for name, tensor in made.encoders.state_dict().items()}
    for module in frozen_modules(made, ["encoders.*"]):
        module.eval()
    optimizer = torch.optim.Adam([p for p in made.parameters() if p.requires_grad], lr=0.1)
    streams = {"audio": Stream(torch.randn(2, 96, 64), torch.ones(2, 96, dtype=torch.bool))}
    made(streams, empty_context(2)).logits.square().sum().backward()
    optimizer.step()
    assert all(
        torch.equal(tensor, before[name]) for name, tensor in made.encoders.state_dict().items()
    )


def test_a_new_head_on_cached_embeddings_is_the_frozen_network():
    """``extract``: embeddings computed once, one clip at a time, and read back as a stream of their
    own.
    """
    _, made = learning(compose("train", [*WORDS, "experiment=transfer_head"]))
    made.eval()
    stream = Stream(torch.randn(2, 200, 64), torch.arange(200) < torch.tensor([[200], [100]]))
    online = made({"audio": stream}, empty_context(2)).logits
    extracted = build_model(
        {"audio": Identity},
        lambda input_sizes: made.fusion,
        lambda input_size, task: made.head,
        {"audio": made.encoders["audio"].output_size},
        made_task(),
    )
    for row, length in enumerate((200, 100)):
        alone = Stream(stream.values[row : row + 1, :length], stream.mask[row : row + 1, :length])
        cached = made.encoders["audio"](alone)
        found = extracted({"audio": cached}, empty_context(1)).logits[0]
        assert (found - online[row]).abs().max() < 1e-6 * online.abs().max()


def made_task():
    return Task(classes=tuple("abcdefg"))


def test_gradual_unfreezes_one_block_per_stage():
    counts = []
    for stage in list_stages(compose("train", [*WORDS, "experiment=transfer_gradual"])):
        names, _ = learning(stage.config)
        counts.append({".".join(name.split(".")[2:4]) for name in names if "blocks" in name})
        assert ("encoders.audio.dense.0.weight" in names) is (stage.name != "head")
    blocks = [{f"blocks.{n}" for n in range(first, 4)} for first in (4, 4, 3, 2, 1, 0)]
    assert counts == blocks


def test_discriminative_rates_fall_by_04_per_block():
    settings = compose("train", [*WORDS, "experiment=transfer_discriminative"])
    made = model(settings)
    optimizer = instantiate(settings["optimizer"], _convert_="all")
    groups = parameter_groups(made.named_parameters(), settings["trainer"]["groups"], optimizer)
    rates = [group.get("lr", 1e-3) for group in groups]
    assert rates == pytest.approx([1e-3 * 0.4**depth for depth in (1, 2, 3, 4, 5)] + [1e-3])

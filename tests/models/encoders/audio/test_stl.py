"""The acceptance checks of STL."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from makers.steps import losses_of
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.composition import compose
from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.extractors.audio.log_mel import LogMel
from mmser.models.encoders.audio.stl import STL
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.layers.convolution.average_pooling import average_pool_2d
from mmser.models.multimodal import MultimodalModel, build_model

SMALL = {"channels": (2, 3, 4, 4, 4, 6), "hidden_size": 4}


def system(**encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: STL(input_size, **encoder)},
        Concat,
        Classifier,
        {"audio": 40},
        Task(classes=("a", "b", "c", "d")),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(
    ("layers", "expected", "published"), [(5, 466_484, 468_000), (0, 359_764, 356_000)]
)
def test_parameter_count_is_exact(layers: int, expected: int, published: int) -> None:
    count = sum(parameter.numel() for parameter in system(layers=layers).parameters())
    assert count == expected == pytest.approx(published, rel=0.02)


def test_shapes_of_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def watched(values: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        pooled = average_pool_2d(values, mask, size)
        shapes.append(tuple(pooled[0].shape[1:]))
        return pooled

    monkeypatch.setattr("mmser.models.encoders.audio.stl.average_pool_2d", watched)
    encoder = STL(40).eval()
    steps, mask = encoder.steps_of(full(torch.randn(1, 313, 40)))
    assert shapes == [
        (32, 157, 20),
        (64, 79, 10),
        (96, 40, 5),
        (96, 20, 3),
        (96, 10, 2),
        (112, 5, 1),
    ]
    assert steps.shape == (1, 5, 112) and mask.all()
    assert encoder(full(torch.randn(1, 126, 40))).values.shape == (1, 1, 40)


def test_one_token_attends_to_itself_alone() -> None:
    encoder = STL(40, **SMALL)
    attention = encoder.layers[0].attention
    for parameter in attention.parameters():
        parameter.requires_grad_(True)
        torch.nn.init.normal_(parameter)
    token = torch.randn(3, 1, 8)
    found, _ = attention(token, token, torch.ones(3, 1, dtype=torch.bool))
    assert (found - attention.out(attention.value(token))).abs().max() < 1e-5
    found.square().sum().backward()
    for part in (attention.query, attention.key):
        assert part.weight.grad is None or part.weight.grad.abs().max() < 1e-5
    assert attention.value.weight.grad.abs().max() > 1e-3


def test_a_sequence_gives_queries_and_keys_a_gradient() -> None:
    encoder = STL(40, stl_on="sequence", pool_dropout=0.0, **SMALL)
    encoder(full(torch.randn(2, 200, 40))).values.square().sum().backward()
    assert encoder.layers[0].attention.query.weight.grad.abs().max() > 0
    assert not STL(40, **SMALL).layers[0].attention.query.weight.requires_grad


def test_layers_that_add_nothing_are_the_identity() -> None:
    encoder = STL(40, **SMALL).eval()
    for layer in encoder.layers:
        for part in (layer.attention.out, layer.feed_forward.outer):
            torch.nn.init.zeros_(part.weight)
            torch.nn.init.zeros_(part.bias)
    token = torch.randn(2, 1, 8)
    for layer in encoder.layers:
        torch.testing.assert_close(layer(token, torch.ones(2, 1, dtype=torch.bool))[0], token)


def test_truncated_systems() -> None:
    stream = full(torch.randn(2, 150, 40))
    last = STL(40, layers=0, **SMALL).eval()
    steps, mask = last.steps_of(stream)
    torch.testing.assert_close(last(stream).values[:, 0], last.recurrence(steps, mask).final)
    attended = STL(40, layers=0, truncated="attention", **SMALL).eval()
    assert attended(stream).values.shape == (2, 1, 8) and attended.attention is not None
    with pytest.raises(
        MmserError, match="stl_on vector or sequence and truncated last or attention; found 'both'"
    ):
        STL(40, stl_on="both")


@pytest.mark.parametrize("stl_on", ["vector", "sequence"])
def test_a_clip_padded_to_ten_seconds_is_the_same_clip(stl_on: str) -> None:
    encoder = STL(40, stl_on=stl_on, **SMALL).eval()
    values = torch.randn(1, 94, 40)
    padded = torch.cat([values, torch.full((1, 219, 40), float("nan"))], dim=1)
    found = encoder(Stream(padded, torch.arange(313)[None] < 94)).values
    assert (found - encoder(full(values)).values).abs().max() < 1e-5


def test_doubling_the_waveform_moves_bins_by_the_amplitude_rule() -> None:
    options = {k: v for k, v in load_config("extractor", "log_mel_stl").items() if k != "_target_"}
    recipe = LogMel(**options)
    noise = np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32)
    assert recipe.log_mel(2 * noise) - recipe.log_mel(noise) == pytest.approx(12.04, abs=0.01)


def test_equal_logits_cost_the_logarithm_of_four() -> None:
    settings = compose("train", ["system=stl", "corpus=emodb", "protocol=emodb4_speaker10"])
    loss = instantiate(settings["objective"])(
        task=Task(classes=("a", "b", "c", "d")), vector_size=12
    )
    model = system(**SMALL)
    nn.init.zeros_(model.head.logits.weight)
    nn.init.zeros_(model.head.logits.bias)
    streams, targets = {"audio": full(torch.randn(3, 33, 40))}, {"emotion": torch.arange(3)}
    found = losses_of(loss, model, Batch(("x", "y", "z"), streams, empty_context(3), targets))
    assert found["cross_entropy"].item() == pytest.approx(np.log(4))


def test_overfits() -> None:
    torch.manual_seed(0)
    model = system(channels=(4, 6, 8, 8, 8, 12), hidden_size=12, pool_dropout=0.0, dropout=0.0)
    stream, target = full(torch.randn(6, 33, 40)), torch.arange(6) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        logits = model({"audio": stream}, empty_context(6)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 300 steps")

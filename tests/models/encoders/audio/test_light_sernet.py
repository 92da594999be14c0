"""The acceptance checks of LIGHT-SERNET's network; its features, losses and schedule are tested in
their own rooms.
"""

import pytest
import torch
from makers.steps import losses_of
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.configs import load_config
from mmser.core.task import Task
from mmser.models.encoders.audio.light_sernet import LightSerNet
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.layers.convolution.average_pooling import average_map, average_pool_2d
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.objectives.losses.classification import CrossEntropy, FocalLoss
from mmser.training.loop.parameters import parameter_groups


def system(classes: int = 7, **encoder: float) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: LightSerNet(input_size, **encoder)},
        Concat,
        lambda input_size, task: Classifier(input_size, task, dropout=0.3),
        {"audio": 40},
        Task(classes=tuple(map(str, range(classes)))),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(("classes", "expected"), [(7, 461_703), (4, 460_740)])
def test_parameter_count_is_exact(classes: int, expected: int) -> None:
    model = system(classes)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected
    assert sum(buffer.numel() for buffer in model.buffers()) == 1728


def test_three_paths_cost_less_than_one_large_kernel() -> None:
    paths = LightSerNet(40).paths
    assert sum(path.convolution.weight.numel() for path in paths) == 928 < 32 * 11 * 9


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (184, [(96, 92, 20), (64, 46, 10), (96, 23, 5), (128, 12, 5), (160, 6, 5), (320, 6, 5)]),
        (
            434,
            [(96, 217, 20), (64, 109, 10), (96, 55, 5), (128, 28, 5), (160, 14, 5), (320, 14, 5)],
        ),
    ],
)
def test_shapes_after_each_block(
    frames: int, expected: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """3 s and 7 s through the same weights."""
    shapes: list[tuple[int, ...]] = []

    def watched(values: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        pooled = average_pool_2d(values, mask, size)
        shapes.append(tuple(pooled[0].shape[1:]))
        return pooled

    monkeypatch.setattr("mmser.models.encoders.audio.light_sernet.average_pool_2d", watched)
    out = LightSerNet(40).eval()(full(torch.randn(1, frames, 40)))
    assert out.values.shape == (1, 1, 320)
    assert shapes[:3] == [(32, *expected[0][1:])] * 3
    assert shapes[3:] == expected[1:]


@pytest.mark.parametrize("shape", [(5, 7), (4, 3), (1, 1)])
def test_same_pooling_of_ones_is_ones(shape: tuple[int, int]) -> None:
    ones = torch.ones(1, 2, *shape)
    pooled, mask = average_pool_2d(ones, torch.ones(1, shape[0], dtype=torch.bool), (2, 2))
    assert pooled.shape == (1, 2, -(-shape[0] // 2), -(-shape[1] // 2))
    assert pooled.eq(1).all() and mask.all()


@pytest.mark.parametrize("whole", [False, True])
def test_pooling_is_torchs_on_the_real_part(whole: bool) -> None:
    torch.manual_seed(0)
    values = torch.randn(2, 3, 11, 7)
    mask = torch.arange(11) < torch.tensor([11, 5])[:, None]
    pooled, kept = average_pool_2d(
        values.masked_fill(~mask[:, None, :, None], float("nan")), mask, (2, 3), whole
    )
    for row, length in enumerate((11, 5)):
        alone = F.avg_pool2d(values[row, :, :length], (2, 3), ceil_mode=not whole)
        torch.testing.assert_close(pooled[row, :, kept[row]], alone)
    torch.testing.assert_close(average_map(values, mask)[1], values[1, :, :5].mean(dim=(1, 2)))


def test_equals_plain_torch_with_same_padding() -> None:
    encoder = LightSerNet(40).eval()
    values = torch.randn(1, 21, 40)
    current = []
    for path in encoder.paths:
        inner = path.convolution
        normed = by_hand(path, F.conv2d(values[:, None], inner.weight, inner.bias, padding="same"))
        current.append(F.avg_pool2d(normed, 2, ceil_mode=True))
    hidden = torch.cat(current, dim=1)
    for layer, size in zip(encoder.layers, [(2, 2), (2, 2), (2, 1), (2, 1), (1, 1)], strict=True):
        weight = layer.convolution.weight
        hidden = F.avg_pool2d(
            by_hand(layer, F.conv2d(hidden, weight, padding="same")), size, ceil_mode=True
        )
    padded = torch.cat([values, torch.full((1, 6, 40), float("nan"))], dim=1)
    out = encoder(Stream(padded, torch.arange(27)[None] < 21)).values[:, 0]
    torch.testing.assert_close(out, hidden.mean(dim=(2, 3)), atol=1e-6, rtol=1e-5)


def by_hand(block: nn.Module, values: Tensor) -> Tensor:
    norm = block.norm
    return F.batch_norm(
        values, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-3
    ).relu()


def test_weight_decay_falls_on_the_five_kernels_alone() -> None:
    model, groups = system(), load_config("system", "light_sernet")["trainer"]["groups"]
    decayed, rest = parameter_groups(model.named_parameters(), groups, torch.optim.Adam)
    kernels = {id(layer.convolution.weight) for layer in model.encoders["audio"].layers}
    assert {id(parameter) for parameter in decayed["params"]} == kernels and len(kernels) == 5
    assert decayed["weight_decay"] == 2e-6 and "weight_decay" not in rest


class Fixed(nn.Module):
    """A model whose logits are a parameter."""

    vector_size = 2

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, streams: object, context: object, need_attention: bool = False) -> Outputs:
        return Outputs(vector=self.logits, logits=self.logits)


def test_focal_loss_is_cross_entropy_at_gamma_0_and_gentler_on_the_sure() -> None:
    task = Task(classes=("a", "b"), class_counts=(1, 1))
    batch = Batch(("u",), {}, empty_context(1), {"emotion": torch.tensor([0])})
    gradients, losses = {}, {}
    for name, objective in {
        "ce": CrossEntropy(task, 2),
        "focal0": FocalLoss(task, 2, gamma=0.0),
        "focal2": FocalLoss(task, 2, gamma=2.0),
    }.items():
        model = Fixed(torch.tensor([[0.9, 0.1]]).log())
        (losses[name],) = losses_of(objective, model, batch).values()
        losses[name].backward()
        gradients[name] = model.logits.grad.abs().max()
    assert (losses["ce"] - losses["focal0"]).abs() < 1e-7
    assert gradients["focal2"] < 0.1 * gradients["ce"]


def test_overfits_judged_with_batch_statistics() -> None:
    model = system(momentum=0.1)
    model.head.hidden[0].p = 0.0
    stream = full(torch.randn(12, 24, 40))
    target = torch.arange(12) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(100):
        logits = model({"audio": stream}, empty_context(12)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 100 steps")

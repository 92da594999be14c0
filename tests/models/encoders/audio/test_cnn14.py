"""The acceptance checks of CNN14; its log-mel spectrum is tested among the extractors."""

from pathlib import Path

import pytest
import torch
from makers.steps import losses_of
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.cnn14 import Cnn14
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.objectives.losses.classification import CrossEntropy
from mmser.training.loop.parameters import freeze, frozen_modules

SMALL = {"channels": (3, 4, 5, 6), "embedding_size": 8, "crop": None}
LINEAR_ONLY = ["encoders.audio.bn0.*", "encoders.audio.conv_block*"]


def system(classes: int = 3, bands: int = 64, **encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: Cnn14(input_size, **encoder)},
        Concat,
        Classifier,
        {"audio": bands},
        Task(classes=tuple(map(str, range(classes)))),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(527, 80_753_615), (3, 79_679_939), (7, 79_688_135), (1251, 82_237_091)],
)
def test_parameter_count_is_exact(classes: int, expected: int) -> None:
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in system(classes).parameters()) == expected


def test_linear_layers_alone_learn_four_million() -> None:
    with torch.device("meta"):
        model = system(3)
    freeze(model.named_parameters(), LINEAR_ONLY)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 4_202_499


@pytest.mark.parametrize(("frames", "steps"), [(32, 1), (101, 3), (1001, 31)])
def test_shapes(frames: int, steps: int) -> None:
    encoder = Cnn14(64, channels=(2, 2, 2, 2, 2, 3), embedding_size=5).eval()
    maps, mask = encoder.maps(
        torch.randn(1, 1, frames, 64), torch.ones(1, frames, dtype=torch.bool)
    )
    assert maps.shape == (1, 3, steps, 2) and mask.all()
    assert encoder(full(torch.randn(2, frames, 64))).values.shape == (2, 1, 5)


def test_probabilities_sum_to_one() -> None:
    logits = (
        system(bands=16, **SMALL)
        .eval()({"audio": full(torch.randn(3, 40, 16))}, empty_context(3))
        .logits
    )
    torch.testing.assert_close(logits.log_softmax(dim=1).exp().sum(dim=1), torch.ones(3))


def test_equals_plain_torch_on_one_clip() -> None:
    encoder = Cnn14(16, **SMALL).eval()
    values = torch.randn(1, 45, 16)
    hidden = values[:, None]
    for number in range(1, 5):
        block = encoder.get_submodule(f"conv_block{number}")
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            hidden = F.conv2d(hidden, conv.weight, padding=1)
            hidden = F.batch_norm(
                hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias
            ).relu()
        hidden = F.avg_pool2d(hidden, 2) if number < 4 else hidden
    steps = hidden.mean(dim=3)
    expected = encoder.fc1(steps.amax(dim=2) + steps.mean(dim=2)).relu()
    # bn0 starts as the identity up to its epsilon.
    padded = torch.cat([values, torch.full((1, 9, 16), float("nan"))], dim=1)
    found = encoder(Stream(padded, torch.arange(54)[None] < 45)).values[:, 0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_training_clips_have_one_length() -> None:
    encoder = Cnn14(16, **SMALL | {"crop": 20})
    values = torch.arange(50.0)[None, :, None].repeat(2, 1, 16)
    stream = Stream(values, torch.arange(50) < torch.tensor([50, 6])[:, None])
    arranged, mask = encoder.train().arranged(stream)
    assert mask.all() and arranged.shape == (2, 20, 16)
    assert arranged[0, :, 0].diff().eq(1).all() and arranged[0, -1, 0] < 50
    assert arranged[1, :, 0].tolist() == [step % 6 for step in range(20)]
    whole, mask = encoder.eval().arranged(stream)
    assert mask.sum(dim=1).tolist() == [50, 8] and whole[1, :8, 0].tolist() == [
        0,
        1,
        2,
        3,
        4,
        5,
        0,
        1,
    ]


def test_too_few_bands_or_frames_are_an_error() -> None:
    with pytest.raises(MmserError, match="at least 32 bands and frames; found 16 bands, crop=1000"):
        Cnn14(16)


def published(path: Path, **changes: Tensor) -> Path:
    """A file of the published layout in small: its front end, its 527 labels, its counters."""
    torch.manual_seed(5)
    state = {
        name: torch.randn_like(tensor) for name, tensor in Cnn14(16, **SMALL).state_dict().items()
    }
    extra = {
        "spectrogram_extractor.stft.conv_real.weight": torch.zeros(3),
        "logmel_extractor.melW": torch.zeros(2, 2),
        "bn0.num_batches_tracked": torch.tensor(7),
        "fc_audioset.weight": torch.zeros(527, 8),
        "fc_audioset.bias": torch.zeros(527),
    }
    torch.save({"iteration": 1000, "model": state | extra | changes}, path)
    return path


def test_published_weights_reach_every_layer_but_the_last(tmp_path: Path) -> None:
    path = published(tmp_path / "cnn14.pth")
    fresh, loaded = system(bands=16, **SMALL), system(bands=16, weights=str(path), **SMALL)
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor) == name.startswith("head."), name


def test_a_missing_or_other_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        MmserError,
        match=r"the weights of CNN14; found nothing at none.pth or .*Download https://zenodo",
    ):
        Cnn14(16, weights="none.pth", weights_folder=str(tmp_path), **SMALL)
    other = published(tmp_path / "other.pth", **{"fc1.weight": torch.zeros(2, 2)})
    with pytest.raises(
        MmserError, match=r"the tensors of CNN14 in .*other.pth; found another shape of fc1.weight"
    ):
        Cnn14(16, weights=str(other), **SMALL)
    more = published(tmp_path / "more.pth", **{"conv_block9.conv1.weight": torch.zeros(2, 2)})
    with pytest.raises(MmserError, match="found no place for conv_block9"):
        Cnn14(16, weights=str(more), **SMALL)


def test_linear_only_training_leaves_everything_else_bit_identical() -> None:
    model = system(bands=16, **SMALL).train()
    freeze(model.named_parameters(), LINEAR_ONLY)
    for module in frozen_modules(model, LINEAR_ONLY):
        module.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9
    )
    for _ in range(3):
        logits = model({"audio": full(torch.randn(4, 30, 16))}, empty_context(4)).logits
        optimizer.zero_grad()
        F.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
    for name, tensor in model.state_dict().items():
        linear = "fc1" in name or name.startswith("head.")
        assert torch.equal(tensor, before[name]) != linear, name


class Fixed(nn.Module):
    vector_size = 3

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(rows, 3))

    def forward(self, streams: object, context: object, need_attention: bool = False) -> Outputs:
        return Outputs(vector=self.logits, logits=self.logits)


def test_balanced_loss_lets_classes_contribute_equally() -> None:
    counts = (9, 67, 24)
    target = torch.arange(3).repeat_interleave(torch.tensor(counts))
    batch, model = (
        Batch(tuple(map(str, range(100))), {}, empty_context(100), {"emotion": target}),
        Fixed(100),
    )
    objective = CrossEntropy(
        Task(classes=("low", "mid", "high"), class_counts=counts), 3, class_weights="inverse"
    )
    losses_of(objective, model, batch)["cross_entropy"].backward()
    shares = torch.stack([model.logits.grad[target == c, c].sum() for c in range(3)])
    torch.testing.assert_close(shares, shares[:1].expand(3))
    uniform = CrossEntropy(
        Task(classes=("low", "mid", "high"), class_counts=(5, 5, 5)), 3, class_weights="inverse"
    )
    plain = F.cross_entropy(model.logits, target)
    torch.testing.assert_close(uniform(model, batch)["cross_entropy"], plain)


def test_overfits() -> None:
    model = system(
        4, 16, dropout=0.0, embedding_dropout=0.0, **SMALL | {"channels": (6, 8, 10, 12)}
    ).train()
    stream, target = full(torch.randn(8, 12, 16)), torch.arange(8) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        logits = model({"audio": stream}, empty_context(8)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 60 steps")

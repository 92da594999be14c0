"""The acceptance checks of MCSAN, on the whole system with its published sizes."""

import pytest
import torch
from torch import Tensor, nn

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.conv_bilstm import ConvBiLSTM
from mmser.models.encoders.sequence.projection import Projection
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder
from mmser.models.fusion.mcsan import MCSAN
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

SIZES = {"audio": 40, "text": 300}


def system(classes: int = 7, text: nn.Module | None = None, **fusion: object) -> MultimodalModel:
    """MCSAN with the defaults of its specification."""
    torch.manual_seed(0)
    return build_model(
        {
            "audio": ConvBiLSTM,
            "text": lambda input_size: (
                text or RecurrentEncoder(input_size, cell="lstm", merge="mean")
            ),
        },
        lambda input_sizes: MCSAN(input_sizes, **fusion),
        lambda input_size, task: Classifier(input_size, task, hidden_sizes=[128], dropout=0.3),
        SIZES,
        Task(classes=tuple(map(str, range(classes)))),
    ).eval()


def batch(lengths: dict[str, list[int]], padding: float = 0.0, extra: int = 0) -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(1)
    streams = {}
    for name, rows in lengths.items():
        real = torch.randn(len(rows), max(rows), SIZES[name], generator=generator)
        values = torch.cat([real, torch.full((len(rows), extra, SIZES[name]), padding)], dim=1)
        mask = torch.arange(values.shape[1]) < torch.tensor(rows)[:, None]
        streams[name] = Stream(values.masked_fill(~mask[..., None], padding), mask)
    return streams


def logits(model: MultimodalModel, streams: dict[str, Stream]) -> Tensor:
    found = model(streams, empty_context(len(streams["audio"].mask))).logits
    assert found is not None
    return found


def test_shapes_and_attention() -> None:
    out = system()(
        batch({"audio": [1000, 800], "text": [20, 12]}), empty_context(2), need_attention=True
    )
    assert out.logits is not None and out.logits.shape == (2, 7)
    assert out.vector.shape == (2, 512)
    shapes = {name: tuple(weights.shape) for name, weights in out.attention.items()}
    assert shapes == {
        "audio_over_text": (2, 8, 112, 20),
        "text_over_audio": (2, 8, 20, 112),
        "audio_over_audio": (2, 8, 112, 112),
        "text_over_text": (2, 8, 20, 20),
    }
    real = out.attention["text_over_audio"][1, :, :12]
    torch.testing.assert_close(real.sum(dim=-1), torch.ones(8, 12))
    assert real[..., 89:].eq(0).all()  # ceil(ceil(800 / 3) / 3) = 89


@pytest.mark.parametrize(("classes", "expected"), [(7, 1_628_935), (4, 1_628_548)])
def test_parameter_count_is_exact(classes: int, expected: int) -> None:
    assert sum(parameter.numel() for parameter in system(classes).parameters()) == expected


def test_feed_forward_of_128_is_the_other_reading() -> None:
    assert sum(parameter.numel() for parameter in system(inner_size=128).parameters()) == 1_234_183


@pytest.mark.parametrize("padding", [0.0, 7.0, float("nan")])
@pytest.mark.parametrize("extra", [1, 2, 50])
def test_padding_changes_nothing(padding: float, extra: int) -> None:
    model, lengths = system(), {"audio": [60, 43], "text": [9, 4]}
    difference = logits(model, batch(lengths, padding, extra)) - logits(model, batch(lengths))
    assert difference.abs().max() < 1e-5


def test_cross_of_a_stream_with_itself_is_self_attention() -> None:
    torch.manual_seed(0)
    fusion = MCSAN({"audio": 16, "text": 16}, size=16, heads=4).eval()
    shared = fusion.within["audio"].state_dict()
    for modules in (fusion.within, fusion.cross):
        for layers in modules.values():
            layers.load_state_dict(shared)
    stream = Stream(torch.randn(3, 8, 16), torch.arange(8) < torch.tensor([8, 5, 2])[:, None])
    vector = fusion({"audio": stream, "text": stream}, empty_context(3)).vector
    cross_audio, cross_text, self_audio, self_text = vector.split(16, dim=1)
    for part in (cross_audio, cross_text, self_text):
        assert (part - self_audio).abs().max() < 1e-6


def test_two_layers_cross_simultaneously() -> None:
    """Written out by hand from the formulas: both sides read the other as it was
    before the layer.
    """
    torch.manual_seed(0)
    fusion = MCSAN(
        {"audio": 16, "text": 16}, size=16, heads=4, layers=2, positions=False, within=False
    ).eval()
    audio, text = torch.randn(2, 6, 16), torch.randn(2, 4, 16)
    streams = {
        n: Stream(v, torch.ones(v.shape[:2], dtype=torch.bool))
        for n, v in (("audio", audio), ("text", text))
    }
    vector = fusion(streams, empty_context(2)).vector
    for a, t in zip(fusion.cross["audio_over_text"], fusion.cross["text_over_audio"], strict=True):
        audio, text = layer_by_hand(a, audio, text), layer_by_hand(t, text, audio)
    assert (vector - torch.cat([audio.amax(dim=1), text.amax(dim=1)], dim=-1)).abs().max() < 1e-5


def layer_by_hand(layer: nn.Module, own: Tensor, other: Tensor) -> Tensor:
    attention = layer.attention

    def heads(values: Tensor) -> list[Tensor]:
        return list(values.split(4, dim=-1))

    parts = [
        ((q @ k.transpose(1, 2)) / 2).softmax(dim=-1) @ v
        for q, k, v in zip(
            heads(attention.query(own)),
            heads(attention.key(other)),
            heads(attention.value(other)),
            strict=True,
        )
    ]
    own = layer.attention_norm(own + attention.out(torch.cat(parts, dim=-1)))
    feed = layer.feed_forward
    return layer.feed_forward_norm(own + feed.outer(feed.inner(own).relu()))


def test_without_order_words_may_be_permuted() -> None:
    model = system(text=Projection(300, 128), positions=False)
    streams = batch({"audio": [40, 30], "text": [9, 5]})
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    text = streams["text"]
    shuffled = {**streams, "text": Stream(text.values[:, order], text.mask[:, order])}
    assert (logits(model, shuffled) - logits(model, streams)).abs().max() < 1e-5
    ordered = system(text=Projection(300, 128))
    assert (logits(ordered, shuffled) - logits(ordered, streams)).abs().max() > 1e-5


def test_without_one_kind_of_module() -> None:
    streams = batch({"audio": [40, 30], "text": [9, 5]})
    full = logits(system(), streams)
    for switched in ({"cross": False}, {"within": False}):
        model = system(**switched)
        assert model.vector_size == 256
        assert not torch.allclose(logits(model, streams), full)


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(MmserError, match="cross- or a self-attention module; found neither"):
        MCSAN({"audio": 16}, size=16, within=False)


@pytest.mark.parametrize("layers", [1, 2])
def test_gradient_reaches_every_real_step_and_no_padded_one(layers: int) -> None:
    model = system(layers=layers)
    streams = batch({"audio": [40, 29], "text": [9, 5]})
    leaves = {name: stream.values.clone().requires_grad_() for name, stream in streams.items()}
    logits(model, {n: Stream(leaves[n], s.mask) for n, s in streams.items()})[:, 0].sum().backward()
    for name, stream in streams.items():
        gradient = leaves[name].grad
        assert gradient is not None
        assert gradient[~stream.mask].eq(0).all(), name
        reached = gradient.ne(0).any(dim=-1)
        # The maximum over three frames in the pooling passes gradient to the winner of each
        # channel.
        assert reached[stream.mask].all(), name


def test_batch_of_one_equals_the_row_in_a_batch() -> None:
    model = system()
    lengths = {"audio": [50, 41, 33, 20, 47, 12, 8, 50], "text": [9, 3, 7, 1, 2, 5, 9, 8]}
    streams = batch(lengths)
    full = logits(model, streams)
    for row in range(8):
        alone = {
            n: Stream(s.values[row : row + 1], s.mask[row : row + 1]) for n, s in streams.items()
        }
        alone = {n: Stream(s.values[:, s.mask[0]], s.mask[:, s.mask[0]]) for n, s in alone.items()}
        assert (logits(model, alone)[0] - full[row]).abs().max() < 1e-5


def test_sixteen_random_samples_are_learnt_by_heart() -> None:
    model = system()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    generator = torch.Generator().manual_seed(5)
    streams = batch({"audio": [27] * 16, "text": [6] * 16})
    target = torch.randint(0, 7, (16,), generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(200):
        found = logits(model, streams)
        if found.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(found, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 200 steps")


def test_three_streams_have_a_module_for_every_ordered_pair() -> None:
    fusion = MCSAN({"audio": 16, "text": 8, "face": 16}, size=16, heads=4)
    pairs = {
        "audio_over_text",
        "text_over_audio",
        "audio_over_face",
        "face_over_audio",
        "text_over_face",
    }
    assert set(fusion.cross) == pairs | {"face_over_text"}
    assert fusion.output_size == 16 * 9
    assert set(fusion.projections) == {"text"}

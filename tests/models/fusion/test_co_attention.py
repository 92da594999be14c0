"""The acceptance checks of CA-MSER: segments, branches, co-attention, votes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmser.core.batch import Fused, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.segment_alexnet import (
    SegmentAlexNet,
    alexnet,
    as_pictures,
    average_cells,
)
from mmser.models.encoders.audio.segment_bilstm import SegmentBiLSTM
from mmser.models.encoders.audio.segment_wav2vec2 import SegmentWav2Vec2
from mmser.models.encoders.sequence.segment_frames import SegmentFrames
from mmser.models.fusion.co_attention import CoAttention
from mmser.models.heads.segment_average import SegmentAverage
from mmser.models.layers.time.segments import covering_starts
from mmser.models.multimodal import MultimodalModel, build_model

TASK = Task(classes=("angry", "sad", "happy", "neutral"))
TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def system(tiny: bool = True, frames: int = 300, **fusion: Any) -> MultimodalModel:
    torch.manual_seed(0)
    size = 8 if tiny else 128
    picture = {"picture": 64 if frames == 300 else 128, "width": 0.1} if tiny else {}
    recurrence = {"hidden_size": 4} if tiny else {}
    encoders = {
        "spectrogram": partial(
            SegmentAlexNet, weights="random", output_size=size, segment_frames=frames, **picture
        ),
        "mfcc": partial(SegmentBiLSTM, output_size=size, segment_frames=frames, **recurrence),
        "waveform": partial(
            SegmentWav2Vec2,
            weights="random",
            configuration=TINY if tiny else None,
            segment_frames=frames,
        ),
    }
    return build_model(
        encoders,
        lambda input_sizes: CoAttention(input_sizes, size, frames=frames // 2 - 1, **fusion),
        lambda input_size, task: SegmentAverage(
            input_size, task, [size, size], average="log_probabilities"
        ),
        {"spectrogram": 200, "mfcc": 40, "waveform": 1},
        TASK,
    ).eval()


def streams(*frames: int, samples: tuple[int, ...] | None = None) -> dict[str, Stream]:
    """Frames of 10 ms for each row; a centred spectrogram of n samples has 1 + n // 160 of them."""
    torch.manual_seed(1)
    samples = samples or tuple(160 * (count - 1) for count in frames)
    return {
        "spectrogram": padded(torch.rand(len(frames), max(frames), 200), frames),
        "mfcc": padded(torch.randn(len(frames), max(frames), 40), frames),
        "waveform": padded(torch.randn(len(frames), max(samples)), samples),
    }


def padded(values: Tensor, lengths: tuple[int, ...]) -> Stream:
    mask = torch.arange(values.shape[1]) < torch.tensor(lengths)[:, None]
    return Stream(Stream(values, mask).filled(float("nan")), mask)


def test_published_size() -> None:
    """All but the 768 numbers of the vector that hides latent frames in pre-training."""
    with torch.device("meta"):
        model = system(tiny=False)
    assert sum(p.numel() for p in model.parameters()) == 120_072_409 - 768
    parts = {
        name: sum(p.numel() for p in module.parameters()) for name, module in model.encoders.items()
    }
    assert parts == {
        "spectrogram": 2_469_696 + 1_179_776,
        "mfcc": 2_187_264 + 19_660_928,
        "waveform": 94_371_712 - 768,
    }


def test_one_segment_of_three_seconds() -> None:
    model = system()
    given = streams(300, 300, samples=(47840, 47840))
    found = model(given, empty_context(2), need_attention=True)
    assert found.logits.shape == (2, 4)
    assert found.attention["waveform"].shape == (2, 149) and found.attention["waveform"].ge(0).all()
    assert found.encoded["waveform"].values.shape == (2, 149, 16)
    assert as_pictures(torch.rand(2, 300, 200), (256, 384)).shape == (2, 3, 256, 384)
    with torch.device("meta"):
        assert SegmentAlexNet(200, "random").picture == (256, 384)


@pytest.mark.parametrize(
    ("last", "length", "starts"),
    [
        ("released", 299, [0]),
        ("released", 300, [0]),
        ("released", 301, [0, 300]),
        ("released", 650, [0, 300, 600]),
        ("released", 0, []),
        ("shifted", 299, [0]),
        ("shifted", 301, [0, 1]),
        ("shifted", 650, [0, 300, 350]),
    ],
)
def test_segmentation(last: Any, length: int, starts: list[int]) -> None:
    found, real = covering_starts(torch.tensor([length, 1000]), 300, last)
    assert found[0, real[0]].tolist() == starts
    assert real.shape == (2, 4)


def test_three_seconds_make_a_second_segment_in_every_branch() -> None:
    """48,000 samples are 301 centred frames: as released, the branches agree on two segments."""
    encoded = system()(streams(301, samples=(48000,)), empty_context(1)).encoded
    assert [encoded[name].values.shape[1] for name in ("spectrogram", "mfcc")] == [2, 2]
    assert encoded["waveform"].values.shape[1] == 2 * 149


def fusion(**options: Any) -> CoAttention:
    torch.manual_seed(0)
    return CoAttention({"spectrogram": 3, "mfcc": 3, "waveform": 5}, 4, frames=6, **options).eval()


def segments(made: CoAttention, frames: Tensor, need: bool = True) -> Fused:
    torch.manual_seed(2)
    one = torch.ones(2, 1, dtype=torch.bool)
    given = {name: Stream(torch.randn(2, 1, 3), one) for name in ("spectrogram", "mfcc")}
    return made(
        {**given, "waveform": Stream(frames, one.expand(2, 6))},
        empty_context(2),
        need_attention=need,
    )


@pytest.mark.parametrize("chosen", ["uniform", "one", "none"])
def test_gates_by_hand(chosen: str) -> None:
    made, frames = fusion(), torch.randn(2, 6, 5)
    alpha = {"uniform": torch.full((6,), 1 / 6), "one": torch.eye(6)[2], "none": torch.zeros(6)}[
        chosen
    ]
    expected = {"uniform": frames.mean(1), "one": frames[:, 2], "none": torch.zeros(2, 5)}[chosen]
    with torch.no_grad():
        made.gates["waveform"].weight.zero_()
        made.gates["waveform"].bias.copy_(alpha)
    found = segments(made, frames)
    torch.testing.assert_close(found.vector[:, 6:], made.projections["waveform"](expected).relu())
    torch.testing.assert_close(found.attention["waveform"], alpha.expand(2, 6))


def test_frames_move_with_their_gates_only() -> None:
    made, frames, order = fusion(), torch.randn(2, 6, 5), torch.tensor([3, 0, 5, 1, 4, 2])
    with torch.no_grad():
        made.gates["waveform"].bias.uniform_(0.1, 1.0)
        plain, moved = segments(made, frames).vector, segments(made, frames[:, order]).vector
        for parameter in made.gates["waveform"].parameters():
            parameter.copy_(parameter[order])
        both = segments(made, frames[:, order]).vector
    assert not torch.allclose(plain, moved, atol=1e-4)
    torch.testing.assert_close(both, plain)


def test_softmax_gates_sum_to_one_and_without_a_question_all_frames_count_alike() -> None:
    frames = torch.randn(2, 6, 5)
    torch.testing.assert_close(
        segments(fusion(normalise="softmax"), frames).attention["waveform"].sum(1), torch.ones(2)
    )
    alone = CoAttention({"waveform": 5}, 4, frames=6)
    stream = Stream(frames, torch.ones(2, 6, dtype=torch.bool))
    found = alone({"waveform": stream}, empty_context(2), need_attention=True)
    torch.testing.assert_close(found.attention["waveform"], torch.full((2, 6), 1 / 6))
    with pytest.raises(MmserError, match="normalise relu or softmax; found 'max'"):
        fusion(normalise="max")


def test_segments_vote_by_their_log_probabilities() -> None:
    head = SegmentAverage(
        3, TASK, [5], dropout=0.5, average="log_probabilities", output_dropout=0.0
    ).eval()
    values, mask = torch.randn(2, 3, 3), torch.tensor([[True, True, False], [True, False, False]])
    logits, none = head(padded(values, (2, 1)))
    each = head.logits(head.hidden(values)).log_softmax(-1)
    torch.testing.assert_close(logits, torch.stack([each[0, :2].mean(0), each[1, 0]]))
    assert none is None and mask.sum() == 3
    empty, _ = head(Stream(values, torch.zeros_like(mask)))
    assert empty.eq(0).all()
    assert [layer.p for layer in head.hidden if isinstance(layer, nn.Dropout)] == [0.5, 0.0]


def test_frames_get_unit_norm_and_silence_stays_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = SegmentBiLSTM(4, 2, segment_frames=5, hidden_size=3).eval(), []
    made.recurrence.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    values = torch.randn(1, 7, 4) * 50
    values[0, 1] = 0
    out = made(padded(values, (7,))).values
    norms = seen[0].flatten(0, 1).norm(dim=1)
    assert norms[[0, 2, 3, 4, 5, 6]].allclose(torch.ones(6)) and norms[[1, 7, 8, 9]].eq(0).all()
    assert torch.isfinite(out).all()


def test_pictures_have_256_steps_and_high_frequencies_on_top() -> None:
    frames = torch.full((1, 4, 2), 0.5)
    frames[0, 0, 1], frames[0, 1, 1] = 7.0, -3.0  # beyond the training range
    picture = as_pictures(frames, (2, 4))[0]
    grey = (
        picture * torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        + torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    )
    torch.testing.assert_close(
        grey, torch.tensor([[1.0, 0.0, 127 / 255, 127 / 255], [127 / 255] * 4]).expand(3, 2, 4)
    )


@pytest.mark.parametrize("size", [(7, 11), (6, 6), (1, 2)])
def test_cells_are_torchs_own(size: tuple[int, int]) -> None:
    values = torch.randn(2, 3, *size)
    torch.testing.assert_close(
        average_cells(values, 6), nn.functional.adaptive_avg_pool2d(values, 6)
    )


def test_the_imagenet_checkpoint_of_torchvision_fits(tmp_path: Any) -> None:
    from torchvision.models import alexnet as published

    original = published(weights=None).eval()
    found = {
        name: tensor
        for name, tensor in original.state_dict().items()
        if name.startswith("features")
    }
    torch.save(found | {"classifier.1.weight": torch.zeros(1)}, tmp_path / "alexnet.pth")
    mine = SegmentAlexNet(200, "alexnet.pth", str(tmp_path))
    picture = torch.randn(1, 3, 70, 90)
    assert torch.equal(mine.features(picture), original.features(picture))
    with pytest.raises(MmserError, match=r"the weights of AlexNet; found nothing at nowhere\.pth"):
        SegmentAlexNet(200, "nowhere.pth", str(tmp_path))
    torch.save(found | {"layer1.0.conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(
        MmserError, match=r"the tensors of AlexNet in .*other\.pth; found no place for layer1"
    ):
        SegmentAlexNet(200, "other.pth", str(tmp_path))


def test_cached_frames_are_cut_like_the_networks() -> None:
    values = torch.randn(2, 13, 3)
    found = SegmentFrames(3, hop=6, frames=5)(padded(values, (13, 4)))
    assert found.values.shape == (2, 15, 3)
    torch.testing.assert_close(found.values[0, 5:10], values[0, 6:11])
    assert found.mask[0].tolist() == [True] * 11 + [False] * 4 and found.mask[1].sum() == 4
    assert found.values[~found.mask].eq(0).all()


def test_waveforms_are_normalised_before_they_are_padded_and_emphasised_on_demand() -> None:
    made = SegmentWav2Vec2(
        1, "random", configuration=TINY, segment_frames=10, preemphasis=0.5
    ).eval()
    seen: list[Tensor] = []
    made.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    waveform = torch.randn(1, 2000) * 3 + 1
    made(padded(waveform, (2000,)))
    expected = waveform.clone()
    expected[:, 1:] -= 0.5 * waveform[:, :-1]
    expected = expected[:, 1600:]
    expected = (expected - expected.mean()) / expected.std(correction=0)
    torch.testing.assert_close(seen[0][1, :400], expected[0], atol=1e-4, rtol=1e-4)
    assert seen[0].shape == (2, 1600) and seen[0][1, 400:].eq(0).all()


def test_gradients_reach_the_branches_by_both_paths() -> None:
    """wav2vec 2.0 through the weighted sum; MFCC through the gates and directly (either, with the
    other cut).
    """

    def felt(cut: slice, stop_gates: bool) -> dict[str, bool]:
        made = system(frames=100)
        if stop_gates:
            made.fusion.gates["waveform"].register_forward_hook(lambda *given: given[2].detach())
        nn.init.constant_(made.fusion.gates["waveform"].bias, 1.0)
        given = streams(100, 100)
        made(given, empty_context(2)).vector[:, cut].sum().backward()
        return {
            n: any(p.grad is not None and p.grad.ne(0).any() for p in m.parameters())
            for n, m in made.encoders.items()
        }

    assert felt(slice(16, 24), stop_gates=False) == {
        "spectrogram": True,
        "mfcc": True,
        "waveform": True,
    }
    assert felt(slice(16, 24), stop_gates=True) == {
        "spectrogram": False,
        "mfcc": False,
        "waveform": True,
    }
    assert felt(slice(8, 16), stop_gates=True) == {
        "spectrogram": False,
        "mfcc": True,
        "waveform": False,
    }


def test_an_utterance_of_several_segments_is_judged_alone_as_in_a_batch() -> None:
    model, given = system(frames=100), streams(225, 100)
    together = model(given, empty_context(2)).logits
    alone = {
        n: Stream(s.values[1:, : int(s.lengths[1])], s.mask[1:, : int(s.lengths[1])])
        for n, s in given.items()
    }
    torch.testing.assert_close(model(alone, empty_context(1)).logits[0], together[1])


def test_eight_segments_are_learnt_by_heart() -> None:
    model, given = system(frames=100), streams(*[100] * 8)
    target = torch.arange(8) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(300):
        logits = model(given, empty_context(8)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.nll_loss(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 300 steps")


def test_the_head_needs_a_sequence() -> None:
    from mmser.models.encoders.sequence.identity import Identity
    from mmser.models.fusion.concat import Concat

    model = MultimodalModel({"mfcc": Identity(3)}, Concat({"mfcc": 3}), SegmentAverage(3, TASK))
    with pytest.raises(
        MmserError, match="a fusion with a sequence for this head; found a vector alone"
    ):
        model({"mfcc": padded(torch.randn(1, 2, 3), (2,))}, empty_context(1))


def test_width_scales_the_channels() -> None:
    assert alexnet(0.125)[1] == 32

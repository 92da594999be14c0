"""Contrastive predictive coding: sizes, causality, the loss at its known values, the sampler."""

import math

import pytest
import torch
from hydra.utils import instantiate
from makers.steps import losses_of
from torch import nn

from mmser.composition import compose
from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.cpc import CPC
from mmser.models.fusion.attentive_statistics import AttentiveStatistics
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import build_model
from mmser.objectives.paradigms.cpc import ContrastivePrediction
from mmser.objectives.terms.concordance import concordance
from mmser.runs.training_stages import list_stages

TASK = Task(values=("valence", "arousal", "dominance"))
WORDS = ["corpus=msp_podcast", "protocol=msp_podcast_vad"]


def count(module):
    return sum(p.numel() for p in module.parameters())


def waveform(*lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(len(lengths), max(lengths), generator=generator)
    return Stream(values, torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


def small(**options):
    torch.manual_seed(0)
    return CPC(1, latent_size=8, context_size=6, **{"samples": None, **options})


@pytest.mark.parametrize(
    ("system", "size", "expected"), [("cpc_ser", 1, 1_234_563), ("cpc_ser_mfcc", 40, 110_763)]
)
def test_parameters_of_the_deployed_systems(system, size, expected):
    parts = instantiate(compose("train", [f"system={system}", *WORDS])["model"], _convert_="all")
    with torch.device("meta"):
        model = build_model(
            parts["encoders"], parts["fusion"], parts["head"], {"audio": size}, TASK
        )
    assert count(model) == expected


def test_parameters_of_the_pretraining_model():
    with torch.device("meta"):
        encoder, objective = CPC(1), ContrastivePrediction(TASK, 512)
    assert (count(encoder.convolutions), count(encoder.recurrence), count(objective)) == (
        329_472,
        296_448,
        393_216,
    )
    assert count(encoder) + count(objective) == 1_019_136


def test_ten_seconds_are_998_frames():
    out = small().eval().latents(waveform(160_000))
    assert out.values.shape == (1, 998, 8) and out.mask.all()
    assert small().receptive_field == 425


def test_the_context_is_causal():
    encoder = small().eval()
    stream = waveform(4000)
    other = stream.values.clone()
    other[:, 2500:] = 0.0
    seen = (2500 - 425) // 160 + 1
    first, second = encoder(stream).values, encoder(Stream(other, stream.mask)).values
    assert torch.equal(first[:, :seen], second[:, :seen])
    assert not torch.allclose(first[:, seen + 1 :], second[:, seen + 1 :])


def test_short_clips_are_repeated():
    encoder = small(samples=8000)
    stream = waveform(3000, 1000)
    filled, lengths = encoder._filled(stream.filled(), stream)
    assert lengths.tolist() == [8000, 8000]
    steps = torch.arange(8000)
    assert torch.equal(filled[0], stream.values[0, steps % 3000])
    assert torch.equal(filled[1], stream.values[1, steps % 1000])


class Model(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoders = nn.ModuleDict({"audio": encoder})


def batch_of(stream):
    rows = len(stream.mask)
    return Batch(tuple(map(str, range(rows))), {"audio": stream}, empty_context(rows))


def objective(**options):
    torch.manual_seed(0)
    return ContrastivePrediction(TASK, 4, **{"context_size": 6, "latent_size": 8, **options})


def test_a_random_start_guesses_one_of_51():
    loss = losses_of(objective(), Model(small()), batch_of(waveform(9000, 7000)))["cpc"]
    assert float(loss.detach()) == pytest.approx(math.log(51), abs=0.1)


def test_a_perfect_prediction_of_orthogonal_frames_costs_nothing_and_the_temperature_counts():
    frames = 3.0 * torch.eye(60)[None]
    predicted = 30.0 * frames.roll(-2, dims=1) / 9.0
    mask = torch.ones(1, 60, dtype=torch.bool)
    sharp, flat = (
        objective(temperature=t).step_loss(predicted, frames, mask, 2) for t in (1.0, 100.0)
    )
    assert float(sharp) < 1e-3
    assert float(flat) > 2.0


def test_negatives_are_every_other_frame_and_never_the_target():
    target, lengths = torch.tensor([[3], [0], [4]]), torch.tensor([5, 5, 5])
    drawn = objective(negatives=4000).draw(target, lengths)
    for row, own in enumerate((3, 0, 4)):
        assert set(drawn[row].flatten().tolist()) == set(range(5)) - {own}


def test_the_last_frames_use_valid_steps_only_and_padding_is_nothing():
    latents, predicted = torch.randn(2, 9, 4), torch.randn(2, 9, 4)
    mask = torch.arange(9) < torch.tensor([[9], [4]])
    task = objective(negatives=3).eval()
    loss = task.step_loss(predicted, latents, mask, 3)
    changed = latents.clone()
    changed[1, 4:] = 7.0
    torch.testing.assert_close(task.step_loss(predicted, changed, mask, 3), loss)
    assert float(task.step_loss(predicted[1:], latents[1:], mask[1:], 5)) == 0.0


def test_pretraining_lowers_the_loss():
    model, task = Model(small()), objective(steps=2, negatives=10)
    time = torch.arange(6000) / 16_000
    tones = torch.stack(
        [torch.sin(2 * math.pi * (200 + 400 * time) * time * rate) for rate in (1.0, 2.0)]
    )
    batch = batch_of(Stream(tones, torch.ones(2, 6000, dtype=torch.bool)))
    optimizer = torch.optim.Adam([*model.parameters(), *task.parameters()], lr=1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = losses_of(task, model, batch)["cpc"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.3


def test_another_encoder_is_refused():
    with pytest.raises(MmserError, match="latents and contexts for stream 'audio'"):
        losses_of(objective(), Model(nn.Identity()), batch_of(waveform(1000)))


def test_statistics_without_attention_ignore_the_order_and_one_frame_is_finite():
    fusion = AttentiveStatistics({"audio": 6}, heads=2, inner_size=8).eval()
    values, mask = torch.randn(2, 5, 6), torch.ones(2, 5, dtype=torch.bool)
    forwards = fusion({"audio": Stream(values, mask)}, empty_context(2)).vector
    backwards = fusion({"audio": Stream(values.flip(1), mask)}, empty_context(2)).vector
    torch.testing.assert_close(forwards, backwards)
    single = fusion(
        {"audio": Stream(values[:, :1].requires_grad_(), mask[:, :1])}, empty_context(2)
    ).vector
    single.sum().backward()
    assert single.isfinite().all()
    torch.testing.assert_close(single[:, 6:], torch.full((2, 6), 1e-5**0.5))


def test_overfits_64_signals_in_each_value():
    """The strengths of three tones are the three values. Eight seeds need 80 to 190 steps."""
    torch.manual_seed(0)
    target, time = torch.rand(64, 3), torch.arange(1000) / 16_000
    tones = torch.sin(
        2 * math.pi * torch.tensor([300.0, 1000.0, 2500.0])[:, None] * time
        + 6 * torch.rand(64, 3, 1)
    )
    values = ((0.2 + target)[..., None] * tones).sum(dim=1)
    batch = batch_of(Stream(values, torch.ones(64, 1000, dtype=torch.bool)))
    model = build_model(
        {
            "audio": lambda input_size: CPC(
                input_size, latent_size=16, context_size=16, samples=None
            )
        },
        lambda input_sizes: AttentiveStatistics(input_sizes, heads=2, inner_size=8),
        lambda input_size, task: Classifier(
            input_size, task, hidden_sizes=[32], dropout=0.0, input_dropout=0.0
        ),
        {"audio": 1},
        TASK,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(400):
        found = concordance(model(batch.streams, batch.context).values, target)
        if found.min() > 0.95:
            return
        optimizer.zero_grad()
        (1.0 - found.mean()).backward()
        optimizer.step()
    pytest.fail("not learnt within 400 steps")


def test_the_second_stage_takes_the_encoder_over_and_freezes_it():
    cpc, emotion = list_stages(compose("train", ["system=cpc_ser", *WORDS]))
    assert cpc.config["objective"]["_target_"].endswith("ContrastivePrediction")
    assert emotion.config["objective"]["_target_"].endswith("ConcordanceLoss")
    assert emotion.load == ("encoders.*",) and emotion.config["trainer"]["freeze"] == ["encoders.*"]

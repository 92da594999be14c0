"""MAEC: segments, context, gate, and which step moves what."""

import math

import pytest
import torch
from makers.steps import losses_of
from torch import nn

from mmser.core.batch import Batch, Context, Outputs, Stream, empty_context
from mmser.core.task import Task
from mmser.models.encoders.audio.maec import MAECTurn, SegmentBlock
from mmser.models.fusion.maec import MAEC
from mmser.objectives.losses.maec import AdversarialClassifier

TASK = Task(classes=tuple("abcd"), genders=("F", "M"))


def count(module):
    return sum(p.numel() for p in module.parameters())


def stream_of(*lengths, size=6):
    values = torch.randn(
        len(lengths), max(lengths), size, generator=torch.Generator().manual_seed(0)
    )
    return Stream(values, torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


def test_parameters():
    encoder, training = MAECTurn(45), AdversarialClassifier(TASK, 1024)
    assert (count(encoder.block), count(encoder)) == (876_160 + 28_928, 1_564_032)
    assert count(training.discriminator) == 525_313
    assert count(encoder) + count(training) + 1024 * 4 + 4 == 2_095_495


def test_a_segment_is_five_frames_and_cutting_first_gives_the_same():
    block, stream = SegmentBlock(6, 8, 4), stream_of(12)
    whole, mask = block(stream.values, stream.mask)
    assert whole.shape == (1, 8, 4) and mask.all()
    cut = stream.values[0].unfold(0, 5, 1).transpose(1, 2)  # (segment, frame, feature)
    single, _ = block(cut, torch.ones(8, 5, dtype=torch.bool))
    torch.testing.assert_close(whole[0], single[:, 0], atol=1e-6, rtol=1e-5)


def test_the_receptive_field_is_exactly_the_segment():
    torch.manual_seed(0)
    block, stream = SegmentBlock(6, 32, 4), stream_of(12)
    values = stream.values.requires_grad_()
    block(values, stream.mask)[0][0, 3].sum().backward()
    touched = values.grad[0].abs().sum(dim=1) > 0
    assert not touched[:3].any() and not touched[8:].any()
    assert touched[3] and touched[5] and touched[7]


@pytest.mark.parametrize(("frames", "segments"), [(3, 1), (5, 1), (6, 2)])
def test_short_turns_have_one_segment(frames, segments):
    block = SegmentBlock(6, 8, 4)
    stream = stream_of(frames, 9)
    assert block(stream.values, stream.mask)[1].sum(dim=1).tolist() == [segments, 5]


def test_padding_and_absence():
    encoder, stream = MAECTurn(6, 8, 4, 8).eval(), stream_of(9, 30)
    garbled = Stream(stream.values.masked_fill(~stream.mask[..., None], float("nan")), stream.mask)
    alone = encoder(Stream(stream.values[:1, :9], stream.mask[:1, :9])).values
    torch.testing.assert_close(encoder(garbled).values[:1], alone, atol=1e-5, rtol=1e-4)
    absent = encoder(Stream(stream.values, torch.zeros_like(stream.mask)))
    assert absent.values.eq(0).all() and not absent.mask.any()


def test_pooled_frames_are_means_of_five_wherever_the_real_ones_stand():
    pooled, plain = MAECTurn(6, 8, 4, 8, pool=5).eval(), MAECTurn(6, 8, 4, 8).eval()
    plain.load_state_dict(pooled.state_dict())
    stream = stream_of(40)
    means = stream.values.unflatten(1, (8, 5)).mean(dim=2)
    expected = plain(Stream(means, torch.ones(1, 8, dtype=torch.bool))).values
    torch.testing.assert_close(pooled(stream).values, expected)
    gappy, mask = torch.full((2, 50, 6), float("nan")), torch.zeros(2, 50, dtype=torch.bool)
    place = torch.arange(50) % 5 != 2  # 40 of 50 frames are real
    gappy[0, place], mask[0, place] = stream.values[0], True
    torch.testing.assert_close(
        pooled(Stream(gappy, mask)).values[:1], expected, atol=1e-5, rtol=1e-4
    )
    assert pooled(Stream(gappy, mask)).values[1].eq(0).all()


def test_the_gate_is_a_softmax_over_features_and_uniform_without_context():
    fusion = MAEC({"audio": 8})
    torch.testing.assert_close(
        fusion.gate(torch.randn(3, 8), torch.randn(3, 8)).sum(dim=1), torch.ones(3)
    )
    stream = Stream(torch.randn(2, 1, 8), torch.ones(2, 1, dtype=torch.bool))
    vector = fusion({"audio": stream}, empty_context(2)).vector
    torch.testing.assert_close(vector[:, :8], stream.values[:, 0] / 8)
    torch.testing.assert_close(vector[:, 8:], stream.values[:, 0])


def test_context_changes_the_current_turn_only():
    fusion, values = MAEC({"audio": 8}), torch.randn(3, 1, 8)
    stream = Stream(values, torch.ones(3, 1, dtype=torch.bool))
    row = torch.arange(3)
    together = Context(torch.zeros(3).long(), row, torch.tensor([0, 1, 0]))
    vector = fusion({"audio": stream}, together).vector
    gate = torch.softmax(values[0, 0] * values[1, 0], dim=0)
    torch.testing.assert_close(vector[2, :8], values[2, 0] * gate)
    torch.testing.assert_close(vector[0, :8], values[0, 0] / 8)


class Encoder(nn.Module):
    def __init__(self, size=4):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.head = nn.Linear(3, size), nn.Linear(size, 4)

    def forward(self, streams, context, need_attention=False):
        vector = self.layer(streams["x"].values[:, 0])
        return Outputs(vector, self.head(vector))


def batch_of(rows=8):
    values = torch.randn(rows, 1, 3, generator=torch.Generator().manual_seed(1))
    row = torch.arange(rows)
    stream = Stream(values, torch.ones(rows, 1, dtype=torch.bool))
    return Batch(
        tuple(map(str, row.tolist())),
        {"x": stream},
        empty_context(rows),
        {"emotion": row % 4, "gender": row % 2},
    )


def objective(**options):
    torch.manual_seed(2)
    return AdversarialClassifier(TASK, 4, hidden_size=8, **options)


def test_the_discriminators_loss_moves_it_alone_and_the_encoders_leaves_it():
    model, task = Encoder(), objective()
    losses = losses_of(task, model, batch_of())
    losses["discriminator"].backward(retain_graph=True)
    assert model.layer.weight.grad is None and task.discriminator[0].weight.grad.abs().sum() > 0
    task.zero_grad()
    losses["adversarial"].backward(retain_graph=True)
    assert model.layer.weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in task.discriminator.parameters())


def test_at_half_the_discriminators_loss_is_two_log_two():
    task = objective()
    with torch.no_grad():
        task.discriminator[2].weight.zero_()
        task.discriminator[2].bias.zero_()
    loss = task.discriminator_loss(torch.randn(5, 4), torch.randn(5, 4))
    assert float(loss.detach()) == pytest.approx(2 * math.log(2), abs=1e-6)


def judged(task, vector):
    return float(torch.sigmoid(task.discriminator(vector)).mean().detach())


def stepped(loss, parameters, rate=0.05):
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(rate * gradient)


def test_signs_of_the_discriminators_step():
    task, prior, vector = objective(), torch.randn(64, 4) + 1.0, torch.randn(64, 4) - 1.0
    before = judged(task, prior), judged(task, vector)
    stepped(task.discriminator_loss(prior, vector), list(task.discriminator.parameters()))
    assert judged(task, prior) > before[0] and judged(task, vector) < before[1]


@pytest.mark.parametrize("saturating", [False, True])
def test_signs_of_the_encoders_step(saturating):
    task, vector = objective(saturating=saturating), torch.randn(16, 4, requires_grad=True)
    before = judged(task, vector)
    stepped(task.adversarial_loss(vector), [vector])
    assert judged(task, vector) > before


def test_a_step_on_the_classes_lowers_both_cross_entropies():
    model, task, batch = Encoder(), objective(adversarial=False), batch_of()
    before = losses_of(task, model, batch)
    stepped(before["emotion"] + before["gender"], [*model.parameters(), *task.parameters()])
    after = losses_of(task, model, batch)
    assert all(float((after[name] - before[name]).detach()) < 0 for name in ("emotion", "gender"))


def test_mec_has_no_discriminator():
    task = objective(adversarial=False)
    assert set(losses_of(task, Encoder(), batch_of())) == {"emotion", "gender"}
    assert {name.split(".")[0] for name, _ in task.named_parameters()} == {"gender"}


def test_one_gender_leaves_the_layer_out():
    task = AdversarialClassifier(Task(classes=tuple("abcd"), genders=("F",)), 4, adversarial=False)
    assert set(losses_of(task, Encoder(), batch_of())) == {"emotion"}


def test_the_discriminator_cannot_win_on_the_toy():
    """Two clusters in 2-D, no class term, weight 1, Adam 1e-3 with beta1 0.5: the balance of the
    specification.
    """
    torch.manual_seed(0)
    task, layer = AdversarialClassifier(Task(classes=("a",)), 2, hidden_size=32), nn.Linear(2, 2)
    encoders = torch.optim.Adam(layer.parameters(), lr=1e-3, betas=(0.5, 0.999))
    critics = torch.optim.Adam(task.discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    seen = []
    for step in range(1200):
        inputs = torch.randn(64, 2) * 0.3 + torch.where(torch.rand(64, 1) < 0.5, 2.0, -2.0)
        vector = layer(inputs)
        loss = task.discriminator_loss(torch.randn(64, 2), vector)
        total = loss + task.adversarial_loss(vector)
        for optimizer in (encoders, critics):
            optimizer.zero_grad()
        total.backward()
        encoders.step()
        critics.step()
        if step >= 800:
            seen.append(float(loss.detach()))
    assert 1.1 < sum(seen) / len(seen) < 1.45
    assert (layer(inputs).std(dim=0) > 0.1).all() and (layer(inputs).std(dim=0) < 3.0).all()

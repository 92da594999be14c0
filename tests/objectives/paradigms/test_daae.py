"""DAAE: sizes, exact reconstruction shapes, whose gradient is reversed, attention over segments."""

import pytest
import torch
from makers.steps import losses_of
from torch import nn

from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.daae import DAAE
from mmser.objectives.paradigms.daae import AdversarialAutoencoder, SegmentDecoder
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy

CHANNELS = (2, 4, 4)
TASK = Task(classes=("a", "b"), speakers=("s", "t", "u"), corpora=("one", "two"))


def count(module):
    return sum(p.numel() for p in module.parameters())


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoders = nn.ModuleDict({"audio": DAAE(129, CHANNELS, 8, 2, 4)})


def objective(task=TASK, **options):
    torch.manual_seed(1)
    return AdversarialAutoencoder(task, 8, channels=CHANNELS, latent_size=8, **options)


def batch_of(*lengths):
    rows = len(lengths)
    values = torch.randn(rows, max(lengths), 129, generator=torch.Generator().manual_seed(2))
    stream = Stream(values, torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])
    row = torch.arange(rows)
    targets = {"emotion": row % 2, "speaker": row % 3, "corpus": row % 2}
    return Batch(tuple(map(str, range(rows))), {"audio": stream}, empty_context(rows), targets)


def test_parameters():
    task = Task(classes=tuple("abcd"), speakers=tuple(map(str, range(28))), corpora=tuple("wxyz"))
    with torch.device("meta"):
        encoder, training = DAAE(129), AdversarialAutoencoder(task, 256)
    assert count(encoder.coder) == count(encoder.deep) == 2_321_600
    assert count(training.decoder) == 2_329_665
    assert count(training.heads) == 103_332
    assert count(encoder) + 256 * 4 + 4 == 5_433_988
    assert count(encoder) + 256 * 4 + 4 + count(training) == 7_866_985


def test_the_autoencoder_gives_back_the_shape():
    decoder = SegmentDecoder((32, 64, 128), 8, 32, 129)
    assert decoder.shape == (128, 4, 17)
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert decoder(torch.randn(2, 3, 8), mask).shape == (2, 3, 32, 129)


@pytest.mark.parametrize(("frames", "segments"), [(10, 1), (65, 1), (66, 2), (100, 3), (2000, 30)])
def test_segments(frames, segments):
    encoder = Model().encoders["audio"]
    cut, mask = encoder.segments(batch_of(frames).streams["audio"])
    assert cut.shape == (1, segments, 32, 129) and mask.all()


def test_the_encoders_gradient_is_the_reference_form():
    """dL_AE + alpha (dL_e - lambda (beta dL_s + (1 - beta) dL_c)), put together by hand."""
    model, task, batch = (
        Model(),
        objective(alpha=0.7, beta=0.3, strength=0.5),
        batch_of(70, 40, 66, 34),
    )
    losses = losses_of(task, model, batch, progress=1.0)
    sum(losses.values()).backward()
    coder = model.encoders["audio"].coder
    found = torch.cat([p.grad.flatten() for p in coder.parameters()])
    segments, mask = model.encoders["audio"].segments(batch.streams["audio"])
    latent = coder(segments, mask)
    squares = (task.decoder(latent, mask) - segments).square().mean(dim=(2, 3))
    plain = {"reconstruction": (squares * mask).sum() / mask.sum()}
    for name, head in task.heads.items():
        target = batch.targets[name][:, None].expand(mask.shape).masked_fill(~mask, -100)
        plain[name] = labelled_cross_entropy(head(latent).flatten(0, 1), target.flatten())
    strength = 0.5 * 0.9999092
    signs = {
        "reconstruction": 1.0,
        "emotion": 0.7,
        "speaker": -0.7 * strength * 0.3,
        "corpus": -0.7 * strength * 0.7,
    }
    total = sum(signs[name] * loss for name, loss in plain.items())
    expected = torch.autograd.grad(total, list(coder.parameters()))
    torch.testing.assert_close(
        found, torch.cat([g.flatten() for g in expected]), atol=1e-6, rtol=1e-3
    )


def test_a_step_of_the_head_lowers_the_speaker_loss_and_one_of_the_encoder_raises_it():
    batch = batch_of(70, 40, 66, 34)
    for part, sign in (("heads", -1), ("coder", 1)):
        model, task = Model(), objective()
        parameters = list(
            task.heads.parameters()
            if part == "heads"
            else model.encoders["audio"].coder.parameters()
        )
        before = losses_of(task, model, batch, progress=1.0)["speaker"]
        gradients = torch.autograd.grad(before, parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter.sub_(0.01 * gradient / (gradient.norm() + 1e-9))
        after = losses_of(task, model, batch, progress=1.0)["speaker"]
        assert sign * float((after - before).detach()) > 0


def test_strength_zero_at_the_start_leaves_the_adversary_without_effect():
    model, task = Model(), objective()
    losses = losses_of(task, model, batch_of(70, 40))
    (losses["speaker"] + losses["corpus"]).backward()
    assert all(p.grad.eq(0).all() for p in model.encoders["audio"].coder.parameters())


def test_the_second_stage_is_the_reconstruction_alone_and_one_corpus_has_no_corpus_term():
    assert set(losses_of(objective(adversarial=False), Model(), batch_of(40, 40))) == {
        "reconstruction"
    }
    single = Task(classes=("a", "b"), speakers=("s", "t", "u"), corpora=("one",))
    assert set(objective(single).heads) == {"emotion", "speaker"}


def test_the_second_stage_moves_the_coder_and_the_decoder_alone():
    model, task = Model(), objective(adversarial=False)
    assert not list(task.heads.parameters())
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    optimizer = torch.optim.Adadelta([*model.parameters(), *task.parameters()])
    losses_of(task, model, batch_of(70, 40))["reconstruction"].backward()
    optimizer.step()
    moved = {
        name for name, tensor in model.named_parameters() if not torch.equal(tensor, before[name])
    }
    coder = {name for name in before if ".coder." in name}
    weights = {name for name in coder if name.endswith(".weight")}
    assert weights <= moved <= coder and weights  # a bias before a batch norm has no gradient


def test_padding_is_no_segment():
    model, task = Model().eval(), objective().eval()
    batch = batch_of(70, 36)
    losses = losses_of(task, model, batch)
    batch.streams["audio"].values[1, 36:] = float("nan")
    again = losses_of(task, model, batch)
    assert all(torch.equal(again[name], loss) for name, loss in losses.items())


def test_eight_segments_are_learnt():
    torch.manual_seed(0)
    model, task = Model(), objective(adversarial=False)
    shape = (
        torch.randn(8, 1) @ torch.sin(torch.arange(129) / 7.0)[None]
    )  # one pattern, eight strengths
    values = shape.repeat_interleave(32, dim=0).reshape(8, 32, 129)
    stream = Stream(values, torch.ones(8, 32, dtype=torch.bool))
    batch = Batch(tuple("abcdefgh"), {"audio": stream}, empty_context(8))
    optimizer = torch.optim.Adam(
        [*model.encoders["audio"].coder.parameters(), *task.parameters()], lr=0.02
    )
    for _ in range(100):
        optimizer.zero_grad()
        loss = losses_of(task, model, batch)["reconstruction"]
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.05 * float(values.var())


def test_one_segment_attends_to_itself():
    encoder = Model().encoders["audio"].eval()
    deep, latent = torch.randn(1, 1, 8), torch.randn(1, 1, 8)
    expected = encoder.out(encoder.value(encoder.joint(torch.cat([deep, latent], dim=-1))))
    torch.testing.assert_close(
        encoder.attend(deep, latent, torch.ones(1, 1, dtype=torch.bool)), expected
    )


def test_another_encoder_is_refused():
    model = nn.Module()
    model.encoders = nn.ModuleDict({"audio": nn.Identity()})
    with pytest.raises(MmserError, match="the encoder daae for stream 'audio'"):
        losses_of(objective(), model, batch_of(40, 40))


class LinearCoder(DAAE):
    """A stand-in for the encoder: segments (batch, segment, 4, 8) -> 3 features."""

    def __init__(self):
        nn.Module.__init__(self)
        self.layer = nn.Linear(32, 3)
        self.coder = lambda segments, mask: self.layer(segments.flatten(2))

    def segments(self, stream):
        return stream.values, stream.mask


def spoken(rows, seed):
    """One band tells the emotion, a weaker one the speaker."""
    row = torch.arange(rows)
    emotion, speaker = row % 2, row // 2 % 2
    values = 0.3 * torch.randn(rows, 1, 4, 8, generator=torch.Generator().manual_seed(seed))
    values[..., 1] += (2.0 * emotion - 1.0)[:, None, None]
    values[..., 5] += (speaker - 0.5)[:, None, None]
    stream = Stream(values, torch.ones(rows, 1, dtype=torch.bool))
    targets = {"emotion": emotion, "speaker": speaker}
    return Batch(tuple(map(str, range(rows))), {"audio": stream}, empty_context(rows), targets)


@pytest.mark.parametrize(("strength", "hidden"), [(0.0, False), (1.0, True)])
def test_the_adversary_hides_the_speaker_from_a_linear_probe_and_keeps_the_emotion(
    strength, hidden
):
    """Over 8 seeds: speaker 0.995 to 1.0 without, 0.47 to 0.59 with the adversary; emotion 0.98 to
    1.0.
    """
    from sklearn.linear_model import LogisticRegression

    torch.manual_seed(0)
    model = nn.Module()
    model.encoders = nn.ModuleDict({"audio": LinearCoder()})
    task = AdversarialAutoencoder(
        Task(("a", "b"), speakers=("s", "t")),
        3,
        "audio",
        (4,),
        3,
        4,
        8,
        alpha=3.0,
        beta=1.0,
        strength=strength,
    )
    groups = [
        {"params": [*model.parameters(), *task.decoder.parameters()]},
        {"params": task.heads.parameters(), "lr": 0.015},
    ]
    optimizer = torch.optim.Adam(groups, lr=0.005)
    learnt, heard = spoken(100, 0), spoken(200, 1)
    for step in range(250):
        optimizer.zero_grad()
        sum(losses_of(task, model, learnt, progress=step / 250).values()).backward()
        optimizer.step()
    latent = [
        model.encoders["audio"].layer(b.streams["audio"].values.flatten(1)).detach()
        for b in (learnt, heard)
    ]
    found = {
        name: LogisticRegression()
        .fit(latent[0], learnt.targets[name])
        .score(latent[1], heard.targets[name])
        for name in ("speaker", "emotion")
    }
    assert found["emotion"] > 0.95
    assert found["speaker"] < 0.75 if hidden else found["speaker"] > 0.95

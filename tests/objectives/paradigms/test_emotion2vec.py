"""emotion2vec: sizes, the published layout, masks, teacher, losses."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from makers.emotion2vec_file import published
from makers.steps import losses_of
from safetensors.torch import save_file
from torch import nn

from mmser.composition import compose
from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.emotion2vec.encoder import Emotion2Vec
from mmser.models.layers.attention.alibi import AlibiBackbone, alibi_slopes
from mmser.objectives.paradigms.emotion2vec import (
    Emotion2VecPretraining,
    student_on_others,
    utterance_loss,
)

SMALL = {"size": 16, "layers": 3, "heads": 2, "inner_size": 32}


def count(module):
    return sum(p.numel() for p in module.parameters())


def encoder(**options):
    torch.manual_seed(0)
    return Emotion2Vec(
        1, **{**SMALL, "channels": 8, "groups": 4, "tokens": 2, "dropout": 0.0, **options}
    )


def objective(**options):
    torch.manual_seed(1)
    return Emotion2VecPretraining(
        Task(classes=("a",)),
        4,
        **{**SMALL, "decoder_size": 8, "groups": 4, "average": 2, **options},
    )


class Model(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.encoders = nn.ModuleDict({"audio": encoder(**options)})


def stream_of(*lengths):
    values = torch.randn(len(lengths), max(lengths), generator=torch.Generator().manual_seed(2))
    return Stream(values, torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


def batch_of(stream):
    rows = len(stream.mask)
    return Batch(tuple(map(str, range(rows))), {"audio": stream}, empty_context(rows))


def test_parameters():
    with torch.device("meta"):
        whole = Emotion2Vec(1)
        training = Emotion2VecPretraining(Task(classes=("a",)), 768)
        probe = Emotion2Vec(1, projection_size=256).projection
    assert count(whole.front) == 4_206_592 + 395_008 + 3_505_920
    assert count(whole) == 93_171_200
    assert count(whole) + count(training.decoder) == 93_790_976
    assert count(probe) + 256 * 4 + 4 == 197_892
    assert not any(p.requires_grad for p in training.teacher.parameters())


@pytest.mark.parametrize(("samples", "frames"), [(16_000, 49), (48_000, 149), (160_000, 499)])
def test_fifty_frames_per_second(samples, frames):
    out = encoder().eval().front(stream_of(samples))
    assert out.values.shape == (1, frames, 16) and out.mask.all()


@pytest.mark.parametrize(
    ("embedding", "tokens", "steps"), [("utterance", 2, 1), ("utterance", 0, 1), ("chunk", 2, 2)]
)
def test_embeddings_of_utterances_do_not_see_padding(embedding, tokens, steps):
    network = encoder(embedding=embedding, tokens=tokens).eval()
    stream = stream_of(4000, 1500)
    together, alone = (
        network(stream),
        network(Stream(stream.values[1:, :1500], stream.mask[1:, :1500])),
    )
    assert together.values.shape == (2, steps, 16)
    torch.testing.assert_close(together.values[1:], alone.values, atol=1e-4, rtol=1e-4)


def test_a_chunk_needs_tokens():
    with pytest.raises(MmserError, match="or chunk with tokens"):
        encoder(embedding="chunk", tokens=0)


def test_slopes_and_distances():
    assert alibi_slopes(4) == pytest.approx([0.25, 0.0625, 0.015625, 0.00390625])
    assert alibi_slopes(12)[8:] == pytest.approx([2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5])
    bias = AlibiBackbone(8, 1, 2, 8).bias(torch.arange(4)[None], tokens=1)[0, 0]
    assert bias[0].eq(0).all() and bias[:, 0].eq(0).all()
    torch.testing.assert_close(bias[1:, 1:], bias[1:, 1:].T)
    assert float(bias[1, 4]) == pytest.approx(-3 * 2.0**-4)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_the_published_layout_is_read(tmp_path, suffix):
    source, path = encoder().eval(), tmp_path / f"weights{suffix}"
    source.backbone.scale.fill_(0.3)
    tensors = published(source, prenet=2)
    save_file(tensors, path) if suffix == ".safetensors" else torch.save({"model": tensors}, path)
    torch.manual_seed(9)
    other = Emotion2Vec(
        1, **SMALL, channels=8, groups=4, tokens=2, prenet=2, weights=str(path)
    ).eval()
    stream = stream_of(2000)
    assert torch.equal(other(stream).values, source(stream).values)


def test_a_file_that_lacks_a_tensor_is_refused(tmp_path):
    tensors = published(encoder(), prenet=2)
    del tensors["d2v_model.blocks.0.norm1.weight"]
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(MmserError, match=r"no backbone\.blocks\.2\.norm1\.weight"):
        encoder(prenet=2, weights=str(tmp_path / "w.safetensors"))
    with pytest.raises(MmserError, match="the weights of emotion2vec; found nothing"):
        encoder(weights=str(tmp_path / "none.pt"))


def test_a_file_that_is_no_file_of_tensors_is_refused(tmp_path):
    torch.save({"model": Path("more than tensors")}, tmp_path / "w.pt")
    with pytest.raises(MmserError, match="a file of tensors alone; found more than tensors"):
        encoder(weights=str(tmp_path / "w.pt"))


@pytest.mark.parametrize(
    ("rule", "share", "tolerance"), [("fraction", 0.41, 0.04), ("start_rate", 0.97, 0.02)]
)
def test_masks_are_spans_of_five_and_never_padding(rule, share, tolerance):
    torch.manual_seed(0)
    mask = torch.arange(520) < torch.full((40, 1), 500)
    drawn = objective(mask_rule=rule).draw_mask(mask)
    assert not (drawn & ~mask).any()
    assert float(drawn[:, :500].float().mean()) == pytest.approx(share, abs=tolerance)
    for row in drawn.tolist():
        text = "".join("x" if hit else "." for hit in row[:500])
        runs = [len(run) for run in text.split(".") if run]
        assert min(runs[:-1] + ([runs[-1]] if text[-1] == "." else [])) >= 5


def test_tau_runs_from_start_to_end():
    task = objective()
    seen = []
    for share in (0.0, 0.5, 1.0):
        task.progress = share
        seen.append(task.tau)
    assert seen == pytest.approx([0.999, 0.999495, 0.99999])


def test_the_teacher_is_the_moving_average_and_gets_no_gradient():
    model, task = Model(), objective()
    losses = losses_of(task, model, batch_of(stream_of(4000, 3000)))
    sum(losses.values()).backward()
    start = {name: p.clone() for name, p in task.teacher.named_parameters()}
    assert all(
        torch.equal(p, start[name])
        for name, p in model.encoders["audio"].backbone.named_parameters()
    )
    assert all(p.grad is None for p in task.teacher.parameters())
    assert model.encoders["audio"].tokens.grad.abs().sum() > 0
    with torch.no_grad():
        for p in model.encoders["audio"].backbone.parameters():
            p.add_(1.0)
    task.after_step(model)
    for name, weight in task.teacher.named_parameters():
        expected = 0.999 * start[name] + 0.001 * (start[name] + 1.0)
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-5)


def test_the_target_is_the_mean_of_the_last_blocks():
    task = objective()
    values, mask = torch.randn(2, 6, 16), torch.ones(2, 6, dtype=torch.bool)
    seen = []
    for block in task.teacher.blocks:
        block.register_forward_hook(lambda *given: seen.append(given[2]))
    target = task.target(values, mask)
    torch.testing.assert_close(target, (seen[1] + seen[2]) / 2)
    assert not target.requires_grad


def test_the_frame_loss_sees_masked_frames_alone():
    task, mask = objective(), torch.ones(1, 6, dtype=torch.bool)
    predicted, target = torch.randn(1, 6, 16), torch.randn(1, 6, 16)
    masked = torch.tensor([[False, True, True, False, False, False]])
    loss = task.frame_loss(predicted, target, masked, mask)
    predicted[:, 3:] = 50.0
    torch.testing.assert_close(task.frame_loss(predicted, target, masked, mask), loss)


def test_the_utterance_loss():
    target, mask = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    mean = target.mean(dim=1)
    assert float(utterance_loss(mean, target, mask)) == pytest.approx(0.0, abs=1e-12)
    assert float(utterance_loss(mean + 2.0, target, mask)) == pytest.approx(4.0, abs=1e-5)


def test_without_weight_the_tokens_learn_by_the_frames_alone_and_global_needs_none():
    model, task = Model(tokens=0), objective()
    losses = losses_of(task, model, batch_of(stream_of(4000)))
    assert losses["utterance"].requires_grad and model.encoders["audio"].tokens is None
    assert (
        float(
            losses_of(objective(utterance_weight=0.0), Model(), batch_of(stream_of(4000)))[
                "utterance"
            ].detach()
        )
        == 0.0
    )


@pytest.mark.parametrize("drop_masked", [False, True])
def test_the_student_hears_nothing_of_masked_frames(drop_masked):
    model, task, stream = Model(), objective(drop_masked=drop_masked), stream_of(16_000)
    encoder, masked = model.encoders["audio"].eval(), torch.zeros(1, 49, dtype=torch.bool)
    masked[:, 20:25] = True
    changed = stream.values.clone()
    changed[
        :, 19 * 320 + 400 : 25 * 320
    ] *= -3.0  # behind the last sample of frame 19, before the first of frame 25
    heard = []
    for values in (stream.values, changed):
        frames = encoder.front.projected(Stream(values, stream.mask))
        torch.manual_seed(3)
        heard.append((frames, *task.student(encoder, frames, masked)))
    (before, *told), (after, *retold) = heard
    torch.testing.assert_close(before.values[~masked], after.values[~masked])
    assert (before.values[masked] - after.values[masked]).abs().max() > 0.01
    torch.testing.assert_close(told, retold)


@pytest.mark.parametrize("tokens", [2, 0])
def test_a_dropped_frame_is_one_that_nobody_attends_to(tokens):
    """Leaving frames out and keeping their distances is the whole backbone with
    those keys hidden.
    """
    torch.manual_seed(0)
    student = encoder(tokens=tokens)
    frames = student.front(stream_of(6000, 3500))
    masked = objective().draw_mask(frames.mask)
    masked[1] |= torch.arange(masked.shape[1]) < 4
    seen, noise = frames.mask & ~masked, torch.randn_like(frames.values)
    assert 0 < int(seen[1].sum()) < int(seen[0].sum()) < frames.values.shape[1]
    told, values = student_on_others(student, frames, masked, noise)
    hidden, _ = student.backbone(frames.values, seen, student.tokens)
    torch.testing.assert_close(values[seen], hidden[:, tokens:][seen], atol=1e-5, rtol=1e-4)
    assert torch.equal(values[masked], noise[masked]) and values[~frames.mask].eq(0).all()
    expected = hidden[:, :tokens].mean(dim=1) if tokens else values[1][seen[1]].mean(dim=0)
    torch.testing.assert_close(told if tokens else told[1], expected, atol=1e-5, rtol=1e-4)


def test_a_student_without_masked_frames_computes_on_fewer():
    model, task, widths = Model(), objective(drop_masked=True), []
    backbone = model.encoders["audio"].backbone
    backbone.blocks[0].register_forward_pre_hook(lambda _, given: widths.append(given[0].shape[1]))
    torch.manual_seed(0)
    losses = losses_of(task, model, batch_of(stream_of(9000, 8000)))
    sum(losses.values()).backward()
    assert widths[0] < 0.85 * (2 + 27)
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert backbone.blocks[0].qkv.weight.grad.abs().sum() > 0


def test_an_utterance_masked_throughout_stays_finite():
    model, task = Model(), objective(drop_masked=True, mask_rule="start_rate", probability=1.0)
    losses = losses_of(task, model, batch_of(stream_of(2000, 1500)))
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("drop_masked", [False, True])
def test_pretraining_lowers_the_loss_without_collapse(drop_masked):
    torch.manual_seed(0)
    model, task = Model(), objective(drop_masked=drop_masked)
    batch = batch_of(stream_of(6000, 5000, 4000))
    parameters = [p for p in [*model.parameters(), *task.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = sum(losses_of(task, model, batch).values())
        loss.backward()
        optimizer.step()
        task.after_step(model)
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    frames = model.encoders["audio"].front(batch.streams["audio"])
    assert float(task.target(frames.values, frames.mask)[0].var(dim=0).mean()) > 0.01


def test_the_system_composes_and_the_probe_leaves_the_encoder_alone():
    settings = compose(
        "train", ["system=emotion2vec_small", "corpus=emodb", "protocol=emodb7_speaker10"]
    )
    made = instantiate(settings["stages"]["pretrain"]["objective"], _convert_="all")(
        task=Task(), vector_size=16
    )
    network = instantiate(load_config("encoder", "emotion2vec_small"), _convert_="all")(
        input_size=1
    )
    made.teacher.load_state_dict(network.backbone.state_dict())
    assert settings["stages"]["pretrain"]["optimizer"]["_target_"].endswith("AdamW")
    assert len(settings["stages"]["probe"]["trainer"]["freeze"]) == 3

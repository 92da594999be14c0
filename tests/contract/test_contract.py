"""The contract of every encoder, fusion and system that CONTRIBUTING names. What they are fed is made
in `makers.contract_subjects`.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from makers.contract_subjects import (
    BATCH,
    TASK,
    TINY_CLASSES,
    Subject,
    absent,
    garbled,
    published_system,
    rows,
    subject,
    subject_names,
    system_config,
    two_conversations,
)
from torch import Tensor, nn

from mmser.cache.tensors import save_module
from mmser.core.batch import empty_context
from mmser.core.configs import config_names
from mmser.models.layers.checkpoints.tensors import load_saved

EVERY = subject_names("encoder", "fusion", "system")
FUSED = subject_names("fusion", "system")
SYSTEMS = subject_names("system")
STEPS_TO_OVERFIT = 100
TOLERANCE = {"atol": 2e-5, "rtol": 1e-4}

every = pytest.mark.parametrize("name", EVERY)


@pytest.fixture
def case(name: str) -> Subject:
    return subject(name)


def same(found: dict[str, Tensor], expected: dict[str, Tensor], what: str) -> None:
    """Every answer agrees; a longer time axis may only add zeros (padded steps)."""
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        other = found[key]
        if other.shape != value.shape:
            assert other[:, value.shape[1] :].eq(0).all(), f"{what}: {key} differs in shape"
            other = other[:, : value.shape[1]]
        torch.testing.assert_close(
            other, value, **TOLERANCE, msg=lambda text, key=key: f"{what}: {key}: {text}"
        )


def rowwise(answer: dict[str, Tensor], index: Tensor) -> dict[str, Tensor]:
    return {key: value[index] for key, value in answer.items() if not key.startswith("loss")}


@every
def test_shape_and_type(case: Subject) -> None:
    module = case.made()
    answer = case.run(module, case.streams())
    assert all(torch.isfinite(value).all() for value in answer.values())
    assert all(value.dtype in (torch.float32, torch.bool) for value in answer.values())
    if case.is_encoder:
        assert answer["values"].shape == (*answer["mask"].shape, module.output_size)
        assert answer["mask"].any(dim=1).all()
    else:
        assert answer["vector"].shape == (
            BATCH,
            module.output_size if hasattr(module, "output_size") else module.vector_size,
        )
    if "logits" in answer:
        assert answer["logits"].shape == (BATCH, len(TASK.classes))
    if "values" in answer and not case.is_encoder:
        assert answer["values"].shape == (BATCH, len(TASK.values))
    assert all(parameter.dtype == torch.float32 for parameter in module.parameters())


@every
def test_padding_content_and_amount_change_nothing(case: Subject) -> None:
    module, streams = case.made(), case.streams()
    expected = case.run(module, {name: garbled(stream, 0) for name, stream in streams.items()})
    same(case.run(module, streams), expected, "garbage in the padding")
    extra = {
        n: garbled(s, case.shapes[n].garbage, 640 if case.shapes[n].reads == "waveform" else 5)
        for n, s in streams.items()
    }
    same(case.run(module, extra), expected, "more padding")


@every
def test_absent_modality_is_finite_and_ignored(case: Subject) -> None:
    module, streams = case.made(), case.streams()
    full = case.run(module, streams)
    others = torch.arange(1, BATCH)
    for name, shape in case.shapes.items():
        gone = {**streams, name: absent(streams[name], 0, shape.garbage)}
        answer = case.run(module, gone)
        assert all(torch.isfinite(value).all() for value in answer.values()), f"{name} absent"
        blank = case.run(module, {**streams, name: absent(streams[name], 0, 0)})
        same(answer, blank, f"what stands in the place of absent {name}")
        same(rowwise(answer, others), rowwise(full, others), f"rows beside one without {name}")
    none = {name: absent(stream, 0, case.shapes[name].garbage) for name, stream in streams.items()}
    assert all(torch.isfinite(value).all() for value in case.run(module, none).values()), (
        "nothing there at all"
    )


@every
def test_every_stream_matters(case: Subject) -> None:
    module, streams = case.made(), case.streams()
    full = case.run(module, streams)
    key = "logits" if "logits" in full else "values" if "values" in full else "vector"
    for name, shape in case.shapes.items():
        other = {**streams, name: shape.example(torch.Generator().manual_seed(9))}
        assert not torch.allclose(case.run(module, other)[key], full[key], **TOLERANCE), name


@every
def test_companions_and_order_change_nothing(case: Subject) -> None:
    module, streams = case.made(), case.streams()
    full = case.run(module, streams)
    order = torch.tensor([2, 0, 3, 1])
    same(
        rowwise(case.run(module, rows(streams, order)), ...), rowwise(full, order), "order of rows"
    )
    for row in range(BATCH):
        index = torch.tensor([row])
        alone = {
            n: type(s)(s.values[index, : s.lengths[row]], s.mask[index, : s.lengths[row]])
            for n, s in streams.items()
        }
        short, expected = rowwise(case.run(module, alone), ...), rowwise(full, index)
        same(expected, short, f"row {row} alone")


@every
def test_every_trainable_parameter_gets_a_finite_gradient(case: Subject) -> None:
    module, streams = case.made().train(), case.streams()
    first = next(iter(streams))
    if len(streams) > 1:
        streams[first] = absent(streams[first], 0, case.shapes[first].garbage)
    torch.manual_seed(2)
    loss = torch.zeros(())
    for value in case.run(module, streams, two_conversations()).values():
        if value.is_floating_point():
            loss = loss + (value * torch.randn_like(value)).sum()
    if not list(module.parameters()):
        return
    loss.backward()
    trainable = {n: p for n, p in module.named_parameters() if p.requires_grad}
    assert not [n for n, p in trainable.items() if p.grad is None], "no gradient at all"
    assert not [n for n, p in trainable.items() if not torch.isfinite(p.grad).all()], "not finite"
    # A softmax does not feel a constant added to all its scores: key biases have no gradient beyond
    # rounding.
    # The second half of a low-rank adapter starts at zero, which hides the first.
    exempt = ("key.bias", ".lora_A.default.weight")
    still = [n for n, p in trainable.items() if p.grad.eq(0).all() and not n.endswith(exempt)]
    assert not still, f"gradient zero everywhere: {still}"


@every
def test_save_and_load_agree(case: Subject, tmp_path: Path) -> None:
    module = case.made()
    if not module.state_dict():
        return
    save_module(module, tmp_path / "model.safetensors")
    torch.manual_seed(7)
    other = case.build(tuple(case.shapes)).eval()
    load_saved(other, tmp_path / "model.safetensors")
    streams = case.streams()
    same(case.run(other, streams), case.run(module, streams), "loaded model")


@every
def test_deterministic(case: Subject) -> None:
    streams = case.streams()
    first, second = case.made(), case.made()
    expected = case.run(first, streams)
    for answer in (case.run(first, streams), case.run(second, streams)):
        assert all(torch.equal(answer[key], value) for key, value in expected.items())


@pytest.mark.parametrize("name", FUSED)
def test_any_subset_of_streams(case: Subject) -> None:
    streams = case.streams()
    for count in range(1, len(streams)):
        for names in combinations(streams, count):
            answer = case.run(case.made(names), {name: streams[name] for name in names})
            assert all(torch.isfinite(value).all() for value in answer.values()), names


@pytest.mark.parametrize("name", FUSED)
def test_attention_only_when_asked_for_and_without_effect(case: Subject) -> None:
    module, streams = case.made(), case.streams()
    silent, telling = (
        module(streams, empty_context(BATCH)),
        module(streams, empty_context(BATCH), need_attention=True),
    )
    assert silent.attention == {}
    torch.testing.assert_close(telling.vector, silent.vector, **TOLERANCE)
    for key, weights in telling.attention.items():
        assert len(weights) == BATCH and torch.isfinite(weights).all(), key


def right(answer: dict[str, Tensor], target: Tensor, values: Tensor) -> bool:
    """Every row of every output is told apart."""
    classes = "logits" not in answer or answer["logits"].argmax(dim=1).equal(target)
    return classes and ("values" not in answer or answer["values"].sign().equal(values.sign()))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_tiny_batch_is_overfitted(case: Subject) -> None:
    """In eval mode: no dropout, batch norm at rest; so the network itself must be able to tell the
    rows apart.
    """
    module, streams = case.made(), case.streams()
    if not list(module.parameters()):
        pytest.skip("a published recogniser as it is: nothing learns")
    target, values = (
        torch.tensor(TINY_CLASSES),
        torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]]),
    )
    learning = [p for p in module.parameters() if p.requires_grad]
    if not learning:  # a solver has found all there is
        assert right(case.run(module, streams), target, values)
        return
    optimizer = torch.optim.Adam(learning, lr=3e-3)
    for _ in range(STEPS_TO_OVERFIT):
        answer = case.run(module, streams)
        if right(answer, target, values):
            return
        loss = torch.zeros(())
        if "logits" in answer:
            loss = loss + nn.functional.cross_entropy(answer["logits"], target)
        if "values" in answer:
            loss = loss + nn.functional.soft_margin_loss(answer["values"], values)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert right(case.run(module, streams), target, values)


@pytest.mark.parametrize("name", config_names("system"))
def test_parameter_count_is_the_cards(name: str) -> None:
    """Within 2 %. Word embedding tables, as large as the training vocabulary, are left out, as
    papers do.
    """
    published = system_config(name).card.get("parameters")
    if published is None:
        pytest.skip("the card names no count")
    model = published_system(name)
    tables = {
        id(layer.weight)
        for encoder in model.encoders.values()
        if getattr(type(encoder), "reads", "") == "words"
        for layer in encoder.modules()
        if isinstance(layer, nn.Embedding)
    }
    count = sum(p.numel() for p in model.parameters() if id(p) not in tables)
    assert count == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("name", config_names("system"))
def test_recipe_fits_its_parts(name: str) -> None:
    """Settings meant for another optimizer or schedule, inherited from a parent system, are found
    before training.
    """
    config = system_config(name)
    optimizer = instantiate(config.optimizer)([nn.Parameter(torch.zeros(1))])
    instantiate(config.scheduler)(optimizer, epochs=2, steps_per_epoch=3)

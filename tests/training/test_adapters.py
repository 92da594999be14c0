"""Adapters in a run: merged in what is kept, resumed, taken over, and opened without their package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from makers.waveform_run import waveform_settings, write_waveforms
from safetensors.torch import load_file

from mmser.core.batch import Stream, empty_context
from mmser.evaluation.evaluate import evaluate
from mmser.inference.model_folder import ModelFolder
from mmser.sharing.export import export
from mmser.training.fit import train
from mmser.training.loop.learner import Learner
from mmser.training.run import Run

LORA = {"lora_rank": 4, "lora_alpha": 8, "lr_decay": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("waveforms")
    write_waveforms(made)
    return made


def answers(model: torch.nn.Module) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    sound = torch.randn(3, 2400, generator=generator)
    stream = Stream(sound, torch.arange(2400) < torch.tensor([2400, 2000, 1700])[:, None])
    with torch.no_grad():
        return model.eval()({"voice": stream}, empty_context(3)).logits


def test_what_a_run_keeps_is_merged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Learner] = []
    original = Learner.on_validation_epoch_end
    monkeypatch.setattr(
        Learner, "on_validation_epoch_end", lambda self: (kept.append(self), original(self))[1]
    )
    trainer = {"monitor": "last", "epochs": 2}
    settings = waveform_settings(folder, "merged", encoder=LORA)
    run = train({**settings, "trainer": {**settings["trainer"], **trainer}})
    learner = kept[-1]
    names = [name for name, tensor in learner.model.named_parameters() if tensor.requires_grad]
    assert names
    assert all("lora_" in name or name.startswith("head.") for name in names)
    trained = [p for n, p in learner.model.named_parameters() if "lora_B" in n]
    assert min(p.abs().max() for p in trained) > 0
    # From here on the package may be gone.
    monkeypatch.setitem(sys.modules, "peft", None)
    run = Run(run.directory)
    fold = run.fold("s0", 0)
    assert fold.facts["parameters"] == sum(
        p.numel() for p in learner.model.parameters() if p.requires_grad
    )
    saved = load_file(fold.directory / "model.safetensors")
    assert not [name for name in saved if "lora" in name or "base_layer" in name]
    expected = answers(learner.model)
    torch.testing.assert_close(answers(fold.model()), expected, atol=1e-5, rtol=1e-5)
    assert len(evaluate(run)) > 0
    shared = export(run, folder / "shared")
    (member,) = ModelFolder(shared).members()
    torch.testing.assert_close(answers(member.model), expected, atol=1e-5, rtol=1e-5)


def test_resuming_goes_on_with_the_adapters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(run: str) -> dict[str, object]:
        settings = waveform_settings(folder, run, encoder=LORA | {"lora_dropout": 0.1})
        return {**settings, "trainer": {**settings["trainer"], "epochs": 3, "save_every": 1}}

    whole = train(made("whole"))
    original, steps = Learner.training_step, []

    def failing(self: Learner, batch: object, index: int) -> torch.Tensor:
        steps.append(index)
        if len(steps) == 4:
            raise InterruptedError
        return original(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "training_step", failing)
    with pytest.raises(InterruptedError):
        train(made("broken"))
    monkeypatch.setattr(Learner, "training_step", original)
    resumed = train(made("broken"))
    files = [run.fold("s0", 0).directory / "model.safetensors" for run in (whole, resumed)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_stage_takes_over_what_an_earlier_one_merged(folder: Path) -> None:
    still = {"optimizer": {"lr": 1e-12}, "trainer": {"epochs": 1, "monitor": "last"}}
    first = {"trainer": {"epochs": 1, "monitor": "last"}}
    stages = {"first": first, "last": {"load": ["encoders.*", "head.*"], **still}}
    run = train(waveform_settings(folder, "staged", encoder=LORA, stages=stages))
    place = run.fold("s0", 0).directory
    before = load_file(place / "stages" / "first" / "model.safetensors")
    after = load_file(place / "model.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("options", [LORA, {"gradient_checkpointing": True, "lr_decay": 0.9}])
def test_in_bfloat16(folder: Path, options: dict[str, object]) -> None:
    settings = waveform_settings(folder, f"bf16-{len(options)}", encoder=options)
    trainer = {**settings["trainer"], "precision": "bf16-mixed", "epochs": 3}
    fold = train({**settings, "trainer": trainer}).fold("s0", 0)
    saved = load_file(fold.directory / "model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}
    losses = fold.curve["train_loss"]
    assert losses.notna().all() and losses.iloc[-1] < losses.iloc[0]

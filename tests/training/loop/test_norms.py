from __future__ import annotations

import pytest
import torch
from torch import nn

from mmser.core.batch import Batch, Context, Stream
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.training.fit import train
from mmser.training.loop.norms import measure_norms


class Normed(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.dropout = norm, nn.Dropout(0.5)

    def forward(self, streams: dict[str, Stream], context: Context) -> torch.Tensor:
        values = self.dropout(streams["audio"].values.transpose(1, 2))
        return (
            self.norm(values, streams["audio"].mask)
            if isinstance(self.norm, MaskedBatchNorm)
            else self.norm(values)
        )


def batches(count: int) -> list[Batch]:
    torch.manual_seed(0)
    made = []
    for _ in range(count):
        stream = Stream(3 + 2 * torch.randn(8, 50, 4), torch.ones(8, 50, dtype=torch.bool))
        blank = torch.zeros(8, dtype=torch.long)
        made.append(Batch(("",) * 8, {"audio": stream}, Context(blank, blank, blank)))
    return made


@pytest.mark.parametrize("kind", [MaskedBatchNorm, nn.BatchNorm1d])
def test_statistics_are_the_mean_over_the_batches_without_dropout(kind) -> None:
    model, given = Normed(kind(4)), batches(5)
    measure_norms(model, given, torch.device("cpu"))
    frames = [batch.streams["audio"].values.flatten(0, 1) for batch in given]
    torch.testing.assert_close(
        model.norm.running_mean, torch.stack([f.mean(dim=0) for f in frames]).mean(dim=0)
    )
    torch.testing.assert_close(
        model.norm.running_var, torch.stack([f.var(dim=0) for f in frames]).mean(dim=0)
    )
    assert model.norm.momentum == 0.1 and not any(part.training for part in model.modules())


def test_what_was_measured_before_is_forgotten_and_frozen_layers_stay() -> None:
    model, given = Normed(MaskedBatchNorm(4)), batches(3)
    model.norm.running_mean.fill_(1e6)
    measure_norms(model, given, torch.device("cpu"))
    assert model.norm.running_mean.abs().max() < 10
    model.norm.requires_grad_(False)
    before = model.norm.running_mean.clone()
    measure_norms(model, batches(1), torch.device("cpu"))
    assert torch.equal(before, model.norm.running_mean)


def test_a_run_is_judged_with_them_and_trained_as_without(settings) -> None:
    encoder = {"_target_": "mmser.models.encoders.audio.cnn14.Cnn14", "_partial_": True}
    encoder |= {"channels": [2, 3], "embedding_size": 4, "crop": None, "dropout": 0.5}
    changes = {"folds": ["s0"], "model.encoders.tone": encoder}
    plain, precise = (
        train(settings(run=f"norms{n}", **changes, **{"trainer.precise_norms": n})) for n in (0, 2)
    )
    losses = [run.fold("s0", 0).curve["train_loss"].tolist() for run in (plain, precise)]
    assert losses[0] == losses[1]
    judged = [run.fold("s0", 0).curve["validation_loss"].tolist() for run in (plain, precise)]
    assert judged[0] != judged[1]

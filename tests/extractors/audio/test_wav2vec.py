"""wav2vec 1.0 from a file laid out like the published one."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from makers.clips import speechlike
from torch.nn import functional as F

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.wav2vec import Wav2Vec
from mmser.extractors.networks.wav2vec import RECEPTIVE_FIELD, Wav2VecNetwork
from mmser.models.layers.checkpoints.tensors import read_tensors


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    tensors = {
        **Wav2VecNetwork(512).state_dict(),
        "wav2vec_predictions.project_to_steps.weight": torch.zeros(1),
    }
    path = tmp_path_factory.mktemp("wav2vec") / "wav2vec_large.pt"
    torch.save({"args": Namespace(arch="wav2vec"), "model": tensors}, path)
    return path


def test_a_published_layout_gives_what_its_tensors_say(published: Path) -> None:
    waveform = speechlike(0.3, 1)
    found = Wav2Vec(weights=str(published), device="cpu").extract([Clip("x", waveform)])[0]
    tensors = read_tensors(published)
    values = torch.from_numpy(waveform)[None, None]
    for layer, stride in enumerate((5, 4, 2, 2, 2, 1, 1)):
        name = f"feature_extractor.conv_layers.{layer}"
        values = F.conv1d(values, tensors[f"{name}.0.weight"], stride=stride)
        values = F.relu(
            F.group_norm(values, 1, tensors[f"{name}.2.weight"], tensors[f"{name}.2.bias"])
        )
    values = (values.abs() + 1).log()
    for layer in range(12):
        name = f"feature_aggregator.conv_layers.{layer}"
        padded = torch.cat([values[..., :1].expand(-1, -1, layer + 1), values], dim=-1)
        new = F.conv1d(padded, tensors[f"{name}.1.weight"], tensors[f"{name}.1.bias"])
        new = F.relu(F.group_norm(new, 1, tensors[f"{name}.3.weight"], tensors[f"{name}.3.bias"]))
        values = (new + values) / 2**0.5
    assert found.frame_rate == 100.0
    assert found.values.shape == (28, 512)
    np.testing.assert_allclose(found.values, values[0].T.numpy(), rtol=1e-3, atol=1e-5)


def test_one_frame_needs_the_stated_samples() -> None:
    network = Wav2VecNetwork(4)
    assert network(torch.zeros(1, RECEPTIVE_FIELD)).shape == (1, 1, 4)
    assert network(torch.zeros(1, RECEPTIVE_FIELD + 160)).shape == (1, 2, 4)


def test_other_files_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(
        MmserError, match=r"the tensors of wav2vec 1.0 large in .*; found no feature_.* and 67 more"
    ):
        Wav2Vec(weights=str(tmp_path / "w.pt")).extract([Clip("x", speechlike(0.1, 1))])

"""The system superb_probe: from statistics over time it gives what the frame-wise probe gives."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from makers.clips import speechlike
from makers.speech_checkpoints import LAYERS, SIZE, save_speech_checkpoint

from mmser.composition import compose
from mmser.core.batch import Stream, empty_context
from mmser.core.clip import Clip
from mmser.core.task import Task
from mmser.extractors.audio.wav2vec2 import Wav2Vec2
from mmser.models.multimodal import MultimodalModel, build_model

TASK = Task(classes=("neutral", "happy", "angry", "sad"), class_counts=(2, 2, 2, 2))
SECONDS = (0.61, 0.3, 0.45)


def probe(size: int, *words: str) -> MultimodalModel:
    settings = compose(
        "train",
        ["system=superb_probe", "corpus=generic", "protocol=ravdess8_group4",
         f"encoders.audio.layers={LAYERS + 1}", *words],
    )  # fmt: skip
    parts = instantiate(settings["model"], _convert_="all")
    return build_model(parts["encoders"], parts["fusion"], parts["head"], {"audio": size}, TASK)


def padded(arrays: list) -> Stream:
    """(batch, time, layer, feature) with NaN where nothing was said."""
    rows = [torch.as_tensor(array) for array in arrays]
    values = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=torch.nan)
    lengths = torch.tensor([len(row) for row in rows])
    return Stream(values, torch.arange(values.shape[1]) < lengths[:, None])


@pytest.fixture
def streams(tmp_path: Path) -> dict[str, Stream]:
    """Frames and statistics of every layer of one WavLM, for three utterances."""
    save_speech_checkpoint("wavlm", tmp_path)
    clips = [Clip(f"c{n}", speechlike(seconds, n)) for n, seconds in enumerate(SECONDS)]
    made = {
        name: Wav2Vec2(weights=str(tmp_path), size=SIZE, layer="all", statistics=chosen)
        for name, chosen in (("frames", False), ("statistics", True))
    }
    return {
        name: padded([result.values for result in extractor.extract(clips)])
        for name, extractor in made.items()
    }


def frame_wise(model: MultimodalModel, frames: Stream) -> torch.Tensor:
    """SUPERB as it is written: sum of layers, projection of each frame, mean over time, classes."""
    weights = model.encoders["audio"].mix.weights
    _, projection, _, _ = model.head.hidden
    rows = []
    for values, mask in zip(frames.values, frames.mask, strict=True):
        summed = (values[mask] * weights[:, None]).sum(dim=1)  # (time, feature)
        rows.append(model.head.logits(projection(summed).mean(dim=0)))
    return torch.stack(rows)


def test_statistics_and_frames_give_the_logits_of_the_published_probe(streams) -> None:
    torch.manual_seed(0)
    of_statistics = probe(2 * SIZE).eval()
    with torch.no_grad():
        of_statistics.encoders["audio"].mix.scores.copy_(torch.randn(LAYERS + 1) * 2)
    of_frames = probe(SIZE, "encoders.audio.keep=all").eval()
    of_frames.load_state_dict(of_statistics.state_dict())
    expected = frame_wise(of_statistics, streams["frames"])
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    for model, name in ((of_statistics, "statistics"), (of_frames, "frames")):
        found = model({"audio": streams[name]}, empty_context(3)).logits
        torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)


def test_the_gradients_are_the_same_too(streams) -> None:
    """So training from statistics is training from frames."""
    torch.manual_seed(0)
    model = probe(2 * SIZE).eval()
    logits = model({"audio": streams["statistics"]}, empty_context(3)).logits
    wanted = [frame_wise(model, streams["frames"]), logits]
    targets = torch.tensor([0, 2, 1])
    gradients = [
        torch.autograd.grad(
            torch.nn.functional.cross_entropy(each, targets), list(model.parameters())
        )
        for each in wanted
    ]
    for of_frames, of_statistics in zip(*gradients, strict=True):
        torch.testing.assert_close(of_statistics, of_frames, atol=1e-5, rtol=1e-5)

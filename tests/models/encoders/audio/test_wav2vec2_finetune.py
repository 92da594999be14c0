"""The fine-tunable wav2vec 2.0 against transformers' own, one utterance at a time; freezing; missing weights."""

from pathlib import Path

import pytest
import torch

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.wav2vec2_finetune import Wav2Vec2Finetune

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def encoder(**options: object) -> Wav2Vec2Finetune:
    torch.manual_seed(0)
    configuration = SMALL | dict(options.pop("configuration", {}))  # type: ignore[call-overload]
    return Wav2Vec2Finetune(1, weights="random", configuration=configuration, **options).eval()  # type: ignore[arg-type]


def batch(lengths: list[int]) -> Stream:
    values = torch.full((len(lengths), max(lengths)), float("nan"))
    for row, length in enumerate(lengths):
        values[row, :length] = torch.randn(length, generator=torch.Generator().manual_seed(row))
    return Stream(values, ~values.isnan())


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_row_in_a_batch_equals_transformers_alone(norm: str) -> None:
    ours = encoder(configuration={"feat_extract_norm": norm, "do_stable_layer_norm": norm == "layer"})
    stream = batch([6000, 4100, 2222])
    out = ours(stream)
    for row, length in enumerate([6000, 4100, 2222]):
        alone = ours.network(stream.values[row : row + 1, :length]).last_hidden_state
        assert out.lengths[row] == alone.shape[1]
        torch.testing.assert_close(out.values[row : row + 1, : alone.shape[1]], alone, atol=1e-5, rtol=1e-4)


def test_shorter_than_one_frame_is_still_there() -> None:
    out = encoder()(batch([3000, 100]))
    assert out.lengths.tolist() == [9, 1]
    alone = encoder()(batch([3000, 100]))
    torch.testing.assert_close(out.values, alone.values)
    only = Stream(batch([3000, 100]).values[1:, :100], torch.ones(1, 100, dtype=torch.bool))
    torch.testing.assert_close(encoder()(only).values[0, 0], out.values[1, 0], atol=1e-5, rtol=1e-4)


def test_a_feature_axis_of_one_is_accepted() -> None:
    stream = batch([3000])
    torch.testing.assert_close(
        encoder()(Stream(stream.values[..., None], stream.mask)).values, encoder()(stream).values
    )


def test_frozen_parts_do_not_learn() -> None:
    ours = encoder(frozen_layers=2, freeze_projection=True).train()
    ours(batch([3000])).values.sum().backward()
    learning = {name for name, parameter in ours.network.named_parameters() if parameter.grad is not None}
    assert learning
    assert not [name for name in learning if name.startswith(("feature_", "encoder.layers.0.", "encoder.layers.1."))]
    assert [name for name in learning if name.startswith("encoder.layers.2.")]
    with pytest.raises(MmserError, match=r"frozen_layers from 0 to 3.*found 4"):
        encoder(frozen_layers=4)


def test_weights_from_a_folder(tmp_path: Path) -> None:
    source = encoder()
    source.network.save_pretrained(tmp_path / "wav2vec2-tiny")
    for options in ({"weights": str(tmp_path / "wav2vec2-tiny")}, {"weights": "someone/wav2vec2-tiny"}):
        loaded = Wav2Vec2Finetune(1, **options, weights_folder=str(tmp_path)).eval()
        torch.testing.assert_close(loaded(batch([3000])).values, source(batch([3000])).values)


def test_missing_weights_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"expected the checkpoint nowhere/at-all; found no folder .* weights=random"):
        Wav2Vec2Finetune(1, weights="nowhere/at-all", weights_folder=str(tmp_path))

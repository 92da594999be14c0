"""The fine-tunable wav2vec 2.0 against transformers' own, row by row; freezing; masked latents;
missing weights.
"""

from pathlib import Path

import pytest
import torch

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.speech_finetune.encoder import SpeechFinetune
from mmser.models.layers.masks.latent_masking import LatentMasking, stretches

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def encoder(**options: object) -> SpeechFinetune:
    torch.manual_seed(0)
    configuration = SMALL | dict(options.pop("configuration", {}))  # type: ignore[call-overload]
    return SpeechFinetune(1, weights="random", configuration=configuration, **options).eval()  # type: ignore[arg-type]


def batch(lengths: list[int]) -> Stream:
    values = torch.full((len(lengths), max(lengths)), float("nan"))
    for row, length in enumerate(lengths):
        values[row, :length] = torch.randn(length, generator=torch.Generator().manual_seed(row))
    return Stream(values, ~values.isnan())


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_row_in_a_batch_equals_transformers_alone(norm: str) -> None:
    ours = encoder(
        configuration={"feat_extract_norm": norm, "do_stable_layer_norm": norm == "layer"}
    )
    stream = batch([6000, 4100, 2222])
    out = ours(stream)
    for row, length in enumerate([6000, 4100, 2222]):
        alone = ours.network(stream.values[row : row + 1, :length]).last_hidden_state
        assert out.lengths[row] == alone.shape[1]
        torch.testing.assert_close(
            out.values[row : row + 1, : alone.shape[1]], alone, atol=1e-5, rtol=1e-4
        )


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
    learning = {
        name for name, parameter in ours.network.named_parameters() if parameter.grad is not None
    }
    assert learning
    assert not [
        name
        for name in learning
        if name.startswith(("feature_", "encoder.layers.0.", "encoder.layers.1."))
    ]
    assert [name for name in learning if name.startswith("encoder.layers.2.")]
    with pytest.raises(MmserError, match=r"frozen_layers from 0 to 3.*found 4"):
        encoder(frozen_layers=4)


NO_DROPOUT = dict.fromkeys(
    ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout"), 0.0
)


def test_masked_frames_are_those_transformers_would_mask() -> None:
    """A row of our batch in training equals transformers' own network with the same frames masked,
    one at a time.
    """
    masking = LatentMasking(0.3, mask_time_length=3)
    ours = encoder(configuration=NO_DROPOUT, masking=masking).train()
    torch.nn.init.constant_(ours.network.masked_spec_embed, 0.7)
    samples, frames = [6000, 4100], [18, 12]
    stream = batch(samples)
    torch.manual_seed(11)
    out = ours(stream)
    torch.manual_seed(11)
    hidden = stretches(torch.tensor(frames), 18, 0.3, 3, 2)
    assert hidden.any(dim=1).all() and not hidden.all(dim=1).any()
    unmasked = encoder(configuration=NO_DROPOUT)(stream)
    for row, (length, count) in enumerate(zip(samples, frames, strict=True)):
        alone = ours.network(
            stream.values[row : row + 1, :length], mask_time_indices=hidden[row : row + 1, :count]
        ).last_hidden_state
        torch.testing.assert_close(out.values[row : row + 1, :count], alone, atol=1e-5, rtol=1e-4)
        assert (out.values[row, :count] - unmasked.values[row, :count]).abs().max() > 1e-2
    torch.testing.assert_close(ours.eval()(stream).values, unmasked.values)


def test_the_masking_vector_comes_from_the_checkpoint_and_learns(tmp_path: Path) -> None:
    for name, share in (("with", 0.05), ("without", 0.0)):
        configuration = {**SMALL, "mask_time_prob": share}
        source = SpeechFinetune(1, "random", configuration=configuration, masking=LatentMasking())
        if name == "without":  # as transformers saves a network that is never masked
            source.network.masked_spec_embed = None
        source.network.save_pretrained(tmp_path / name)
        loaded = SpeechFinetune(1, weights=str(tmp_path / name), masking=LatentMasking()).train()
        if name == "with":
            assert torch.equal(loaded.network.masked_spec_embed, source.network.masked_spec_embed)
        torch.manual_seed(0)
        loaded(batch([6000])).values.square().sum().backward()
        assert loaded.network.masked_spec_embed.grad.abs().max() > 0
    assert SpeechFinetune(1, weights=str(tmp_path / "with")).network.masked_spec_embed is None
    features = LatentMasking(0.0, mask_feature_prob=0.5, mask_feature_length=2)
    bands = encoder(configuration=NO_DROPOUT, masking=features).train()
    assert bands.network.masked_spec_embed is None
    torch.manual_seed(0)
    assert (bands(batch([3000])).values - bands.eval()(batch([3000])).values).abs().max() > 1e-2


def test_weights_from_a_folder(tmp_path: Path) -> None:
    source = encoder()
    source.network.save_pretrained(tmp_path / "wav2vec2-tiny")
    for options in (
        {"weights": str(tmp_path / "wav2vec2-tiny")},
        {"weights": "someone/wav2vec2-tiny"},
    ):
        loaded = SpeechFinetune(1, **options, weights_folder=str(tmp_path)).eval()
        torch.testing.assert_close(loaded(batch([3000])).values, source(batch([3000])).values)


def test_missing_weights_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(
        MmserError,
        match=r"`revision` for the hub id nowhere/at-all .*nothing at nowhere.* weights=random",
    ):
        SpeechFinetune(1, weights="nowhere/at-all", weights_folder=str(tmp_path))

"""Whisper's encoder for training against its extractor and transformers' own; windows; options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from makers.real_weights import placed
from whisper import log_mel_spectrogram

from mmser.core.batch import Stream
from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.extractors.audio.whisper_encoder import WhisperEncoder
from mmser.media.decode import decode_clips
from mmser.models.encoders.audio.whisper_finetune.encoder import WhisperFinetune
from mmser.models.encoders.audio.whisper_finetune.log_mel import WhisperLogMel
from mmser.models.layers.checkpoints.whisper import renamed
from mmser.models.layers.time.pooling import masked_mean
from mmser.pipeline.demo import EXCERPT

CLIPS = ("03a01Wa", "08a01Wa", "03a02Ta", "03a04Ta")
"""Two angry ones, two sad ones."""
SIZES: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 128,
}
DECODER: dict[str, Any] = {
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 8,
    "vocab_size": 30,
    **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0),
    "decoder_start_token_id": 0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as transformers save it."""
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("whisper")
    hf.WhisperModel(hf.WhisperConfig(**SIZES, **DECODER)).save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    """The same as OpenAI's file."""
    encoder = hf.WhisperModel.from_pretrained(folder).encoder
    state = {f"encoder.{name}": tensor for name, tensor in renamed(encoder.state_dict()).items()}
    path = folder / "tiny.pt"
    dims = {"n_audio_head": SIZES["encoder_attention_heads"]}
    torch.save({"dims": dims, "model_state_dict": state}, path)
    return path


def sound(samples: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def stream(lengths: list[int]) -> Stream:
    values = torch.full((len(lengths), max(lengths)), float("nan"))
    for row, length in enumerate(lengths):
        values[row, :length] = sound(length, row)
    return Stream(values, ~values.isnan())


def test_the_spectrogram_is_whispers(folder: Path) -> None:
    rows = torch.stack([sound(32000), 1e-4 * sound(32000, 1), torch.zeros(32000)])
    found = WhisperLogMel(80)(rows)
    for row, each in zip(found, rows, strict=True):
        torch.testing.assert_close(row, log_mel_spectrogram(each), atol=1e-4, rtol=1e-4)


def test_a_window_equals_transformers_own(folder: Path) -> None:
    ours = WhisperFinetune(1, str(folder)).eval()
    given = sound(480000)
    with torch.no_grad():
        out = ours(Stream(given[None], torch.ones(1, 480000, dtype=torch.bool)))
        own = hf.WhisperModel.from_pretrained(folder).encoder.eval()
        alone = own(log_mel_spectrogram(given)[None]).last_hidden_state
    assert out.values.shape == (1, 1500, 32)
    torch.testing.assert_close(out.values, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("short_window", [None, 1.0])
def test_a_row_in_a_batch_equals_the_extractor(file: Path, short_window: float | None) -> None:
    """From OpenAI's file: sound within the short window, beyond it, and beyond Whisper's."""
    lengths = [9000, 16001, 481000] if short_window else [9000, 481000]
    ours = WhisperFinetune(1, str(file), short_window=short_window).eval()
    theirs = WhisperEncoder(weights=str(file), size=32, short_window=short_window)
    batch = stream(lengths)
    with torch.no_grad():
        out = ours(batch)
    clips = [Clip(str(n), waveform=sound(size, n).numpy()) for n, size in enumerate(lengths)]
    for row, features in enumerate(theirs.extract(clips)):
        values = features.values  # type: ignore[union-attr]
        assert out.lengths[row] == len(values)
        np.testing.assert_allclose(out.values[row, : len(values)], values, atol=1e-4)


def test_options(folder: Path) -> None:
    ours = WhisperFinetune(
        1, str(folder), short_window=0.2, frozen_layers=1, lr_decay=0.5, lora_rank=2
    ).train()
    learning = {name for name, tensor in ours.named_parameters() if tensor.requires_grad}
    assert learning and all(".layers.1." in n and ".lora_" in n for n in learning)
    rates = ours.learning_rates()
    assert rates["network.conv1.weight"] == 0.25 and rates["network.layer_norm.weight"] == 1.0
    assert {rates[name] for name in learning} == {1.0}
    with pytest.raises(MmserError, match="short_window of more than 0 and at most 30 seconds"):
        WhisperFinetune(1, str(folder), short_window=31.0)


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    hf.BertModel(hf.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
                               intermediate_size=8, vocab_size=9)).save_pretrained(tmp_path)  # fmt: skip
    with pytest.raises(MmserError, match=r"a checkpoint of whisper in .*found model_type bert"):
        WhisperFinetune(1, str(tmp_path))
    (tmp_path / "other.pt").write_bytes(b"nothing")
    with pytest.raises(MmserError, match="a Whisper checkpoint in "):
        WhisperFinetune(1, str(tmp_path / "other.pt"))
    with pytest.raises(MmserError, match=r"the weights of the Whisper encoder.*mmser weights get"):
        WhisperFinetune(1, str(tmp_path / "gone.pt"))


def test_real_weights_learn_real_speech(tmp_path: Path) -> None:
    """tiny.en on four clips of EMO-DB: the extractor's frames, and adapters that tell two angry
    ones from two sad ones within a few steps.
    """
    path = placed("tiny.en", tmp_path)
    files = [EXCERPT / "wav" / f"{name}.flac" for name in CLIPS]
    spoken = [Utterance(file.stem, "emodb", file.stem[:2], audio_path=file) for file in files]
    clips = [decode_clips([utterance])[0] for utterance in spoken]
    sounds = [torch.from_numpy(clip.waveform[:32000]) for clip in clips]
    values = torch.nn.utils.rnn.pad_sequence(sounds, batch_first=True)
    lengths = torch.tensor([len(each) for each in sounds])
    given = Stream(values, torch.arange(values.shape[1]) < lengths[:, None])
    torch.manual_seed(0)
    ours = WhisperFinetune(1, str(path), short_window=2.0, lora_rank=4)
    theirs = WhisperEncoder(weights=str(path), short_window=2.0)
    with torch.no_grad():
        frames = ours.eval()(given)
    cut = [Clip(clip.id, waveform=each.numpy()) for clip, each in zip(clips, sounds, strict=True)]
    for row, features in enumerate(theirs.extract(cut)):
        expected = features.values  # type: ignore[union-attr]
        assert frames.lengths[row] == len(expected)
        np.testing.assert_allclose(frames.values[row, : len(expected)], expected, atol=2e-3)
    head = torch.nn.Linear(384, 2)
    learning = [tensor for tensor in ours.parameters() if tensor.requires_grad]
    optimizer = torch.optim.Adam([*learning, *head.parameters()], lr=3e-3)
    losses = []
    for _ in range(6):
        states = ours.train()(given)
        logits = head(masked_mean(states.values, states.mask))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 0, 1, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]

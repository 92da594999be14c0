"""MCSAN's audio encoder written out in plain torch on one unpadded row."""

import torch
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.encoders.audio.conv_bilstm import ConvBiLSTM


def test_by_hand() -> None:
    encoder = ConvBiLSTM(5, size=6)
    values = torch.randn(1, 31, 5)
    padded = torch.cat([values, torch.full((1, 7, 5), float("nan"))], dim=1)
    out = encoder(Stream(padded, torch.arange(38)[None] < 31))
    current = values.transpose(1, 2)
    for convolution in encoder.convolutions:
        inner = convolution.convolution
        current = F.max_pool1d(
            F.conv1d(current, inner.weight, inner.bias, padding="same"), 3, ceil_mode=True
        )
    current = current.transpose(1, 2)
    ahead = encoder.recurrence.forwards[0](current)[0]
    behind = encoder.recurrence.backwards[0](current.flip(1))[0].flip(1)
    assert out.lengths.tolist() == [4]
    torch.testing.assert_close(out.values[:, :4], (ahead + behind) / 2)


def test_relu_option_and_no_blocks() -> None:
    stream = Stream(torch.randn(1, 12, 5), torch.ones(1, 12, dtype=torch.bool))
    torch.manual_seed(0)
    plain = ConvBiLSTM(5, size=6)
    torch.manual_seed(0)
    bent = ConvBiLSTM(5, size=6, relu=True)
    assert not torch.allclose(plain(stream).values, bent(stream).values)
    assert ConvBiLSTM(5, size=6, blocks=0)(stream).values.shape == (1, 12, 6)

"""The layers that take another way in an export give the same numbers there."""

import numpy as np
import onnxruntime
import torch
from torch import nn

from mmser.models.fusion.ks_transformer.key_sparse import key_sparse_attention
from mmser.models.layers.convolution.average_pooling import average_pool_2d
from mmser.models.layers.convolution.masked import MaskedConv1d, max_pool_1d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.time.recurrent import Recurrent
from mmser.sharing.onnx_export import to_onnx
from mmser.sharing.onnx_recurrence import open_recurrences


class Layers(nn.Module):
    """Strided convolution, poolings, batch norm, key-sparse attention and recurrence over gappy
    masks.
    """

    def __init__(self):
        super().__init__()
        self.strided = MaskedConv1d(4, 6, 3, stride=2)
        self.norm = MaskedBatchNorm(1)
        self.recurrence = Recurrent(6, 3)

    def forward(self, *tensors):
        values, mask = tensors
        maps, windows = average_pool_2d(self.norm(values[:, None], mask), mask, (3, 2))
        whole, full = average_pool_2d(values[:, None], mask, (2, 2), whole=True)
        strided, real = self.strided(values, mask)
        pooled, kept = max_pool_1d(strided, real, 3)
        heads = pooled[:, None]
        attended, _ = key_sparse_attention(heads, heads, heads, kept, kept, keep=0.5)
        outputs = self.recurrence(attended[:, 0], kept).outputs
        return maps.sum(dim=2), windows, whole.sum(dim=2), full, outputs


def test_the_same_numbers(tmp_path):
    torch.manual_seed(0)
    module = Layers().eval()
    generator = torch.Generator().manual_seed(1)

    def example(batch, time):
        mask = torch.rand(batch, time, generator=generator) < 0.8
        return torch.randn(batch, time, 4, generator=generator), mask

    with torch.no_grad():
        cases = [example(3, 21), example(2, 34), example(1, 7)]
        expected = [module(*case) for case in cases]
        open_recurrences(module)
        axes = [{0: "batch", 1: "time"}] * 2
        to_onnx(module, example(3, 20), axes, ["values", "mask"]).save(
            str(tmp_path / "layers.onnx")
        )
    session = onnxruntime.InferenceSession(
        str(tmp_path / "layers.onnx"), providers=["CPUExecutionProvider"]
    )
    for (values, mask), wanted in zip(cases, expected, strict=True):
        found = session.run(None, {"values": values.numpy(), "mask": mask.numpy()})
        for answer, answer_wanted in zip(found, wanted, strict=True):
            np.testing.assert_allclose(answer, answer_wanted.numpy(), atol=1e-5)

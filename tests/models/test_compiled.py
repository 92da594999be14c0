"""What is compiled, that it computes the same, and that another length is not compiled anew.

The compiler's front alone: what it makes for a processor takes minutes.
"""

from functools import partial

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from mmser.core.batch import Stream, empty_context
from mmser.core.task import Task
from mmser.models.compiled import compile_parts
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder
from mmser.models.fusion.gated import Gated
from mmser.models.fusion.ks_transformer.fusion import KSTransformer
from mmser.models.fusion.mcsan import MCSAN
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

SIZES = {"audio": 3, "text": 5}
MCSAN_LAYERS = [
    "within.audio.0",
    "within.text.0",
    "cross.audio_over_text.0",
    "cross.text_over_audio.0",
]
FUSIONS = {
    "mcsan": partial(MCSAN, size=8, heads=2, inner_size=8),
    "ks_transformer": partial(KSTransformer, heads=2, feature_layers=1, cascades=1, deep_layers=1),
}


def model(fusion: object) -> MultimodalModel:
    torch.manual_seed(0)
    encoders = {name: partial(RecurrentEncoder, hidden_size=4) for name in SIZES}
    return build_model(encoders, fusion, Classifier, SIZES, Task(classes=("angry", "sad"))).eval()  # type: ignore[arg-type]


def batch(longest: int) -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(longest)
    mask = torch.arange(longest) < torch.tensor([longest, 2, 1])[:, None]
    return {
        n: Stream(torch.randn(3, longest, s, generator=generator), mask) for n, s in SIZES.items()
    }


@pytest.mark.parametrize("name", FUSIONS)
def test_the_same_numbers_at_every_length(name: str) -> None:
    torch._dynamo.reset()
    plain, made, counter = model(FUSIONS[name]), model(FUSIONS[name]), CompileCounter()
    assert compile_parts(made, counter)
    frames = []
    for longest in (5, 7, 12, 9):
        found, expected = (
            made(batch(longest), empty_context(3)),
            plain(batch(longest), empty_context(3)),
        )
        torch.testing.assert_close(found.logits, expected.logits)
        found.logits.sum().backward()
        frames.append(counter.frame_count)
    assert frames[0] > 0 and frames[1] == frames[-1]
    assert made.state_dict().keys() == plain.state_dict().keys()


def test_layers_by_themselves_and_no_recurrence() -> None:
    names = compile_parts(model(FUSIONS["mcsan"]), CompileCounter())
    assert names == [*(f"fusion.{layer}" for layer in MCSAN_LAYERS), "head"]
    assert compile_parts(model(Gated), CompileCounter()) == ["fusion", "head"]

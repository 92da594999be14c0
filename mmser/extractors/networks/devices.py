"""Where a pretrained model runs, and in which precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING, Literal, TypeVar

from mmser.extractors.arguments import WITHOUT_EFFECT

if TYPE_CHECKING:
    import torch
    from torch import nn

    M = TypeVar("M", bound=nn.Module)

Precision = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The options of every extractor that runs a network; an extractor inherits them.

    Args:
        precision: ``bfloat16`` is several times faster, with a relative error of about one percent;
            ``tf32`` rounds the factors of products in float32 to ten bits on a GPU, and changes
            nothing on a CPU (docs/caches.md).
        device: ``auto``, ``cpu``, ``cuda``.
        seed: of random weights.
    """

    precision: Precision = "float32"
    device: str = field(default="auto", metadata=WITHOUT_EFFECT)
    seed: int = 0

    def placed(self, model: M) -> M:
        """See `placed`."""
        return placed(model, self.device, self.precision)

    def arithmetic(self) -> AbstractContextManager[None]:
        """See `arithmetic`."""
        return arithmetic(self.precision)

    def seeded(self, build: Callable[[], M]) -> M:
        """See `seeded`."""
        return seeded(build, self.seed)


def placed(model: M, device: str, precision: Precision) -> M:
    """The model in eval mode, without gradients, on ``device`` (``auto``: the GPU when there is
    one).

    In bfloat16 on the CPU, grouped convolutions stay in float32 where this processor computes them
    wrongly.
    """
    import torch

    from mmser.extractors.networks.grouped_convolutions import keep_right

    where = device_named(device)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    model = model.eval().requires_grad_(False).to(where, dtype)
    if precision == "bfloat16" and where.type == "cpu":
        keep_right(model)
    return model


_turn = Condition()
_inside: list[bool] = []
"""For each block of `arithmetic` that some thread is in, whether products are rounded there."""
_outside = [False, True, True]
"""torch's switches before the first of them."""


@contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """How a GPU multiplies float32 in the block: exactly, unless ``tf32`` was asked for.

    torch's convolutions would round without being asked. cuDNN's attention is left out: it makes
    a plan for each new shape of a batch, which takes longer than the batch. The switches belong to
    the whole process: a thread that wants the other arithmetic waits until nobody is in such a
    block. So no block may stand inside another.
    """
    import torch

    if not torch.cuda.is_available():
        # The switches belong to the whole process, in which threads compute side by side.
        yield
        return
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    rounds = precision == "tf32"
    with _turn:
        _turn.wait_for(lambda: all(each == rounds for each in _inside))
        if not _inside:
            _outside[:] = (
                products.allow_tf32,
                convolutions.allow_tf32,
                torch.backends.cuda.cudnn_sdp_enabled(),
            )
            products.allow_tf32 = convolutions.allow_tf32 = rounds
            torch.backends.cuda.enable_cudnn_sdp(False)
        _inside.append(rounds)
    try:
        yield
    finally:
        with _turn:
            _inside.pop()
            if not _inside:
                products.allow_tf32, convolutions.allow_tf32, planned = _outside
                torch.backends.cuda.enable_cudnn_sdp(planned)
            _turn.notify_all()


def device_named(device: str) -> torch.device:
    """The device of that name; of ``auto`` the GPU when there is one."""
    import torch

    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(automatic if device == "auto" else device)


def place_of(model: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and dtype of a model's parameters."""
    parameter = next(model.parameters())
    return parameter.device, parameter.dtype


def seeded(build: Callable[[], M], seed: int) -> M:
    """A randomly initialised model that depends on ``seed`` alone; the caller's random state is
    left as it was.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()

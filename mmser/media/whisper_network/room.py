"""How many windows of Whisper fit into a device's memory at once, and its weights in half."""

from __future__ import annotations

from typing import Any

MOST = 128
"""Windows of a pass; more of them are hardly faster."""


def windows_at_once(network: Any) -> int:
    """On a CPU one: a batch of windows takes no less time there than each alone."""
    import torch

    if network.device.type != "cuda":
        return 1
    sizes = network.dims
    frames, half = sizes.n_audio_ctx, 2
    # The keys and values of each layer of the decoder, and the encoder's widest layer with what it
    # reads and writes.
    kept = 2 * sizes.n_text_layer * sizes.n_text_state
    passing = 12 * sizes.n_audio_state
    each = frames * half * (kept + passing)
    free, _ = torch.cuda.mem_get_info(network.device)
    free += torch.cuda.memory_reserved(network.device) - torch.cuda.memory_allocated(network.device)
    return max(1, min(MOST, int(free / 2 / each)))


def in_half(network: Any) -> Any:
    """The network with the weights of its layers in half precision, and the same answers.

    It would make them so anew at each pass.
    """
    import torch
    from whisper.model import Conv1d, Linear

    for module in network.modules():
        if isinstance(module, Conv1d | Linear):
            module.to(torch.float16)
    return network

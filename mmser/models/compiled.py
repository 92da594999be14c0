"""Parts of a model compiled by torch: fewer, larger kernels, at the price of minutes at the start.

Layers that stand in a row are compiled once for all of them; a part without such layers is compiled
as a whole, unless it holds a recurrence, which has kernels of its own. Lengths are dynamic: a batch
of another length is not compiled anew.
"""

from __future__ import annotations

from typing import Any

from torch import nn

VARIANTS = 64
"""Sizes and modes of one layer that are compiled before torch gives up on it."""

FEWEST = 2
"""Layers of one part that are worth compiling by themselves."""


def compile_parts(model: nn.Module, backend: Any = "inductor") -> list[str]:
    """Compile ``model`` in place, at its first pass -> the names of the compiled parts.

    Names and places of its weights stay. ``backend`` is torch's.
    """
    import torch._dynamo

    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, VARIANTS)
    chosen: dict[str, nn.Module] = {}
    for name, part in _parts(model):
        layers = dict(_layers(name, part))
        chosen |= layers or ({} if _recurs(part) else {name: part})
    for part in chosen.values():
        part.compile(dynamic=True, backend=backend)
    return list(chosen)


def _parts(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Encoders, fusion and head of a model of ours; a model of one piece is one part."""
    parts = []
    for name, child in model.named_children():
        if isinstance(child, nn.ModuleDict):
            parts += [(f"{name}.{key}", part) for key, part in child.items()]
        else:
            parts.append((name, child))
    return [(name, part) for name, part in parts if any(True for _ in part.parameters())]


def _layers(name: str, part: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers in lists inside a part, outermost first, if there are several.

    Recurrences are no layers, and single products not worth it.
    """
    found: list[tuple[str, nn.Module]] = []
    for inner, module in part.named_modules(prefix=name):
        is_inside = any(inner.startswith(f"{outer}.") for outer, _ in found)
        if isinstance(module, nn.ModuleList) and not is_inside:
            found += [
                (f"{inner}.{number}", layer)
                for number, layer in enumerate(module)
                if not _recurs(layer) and not isinstance(layer, nn.Linear | nn.ModuleList)
            ]
    return found if len(found) >= FEWEST else []


def _recurs(module: nn.Module) -> bool:
    return any(isinstance(part, nn.RNNBase) for part in module.modules())

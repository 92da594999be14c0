"""Hydra composition: the words of a command become one resolved, checked, plain mapping.

Override words (or a saved config) come in, a mapping comes out, and `built` makes the parts that it
names. A *part* is whatever a config names by ``_target_``; a *component* is a part of a system that
another one of its config group can replace. Start reading at `composing.compose`.
"""

from mmser.composition.composing import compose, load_part, merged, read_yaml, sweep
from mmser.composition.parts import built
from mmser.composition.places import COMPONENTS
from mmser.composition.words import chosen, default_protocol, listed

__all__ = [
    "COMPONENTS",
    "built",
    "chosen",
    "compose",
    "default_protocol",
    "listed",
    "load_part",
    "merged",
    "read_yaml",
    "sweep",
]

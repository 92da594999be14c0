"""Hydra composition: override words -> one resolved, checked, plain mapping; and the parts that a
mapping names.
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

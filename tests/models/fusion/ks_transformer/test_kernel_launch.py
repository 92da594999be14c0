"""A kernel is looked up once per kind of arguments."""

from __future__ import annotations

import torch

from mmser.models.fusion.ks_transformer.kernel_launch import run


class Kernel:
    """Stands for Triton's: ``kernel[grid](...)`` gives what it compiled, which launches alike."""

    arg_names = ("values", "absent", "count", "row", "SIZE", "DROP")

    def __init__(self) -> None:
        self.looked_up: list[tuple[object, ...]] = []
        self.launched: list[tuple[object, ...]] = []

    def __getitem__(self, grid):
        def look_up(*arguments, **options):
            self.looked_up.append((grid, *arguments[2:], options))
            return Compiled(self)

        return look_up


class Compiled:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def __getitem__(self, grid):
        return lambda *arguments: self.kernel.launched.append((grid, *arguments[1:]))


OPTIONS = {"DROP": False, "SIZE": 8, "num_warps": 4}


def test_a_second_launch_is_not_looked_up_and_has_the_constants_in_their_places() -> None:
    kernel, values = Kernel(), torch.empty(64)
    run(kernel, (3,), (values, None), (5,), (32,), OPTIONS)
    run(kernel, (4, 2), (values, None), (7,), (48,), OPTIONS)
    assert kernel.looked_up == [((3,), 5, 32, OPTIONS)]
    assert kernel.launched == [((4, 2, 1), None, 7, 48, 8, False)]


def test_what_is_compiled_otherwise_is_looked_up() -> None:
    kernel, values = Kernel(), torch.empty(64)
    run(kernel, (3,), (values, None), (5,), (32,), OPTIONS)
    others = [
        ((values.double(), None), (32,), OPTIONS),
        ((values, values), (32,), OPTIONS),
        ((values, None), (32,), OPTIONS | {"DROP": True}),
        ((values[1:], None), (32,), OPTIONS),
        ((values, None), (20,), OPTIONS),
        ((values, None), (1 << 31,), OPTIONS),
    ]
    for tensors, strides, options in others:
        run(kernel, (3,), tensors, (5,), strides, options)
    assert len(kernel.looked_up) == 1 + len(others) and not kernel.launched

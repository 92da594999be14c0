"""Whether an ONNX file says what its model says, by onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from mmser.core.errors import MmserError
from mmser.sharing.onnx_batches import CASES, Inputs, example_inputs


def largest_difference(model: nn.Module, inputs: Inputs, path: Path) -> float:
    """Over all answers to every batch of `CASES`, relative to the answer where that is above 1; NaN
    counts as infinite.

    Raises MmserError when onnxruntime cannot run the file.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    refused = (
        states.Fail,
        states.InvalidArgument,
        states.InvalidGraph,
        states.NotImplemented,
        states.RuntimeException,
    )
    worst = 0.0
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        # An input that changes nothing is not in the graph.
        read = [node.name for node in session.get_inputs()]
        for lengths, seed in CASES:
            tensors = example_inputs(inputs, lengths, seed)
            with torch.inference_mode():
                expected = [answer.numpy() for answer in model(*tensors)]
            named = dict(zip(inputs.names, tensors, strict=True))
            found = session.run(None, {name: named[name].numpy() for name in read})
            worst = max(
                [
                    worst,
                    *(_distance(e, np.asarray(f)) for e, f in zip(expected, found, strict=True)),
                ]
            )
    except refused as error:
        reason = " ".join(str(error).split())[:300]
        remedy = "This system cannot be exported to ONNX; share its model folder instead."
        raise MmserError("a file that onnxruntime can run", reason, remedy) from error
    return worst


def _distance(expected: np.ndarray, found: np.ndarray) -> float:
    if expected.shape != found.shape or not np.isfinite(found).all():
        return float("inf")
    return float((np.abs(expected - found) / np.maximum(1.0, np.abs(expected))).max(initial=0.0))

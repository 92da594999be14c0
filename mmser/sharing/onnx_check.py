"""Whether an ONNX file gives the answers of its model, by onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from mmser.core.errors import MmserError
from mmser.sharing.onnx_batches import CASES, Inputs, example_inputs


def largest_difference(model: nn.Module, inputs: Inputs, path: Path) -> float:
    """The largest difference of the file's answers to the model's, over every batch of `CASES`.

    It is relative to the answer where that is above 1; NaN counts as infinite.

    Raises MmserError when onnxruntime cannot run the file.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    errors = (
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
        input_names = [node.name for node in session.get_inputs()]
        for lengths, seed in CASES:
            tensors = example_inputs(inputs, lengths, seed)
            with torch.inference_mode():
                expected = [answer.numpy() for answer in model(*tensors)]
            by_name = dict(zip(inputs.names, tensors, strict=True))
            feed = {name: by_name[name].numpy() for name in input_names}
            for answer, of_file in zip(expected, session.run(None, feed), strict=True):
                worst = max(worst, _distance(answer, np.asarray(of_file)))
    except errors as error:
        reason = " ".join(str(error).split())[:300]
        remedy = "This system cannot be exported to ONNX; share its model folder instead."
        raise MmserError("a file that onnxruntime can run", reason, remedy) from error
    return worst


def _distance(expected: np.ndarray, actual: np.ndarray) -> float:
    if expected.shape != actual.shape or not np.isfinite(actual).all():
        return float("inf")
    scale = np.maximum(1.0, np.abs(expected))
    return float((np.abs(expected - actual) / scale).max(initial=0.0))

"""A trained model as one ONNX file, checked against the model itself.

Inputs: for every stream ``<stream>_values`` (batch, time, *feature), scaled and indexed as the
model was trained, and ``<stream>_mask`` (batch, time) bool, True = real; batch and time are free
(aligned streams share one time axis). Outputs: ``logits`` (batch, class) and/or ``values`` (batch,
value). The classes stand in the file's metadata.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor, nn

from mmser import __version__
from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.inference.opening import open_trained
from mmser.inference.trained import Member, Trained, TrainedRun
from mmser.models.multimodal import MultimodalModel
from mmser.sharing.export import choose_members
from mmser.sharing.onnx_batches import CASES, EXAMPLE, Inputs, example_inputs
from mmser.sharing.onnx_check import largest_difference
from mmser.sharing.onnx_culprit import CannotExport, failing_part
from mmser.sharing.onnx_recurrence import open_recurrences
from mmser.training.run import Run

TOLERANCE = 1e-4
EXPORT_ERRORS = (
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    AssertionError,
    ArithmeticError,
)
"""What torch's exporter raises for a model that it cannot follow."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """What was written.

    ``difference`` is the largest one to the model over the batches it was checked on.
    """

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    difference: float

    def text(self) -> str:
        """The file, its check and its tensors in two lines."""
        names = f"inputs {', '.join(self.inputs)}; outputs {', '.join(self.outputs)}"
        megabytes = self.path.stat().st_size / 1e6
        check = f"checked on {len(CASES)} random batches: largest difference {self.difference:.1e}"
        return f"ONNX file: {self.path} ({megabytes:.1f} MB); {check}\n  {names}"


class OnnxModel(nn.Module):
    """A model as a function of tensors alone.

    It takes values and mask of each stream in turn and gives its answers.
    """

    def __init__(self, model: MultimodalModel, streams: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.streams = streams

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """(batch, time, *feature), (batch, time), ... -> (batch, class) and/or (batch, value).

        These are logits and values.
        """
        pairs = zip(tensors[::2], tensors[1::2], strict=True)
        streams = {name: Stream(*pair) for name, pair in zip(self.streams, pairs, strict=True)}
        out = self.model(streams, _NoConversation())  # type: ignore[arg-type]
        return tuple(answer for answer in (out.logits, out.values) if answer is not None)


class _NoConversation:
    """In place of a context: a file of one utterance per row has none."""

    listeners: None = None
    """No single annotator is asked."""

    def __getattr__(self, name: str) -> Any:
        # Also asked for attributes of a `Context` that a fusion reads.
        raise CannotExport(f"it reads the conversation ({name}), and the file has utterances alone")


def export_onnx(
    source: Run | Trained | str | Path,
    path: str | Path,
    fold: str | None = None,
    seed: int | None = None,
) -> OnnxFile:
    """Write one model of a run, a model folder or "hf:owner/name" to ``path``.

    Raises MmserError, naming the component, when one cannot be exported, and when the file does not
    agree with the model within `TOLERANCE` on random batches of several sizes and lengths; then
    there is no file.
    """
    _require("onnx", "onnxscript", "onnxruntime")
    trained = open_trained(source)
    member = _one(trained, fold, seed)
    inputs = Inputs.of(trained, member)
    model = OnnxModel(member.model, inputs.streams).eval()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".onnx-") as folder:
        aside = Path(folder) / path.name
        program = _exported(model, inputs)
        metadata = {"mmser": json.dumps(__version__)}
        for kind, names in member.task.names_by_kind.items():
            metadata[kind] = json.dumps(list(names))
        program.model.metadata_props.update(metadata)
        program.save(str(aside))
        difference = largest_difference(model, inputs, aside)
        # Also where the difference is NaN.
        if not difference <= TOLERANCE:
            raise MmserError(
                f"a file that agrees with the model to {TOLERANCE:g}",
                f"a difference of {difference:.1e}",
                "This system cannot be exported to ONNX; share its model folder instead.",
            )
        aside.replace(path)
    return OnnxFile(path, inputs.names, inputs.answers, difference)


def _one(trained: Trained, fold: str | None, seed: int | None) -> Member:
    if isinstance(trained, TrainedRun):
        keys = choose_members(trained.run, fold, seed)
        if len(keys) == 1:
            return trained.member(*keys[0])
    else:
        members = trained.members()
        fitting = [member for member in members if _fits(member, fold, seed)]
        if len(fitting) == 1:
            return fitting[0]
        keys = [(member.fold, member.seed) for member in members]
    listed = ", ".join(f"fold {name} seed {number}" for name, number in keys)
    raise MmserError("one model", listed, "Choose with --fold and --seed.")


def _fits(member: Member, fold: str | None, seed: int | None) -> bool:
    return fold in (None, member.fold) and (seed is None or int(seed) == member.seed)


def _exported(model: OnnxModel, inputs: Inputs) -> Any:
    opened = copy.deepcopy(model)
    open_recurrences(opened)
    tensors = example_inputs(inputs, *EXAMPLE)
    try:
        answers = list(inputs.answers)
        return to_onnx(opened, tensors, inputs.axes(), inputs.names, answers)
    except (*EXPORT_ERRORS, CannotExport) as error:
        component, reason = failing_part(error, opened)
        component = component or _part_that_fails_alone(opened, tensors, inputs)
        raise MmserError(
            f"parts that ONNX can express, in {component}",
            reason,
            "Share the model folder instead; docs/sharing.md lists the systems that export.",
        ) from error


def to_onnx(
    model: nn.Module,
    tensors: Sequence[Tensor],
    axes: Sequence[dict[int, str]],
    names: Sequence[str] | None = None,
    answers: Sequence[str] | None = None,
) -> Any:
    """Torch's exporter with free ``axes`` of every tensor."""
    import torch

    with _quiet(), torch.no_grad():
        return torch.onnx.export(
            model,
            tuple(tensors),
            dynamo=True,
            input_names=names,
            output_names=answers,
            dynamic_shapes=(tuple(axes),),
            verbose=False,
        )


class _Encoder(nn.Module):
    """One encoder as a function of tensors."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        stream = self.encoder(Stream(*tensors))
        return stream.values, stream.mask


def _part_that_fails_alone(model: OnnxModel, tensors: Sequence[Tensor], inputs: Inputs) -> str:
    """The first encoder that fails by itself, or else the fusion.

    For errors that name no part, since they come after all parts have run.
    """
    axes = inputs.axes()
    for place, name in enumerate(model.streams):
        encoder, own = model.model.encoders[name], slice(2 * place, 2 * place + 2)
        try:
            to_onnx(_Encoder(encoder).eval(), tensors[own], axes[own])
        except EXPORT_ERRORS:
            return f"encoders.{name} ({type(encoder).__name__})"
    return f"fusion ({type(model.model.fusion).__name__})"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which logs each step and prints the whole graph when it fails."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _require(*packages: str) -> None:
    from importlib.util import find_spec

    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MmserError(
            "the packages of ONNX", f"no {', '.join(missing)}", "Run: pip install 'mmser[onnx]'"
        )

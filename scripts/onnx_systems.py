"""Which systems export to ONNX: every one is built small and untrained, exported and checked.

    python scripts/onnx_systems.py [NAME...]

A line per system: the largest difference to the model, or which part stood in the way and why. Of a
system with a small twin the twin is exported.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.configs import config_names
from mmser.core.contracts import kind_read
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms
from mmser.inference.trained import Member, StreamSource
from mmser.models.multimodal import build_model
from mmser.sharing.onnx_batches import TOKENS
from mmser.sharing.onnx_export import export_onnx

TASK = Task(
    classes=("angry", "happy", "neutral", "sad"),
    values=("valence", "arousal"),
    class_counts=(3, 4, 5, 2),
)
FEATURES = 12


class Untrained:
    """A system as its config describes it, with random weights."""

    weights = "weights"

    def __init__(self, name: str) -> None:
        settings = compose(
            "train", [f"system={name}", "corpus=generic", "protocol=ravdess8_speaker24"]
        )
        self.name = name
        self.data = {
            "alignment": settings["data"]["alignment"],
            "grid_rate": 10.0,
            "word_stream": None,
        }
        self.parts = instantiate(settings["model"], _convert_="all")
        self.sizes: dict[str, int] = {}
        self.sources = {stream: self._source(stream, settings) for stream in self.parts["encoders"]}

    def _source(self, stream: str, settings: dict[str, Any]) -> StreamSource:
        made, spec = self.parts["encoders"][stream].func, settings["streams"][stream]
        reads, shape = kind_read(made), getattr(made, "feature_shape", None)
        indices = reads in ("words", "tokens")
        default = TOKENS if indices else 1 if reads == "waveform" else FEATURES
        self.sizes[stream] = spec.get("size") or default
        feature = () if indices or reads == "waveform" else shape or (self.sizes[stream],)
        return StreamSource(StreamSpec(spec["extractor"]), {}, Shape(tuple(feature), indices))

    def members(self) -> list[Member]:
        torch.manual_seed(0)
        model = build_model(
            self.parts["encoders"], self.parts["fusion"], self.parts["head"], self.sizes, TASK
        )
        return [Member("none", 0, model.eval(), Transforms(), TASK)]


def main() -> None:
    known = config_names("system")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="systems, all when none is named")
    names = parser.parse_args().names or [name for name in known if f"{name}_small" not in known]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            try:
                made = export_onnx(Untrained(name), Path(folder) / "model.onnx")
                print(f"{name}: exported, largest difference {made.difference:.1e}", flush=True)
            except MmserError as error:
                print(f"{name}: {error.expected}; {error.found}", flush=True)


if __name__ == "__main__":
    main()

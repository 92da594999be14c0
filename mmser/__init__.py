"""mmser: multimodal (speech, text, face) emotion recognition, from corpora of videos to an honest
report.

The steps of the command line as functions::

    import mmser
    run = mmser.train(system="audio_bigru", corpus="emodb", root="corpora/emodb")
    run.scores, run.confusion(), run.predict("clip.wav"), run.report()

Each name is imported on first use, so ``import mmser`` itself is instant. What a user can mend is
raised as one line (`mmser.core.errors.MmserError`); MMSER_DEBUG=1 keeps what led to it.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from types import FunctionType
from typing import Any

from mmser.core.errors import in_one_line

__version__ = "0.1.0"

_LAZY = {
    "preprocess": "mmser.pipeline.preprocess",
    "train": "mmser.pipeline.train",
    "search": "mmser.pipeline.search",
    "demo": "mmser.pipeline.demo",
    "load_run": "mmser.pipeline.run",
    "Run": "mmser.pipeline.run",
    "trust": "mmser.core.trust",
    "evaluate": "mmser.evaluation.evaluate",
    "score": "mmser.evaluation.scoring.score",
    "ablate": "mmser.evaluation.stress.ablation",
    "acoustic_robustness": "mmser.evaluation.stress.disturbances.acoustic_robustness",
    "asr_robustness": "mmser.evaluation.stress.words.asr_robustness",
    "predict_recording": "mmser.inference.timeline",
    "load": "mmser.inference.recogniser",
    "Judge": "mmser.inference.judge",
    "evaluate_judge": "mmser.pipeline.judge",
    "evaluate_other_corpus": "mmser.pipeline.other_corpus",
    "cross_corpus": "mmser.pipeline.cross_corpus",
    "export": "mmser.sharing.export",
    "export_onnx": "mmser.sharing.onnx_export",
    "push": "mmser.sharing.push",
    "compare": "mmser.evaluation.scoring.compare",
    "report": "mmser.reports.report",
    "doctor": "mmser.doctor",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mmser' has no attribute '{name}'")
    if "IPython" in sys.modules:
        # What mmser imports asks tqdm for a widget, which warns where there are none.
        warnings.filterwarnings("ignore", message="IProgress not found")
    found = getattr(import_module(_LAZY[name]), name)
    return in_one_line(found) if isinstance(found, FunctionType) else found


def __dir__() -> list[str]:
    return sorted(__all__)

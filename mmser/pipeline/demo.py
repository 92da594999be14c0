"""`mmser demo`: the whole road on a corpus that mmser makes itself."""

from __future__ import annotations

import logging
from pathlib import Path

from mmser.pipeline.train import train

log = logging.getLogger(__name__)

DEMO = """mmser demo: everything below {out}/, no download, a few minutes on two cores
  1. write a small SYNTHETIC corpus in IEMOCAP's layout: ten speakers, computer speech,
     warped faces                                                                  corpus/
  2. decode each video once into caches of speech, word and face features
     (face network: random weights)                                                cache/
  3. train a gated fusion of the three, leaving one session out in turn            runs/
  4. predict and score each left-out session, and draw the report
What it shows is that the pipeline works; its scores say nothing about real emotions."""


def demo(out: str | Path = "demo") -> Path:
    """Run the whole pipeline on the synthetic corpus below ``out``; returns the report's path."""
    from mmser.reports.report import report

    folder = Path(out)
    log.info("%s", DEMO.format(out=folder))
    words = ["system=gated", "corpus=synthetic", "protocol=synthetic4_loso5", "experiment=demo"]
    places = [
        f"corpus.root={folder / 'corpus'}",
        f"cache={folder / 'cache'}",
        f"paths.runs={folder / 'runs'}",
    ]
    run = train(*words, *places)
    return report([run.directory], folder / "report.html")

"""`mmser predict`: its options and what it prints. Imports nothing heavy until it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.evaluation.command import run_of


def add_options(predict: argparse.ArgumentParser) -> None:
    """Options of `mmser predict`."""
    predict.add_argument("run", metavar="run=DIR", help="a run, a model folder, or hf:owner/name[@revision]")
    predict.add_argument("recordings", nargs="+", metavar="FILE", help="videos or sound files")
    predict.add_argument("--asr", help="recogniser for runs that read text: pocketsphinx, whisper-base, ...")
    predict.add_argument("--out", help="folder for csv, json, srt, vtt, svg (default: beside each recording)")
    predict.add_argument("--weights", help="folder of the extractors' pretrained weights (default: the run's)")
    predict.add_argument("--window", type=float, default=5.0, help="seconds, where there is no speech to go by")


def predict(options: argparse.Namespace) -> str:
    """Predict each recording and write its files; returns what is printed."""
    from mmser.inference.recogniser import load
    from mmser.inference.write import label, write_timeline

    recogniser = load(run_of(options.run), weights=options.weights)
    lines = []
    for recording in map(Path, options.recordings):
        table = recogniser.predict(recording, options.asr, options.window)
        written = write_timeline(table, options.out or recording.parent, recording.stem)
        lines += [f"{recording.name}: {len(table)} segment{'' if len(table) == 1 else 's'}"]
        for row in table.to_dict("records"):
            gone = {str(key).partition("_")[2]: row[key] for key in row if str(key).startswith("contribution_")}
            spoke = ", ".join(f"{kind} {value:+.2f}" for kind, value in gone.items() if value == value)
            modalities = row["modalities"] or "nothing"
            lines.append(
                f"  {row['start']:7.2f} to {row['end']:7.2f} s  {label(row)}  ({modalities}; {spoke or 'alone'})"
            )
        lines.append(f"  written: {', '.join(path.name for path in written)}")
    return "\n".join(lines)

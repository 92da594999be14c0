"""What `mmser fuse` prints and writes: scores, what their protocols mean, and the fused files."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from mmser.cache.atomic import write_bytes
from mmser.core.errors import MmserError
from mmser.core.file_names import file_name
from mmser.core.printable import without_formulas
from mmser.corpora.avec_csv import write_track
from mmser.late_fusion.folder_fusion import FrameFusion
from mmser.late_fusion.frame_protocols import BEST, MEAN

PROTOCOL_MEANINGS = {
    "resubstitution": "fitted, tuned and scored on the same recordings, as the published figures "
    "were; it rises with every stage on noise as well and says nothing of new subjects",
    "by_subject": "cross-validated: no stage ever saw a label of the subject it predicts; this "
    "is what fusion is worth",
}


def fusion_text(fusion: FrameFusion) -> str:
    """Concordance per attribute and stage, each protocol under its own heading."""
    lines = [*fusion.notes, ""]
    if fusion.scores.empty:
        return "\n".join([*lines, "No labels: nothing is scored."])
    lines.append("Concordance (CCC) over all labelled frames together:")
    for protocol in fusion.scores["protocol"].unique():
        rows = fusion.scores[fusion.scores["protocol"] == protocol]
        if protocol:
            lines += ["", f"{protocol}: {PROTOCOL_MEANINGS[protocol]}"]
        labels = [
            _label(*keys)
            for keys in zip(rows["protocol"], rows["system"], rows["stage"], strict=True)
        ]
        shown = rows.drop(columns="protocol").assign(system=labels)
        lines.append(_columns(shown.drop(columns="stage")))
    return "\n".join(lines + _verdict(fusion))


def write_fusion(fusion: FrameFusion, out: str | Path) -> Path:
    """Write every fused recording as csv, and ``summary/`` beside them.

    So the folder is a model's folder itself. ``summary/scores.csv``, ``choices.csv`` and
    ``adjustments.csv`` are tables, ``summary.json`` holds all in one. Returns the folder. Raises
    MmserError when it already holds csv files of other recordings.
    """
    folder = Path(out)
    files = {name: folder / f"{file_name(name)}.csv" for name in fusion.fused}
    strangers = sorted(path.name for path in folder.glob("*.csv") if path not in files.values())
    if strangers:
        raise MmserError(
            f"a folder of its own for the fused files at {folder}",
            strangers[0],
            "Choose another --out.",
        )
    summary = folder / "summary"
    summary.mkdir(parents=True, exist_ok=True)
    recordings = fusion.recordings
    for name, values in fusion.fused.items():
        write_track(files[name], name, recordings.times[name], values, recordings.attributes)
    tables = {
        "scores": fusion.scores,
        "choices": fusion.choices,
        "adjustments": recordings.adjustments,
    }
    content = {
        "method": fusion.method,
        "protocol_of_the_files": fusion.protocol,
        "models": list(recordings.models),
        "attributes": list(recordings.attributes),
        "notes": fusion.notes,
        "meaning": PROTOCOL_MEANINGS,
    }
    for key, table in tables.items():
        write_bytes(summary / f"{key}.csv", without_formulas(table).to_csv(index=False).encode())
        content[key] = json.loads(table.to_json(orient="records"))
    write_bytes(summary / "summary.json", (json.dumps(content, indent=2) + "\n").encode())
    return folder


def _label(protocol: str, system: str, stage: object) -> str:
    if system == BEST:
        selection_set = (
            "the other subjects" if protocol == "by_subject" else "the scored recordings themselves"
        )
        return f"{BEST}, per attribute, chosen on {selection_set}"
    return f"{MEAN} of all models, nothing fitted" if system == MEAN else f"{system}, stage {stage}"


def _columns(table: pd.DataFrame) -> str:
    width = max(len(text) for text in table["system"])
    table = table.assign(system=[text.ljust(width) for text in table["system"]]).rename(
        columns={"system": ""}
    )
    return table.to_string(
        index=False, float_format=lambda x: f"{x:.3f}", na_rep="-", justify="right"
    )


def _verdict(fusion: FrameFusion) -> list[str]:
    """The last stage against the plain mean on held-out subjects, in one sentence."""
    rows = fusion.scores[fusion.scores["protocol"] == "by_subject"]
    if rows.empty:
        return []
    mean, fused = float(rows["mean"].iloc[0]), float(rows["mean"].iloc[-1])
    how = "above" if fused > mean else "below"
    return [
        "",
        f"On held-out subjects the last stage is {abs(fused - mean):.3f} {how} the plain mean "
        f"({fused:.3f} against {mean:.3f}, mean CCC).",
    ]

"""Label Studio's import with predictions: one task, its regions ready to be corrected.

They fit a project of ``<Labels name="emotion" toName="audio">`` over ``<Audio name="audio"
value="$audio"/>``, with ``<TextArea name="text" toName="audio" perRegion="true"/>`` for words and
``<Number name="valence" toName="audio" perRegion="true"/>`` for values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from mmser.cache.atomic import write_json
from mmser.inference.annotations.tracks import CONFIDENCE, EMOTION, TEXT, labels_of

LOCAL = "/data/local-files/?d="
"""Where Label Studio serves files below its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT."""


def write_label_studio(table: pd.DataFrame, recording: Path, seconds: float, target: Path) -> None:
    """The recording is named from its own folder."""
    results: list[dict[str, Any]] = []
    shares: list[float] = []
    for number, row in enumerate(table.to_dict("records"), 1):
        labels = labels_of(row)
        share = labels.pop(CONFIDENCE, None)
        span = {"start": round(row["start"], 3), "end": round(row["end"], 3)}
        for name, label in labels.items():
            part = _result(f"s{number}", name, span, label)
            if name == EMOTION and share is not None:
                part["score"] = float(share)
                shares.append(float(share))
            results.append(part)
    prediction: dict[str, Any] = {"model_version": "mmser", "result": results}
    if shares:
        prediction["score"] = round(sum(shares) / len(shares), 3)
    address = LOCAL + quote(recording.name, errors="surrogateescape")
    write_json(target, [{"data": {"audio": address}, "predictions": [prediction]}])


def _result(region: str, name: str, span: dict[str, float], label: str) -> dict[str, Any]:
    """One answer of one region; regions are joined by their id."""
    if name == EMOTION:
        kind, value = "labels", {"channel": 0, "labels": [label]}
    elif name == TEXT:
        kind, value = "textarea", {"text": [label]}
    else:
        kind, value = "number", {"number": float(label)}
    return {
        "id": region,
        "from_name": name,
        "to_name": "audio",
        "type": kind,
        "value": {**span, **value},
    }

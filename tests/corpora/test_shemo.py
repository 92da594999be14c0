"""ShEMO's transcripts."""

import json
from collections.abc import Callable
from pathlib import Path

from mmser.corpora.shemo import Shemo


def test_transcripts(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["female/F01A02.wav"])
    entry = {
        "F01A02": {
            "speaker_id": "F01",
            "gender": "female",
            "emotion": "anger",
            "transcript": "سلام",
        }
    }
    (tmp_path / "shemo.json").write_text(json.dumps(entry), encoding="utf-8")
    (utterance,) = Shemo(tmp_path).utterances()
    assert utterance.transcript == "سلام"

"""docs/own_data.md: its commands draft what it says, and the protocol it shows makes folds."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mmser.cli import main
from mmser.composition.parts import built
from mmser.core.configs import load_config
from mmser.pipeline.train_settings import train_settings

PAGE = (Path(__file__).parents[3] / "docs" / "own_data.md").read_text()


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for speaker in ("anna", "ben"):
        for emotion in ("joy", "anger", "neutral"):
            (folder / f"{emotion}_{speaker}_1.wav").write_bytes(b"RIFF")
    return folder


def test_the_first_command_writes_the_table(recordings: Path, capsys) -> None:
    (words,) = re.findall(r"^mmser (manifest recordings .*)$", PAGE, flags=re.MULTILINE)
    arguments = [word.strip("'") for word in words.split()]
    arguments[1] = str(recordings)
    assert main(arguments) == 0
    table = pd.read_csv(recordings / "manifest.csv")
    assert sorted(table["emotion"]) == ["angry", "angry", "happy", "happy", "neutral", "neutral"]
    assert "6 utterances of 2 speakers" in capsys.readouterr().out
    # A table that is there is not lost.
    assert main(arguments) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0


def test_nothing_is_written_for_a_preview(recordings: Path) -> None:
    words = ["manifest", str(recordings), "--pattern", "{emotion}_{speaker}_{n}.wav"]
    assert main([*words, "--preview"]) == 0
    assert not (recordings / "manifest.csv").exists()


def test_what_comes_next_fits_the_speakers_and_the_language(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "labels.csv").write_text("file,emotion,language\na.wav,złość,pl\n")
    out = tmp_path / "new" / "table.csv"
    words = ["manifest", str(tmp_path / "labels.csv"), "--speaker", "unknown", "--out", str(out)]
    assert main(words) == 0 and out.is_file(), "the folder is made"
    printed = capsys.readouterr().out
    assert "mmser weights get base\n" in printed
    (train,) = [line.split() for line in printed.splitlines() if "mmser train" in line]
    assert "protocol=generic_random10" in train
    settings = train_settings([word for word in train[2:] if "=" in word])
    assert settings["streams"]["audio"]["extractor"] == "whisper_base_statistics"


def test_pairs_without_a_sign_are_wrong_usage(recordings: Path, capsys) -> None:
    assert main(["manifest", str(recordings), "--map", "joy"]) == 2
    assert "found joy" in capsys.readouterr().err


def test_the_protocol_of_the_page_makes_folds() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    shown = yaml.safe_load(text)
    assert shown.pop("defaults") == ["base/evaluation@_here_", "_self_"]
    base = {key: load_config("protocol", "generic_part")[key] for key in ("_target_", "_convert_")}
    protocol = built({**base, **shown, "allow_incomplete": True})
    rows = [
        {"id": f"{speaker}{emotion}", "corpus": "generic", "speaker": speaker, "emotion": emotion}
        for speaker in "abcd"
        for emotion in ("happy", "neutral", "sad", "angry", "unsure")
    ]
    table = pd.DataFrame(rows).assign(language=["en"] * 15 + ["pl"] * 5)
    (difference,) = protocol.check(table)
    assert "150" in difference
    assignment = protocol.assign(table)
    assert sorted(assignment["fold"].unique()) == ["a", "b", "c"]
    assert set(assignment["label"]) == {"positive", "neutral", "negative"}

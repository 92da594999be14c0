"""The table of weights: what lies on this machine, and who wants it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmser.cli import main
from mmser.weights.demand import weights_table


def test_the_table_says_what_lies_here_and_who_wants_it(tmp_path: Path) -> None:
    (tmp_path / "resnet18-f37072fd.pth").touch()
    rows = {row["name"]: row for row in weights_table(tmp_path)}
    assert rows["tiny.en"]["here"] == "mmser weights get tiny.en"
    assert rows["resnet18-f37072fd.pth"]["here"].endswith("resnet18-f37072fd.pth")
    assert "resnet18" in rows["resnet18-f37072fd.pth"]["wanted by"]
    wavlm = rows["microsoft/wavlm-large"]
    assert wavlm["here"].startswith("mmser weights get microsoft/wavlm-large@")
    assert "wavlm_large" in wavlm["wanted by"]


def test_the_command_takes_the_folder_by_either_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "glove.6B.50d.txt").write_text("the 1\n")
    for words in (["--weights", str(tmp_path)], [f"paths.weights={tmp_path}"]):
        assert main(["weights", "get", "glove50", *words]) == 0
        assert capsys.readouterr().out.strip() == f"glove50: {tmp_path / 'glove.6B.50d.txt'}"
    assert main(["weights", "get", "glove50", "weights=here"]) == 2
    assert "paths.weights=..." in capsys.readouterr().err

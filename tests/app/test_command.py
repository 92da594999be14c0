"""`mmser app`: what is told before anything heavy is loaded."""

from __future__ import annotations

import pytest

from mmser.cli import main
from mmser.core import needed_package


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """The command with a folder that is there -> (exit code, its complaint)."""
    monkeypatch.setattr(needed_package, "find_spec", lambda name: name)

    def called(*words):
        code = main(["app", f"run={tmp_path}", *words])
        return code, capsys.readouterr().err

    return called


def test_gradio_that_is_missing_is_one_line(refused, monkeypatch):
    monkeypatch.setattr(needed_package, "find_spec", lambda name: None)
    code, complaint = refused()
    assert code == 1 and complaint.count("\n") == 1
    assert "the package gradio; found not installed. Run: pip install 'mmser[app]'" in complaint


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "--port from 0 to 65535"),
        (["--window", "0"], "--window above 0 s"),
        (["--largest", "0"], "--largest above 0"),
        (["--longest", "1e9"], "--longest above 0 and up to 600"),
        (["clip.wav"], "The page asks for recordings; `mmser predict` takes files."),
    ],
)
def test_words_that_say_nothing_are_refused(refused, words, message):
    code, complaint = refused(*words)
    assert code == 2 and message in complaint


def test_a_run_that_is_not_there_is_told(capsys):
    assert main(["app", "run=runs/nope"]) == 1
    assert "no folder runs/nope" in capsys.readouterr().err

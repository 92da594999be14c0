"""TAB: what a shell is answered, that every answer is a word of mmser, and that it comes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mmser.catalogue.option_choices import option_choices
from mmser.catalogue.proposals import SECTIONS, STREAM, keys, proposals
from mmser.cli import build_parser, main
from mmser.composition import compose
from mmser.composition.places import full_key
from mmser.composition.unknown import has_key, is_argument
from mmser.settings import data, launcher, optimizer, stream, trainer
from mmser.settings.check import ranges_of

pytest.importorskip("argcomplete")
MODULES = {
    "data": data,
    "launcher": launcher,
    "optimizer": optimizer,
    "stream": stream,
    "trainer": trainer,
}
HEAVY = ("torch", "pandas", "transformers", "lightning", "hydra", "av", "numpy")


@pytest.mark.parametrize(
    ("command", "typed", "expected"),
    [
        ("train", "system=mcs", ["system=mcsan"]),
        ("train", "~exper", ["~experiment="]),
        ("train", "trainer.log", ["trainer.log_tensorboard=", "trainer.logger="]),
        ("train", "trainer.epochs=", ["trainer.epochs=100"]),
        ("train", "trainer.clip_mode=", [f"trainer.clip_mode={w}" for w in ("norm", "tensor", "value")]),
        ("train", "text=mini", ["text=minilm", "text=minilm_sentence"]),
        ("train system=mcsan", "enc", ["encoders.audio=", "encoders.audio.", "encoders.text=", "encoders.text."]),
        ("train system=mcsan", "fusion.dropout=", ["fusion.dropout=0.1"]),
        ("train system=mcsan fusion=gated", "fusion.", ["fusion.size=", "fusion.dropout="]),
        ("train system=mcsan", "streams.audio.cr", ["streams.audio.crop="]),
        ("train corpus=meld", "protocol=meld", ["protocol=meld3", "protocol=meld7"]),
        ("search system=mcsan", "fusion=gated,tf", ["fusion=gated,tfn"]),
        ("preprocess", "extractors=[mfcc40,hashed_d", ["extractors=[mfcc40,hashed_dialogue"]),
        ("preprocess extractors=mfcc40", "extractor", ["extractor.mfcc40.coefficients="]),
        ("preprocess", "transcript=", [f"transcript={w}" for w in ("corpus", "faster_whisper", "pocketsphinx", "whisper")]),
        ("crosscorpus corpora=[emodb,emovo]", "emov", ["emovo.root=", "emovo.protocol="]),
        ("crosscorpus", "corpora=[emodb,emov", ["corpora=[emodb,emovo"]),
        ("evaluate run=x", "sc", ["scale="]),
    ],
)  # fmt: skip
def test_a_word_is_completed(command: str, typed: str, expected: list[str]) -> None:
    name, *others = command.split()
    assert [word for word in proposals(name, typed, others) if word not in others] == expected


def test_a_command_that_begins_with_a_run_proposes_runs() -> None:
    """A new command says which further keys it has."""
    (commands,) = [action for action in build_parser()._actions if action.dest == "command"]
    for name, sub in dict(commands.choices or {}).items():
        if any(action.dest == "run" and not action.option_strings for action in sub._actions):
            proposed = keys(name, [])
            assert proposed[0] == "run" and "system" not in proposed, name


def test_folders_of_runs_come_before_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("runs/mine", "runs/more/inner", "corpora/meld"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert proposals("evaluate", "run=", []) == ["run=runs/mine", "run=runs/more/"]
    assert proposals("evaluate", "run=runs/mo", []) == ["run=runs/more/"]
    assert proposals("train", "corpus.root=cor", []) == ["corpus.root=corpora/"]
    assert proposals("train", "run=nothing/there", []) == []


@pytest.mark.parametrize("section", [*SECTIONS.values(), STREAM], ids=lambda section: section[1])
def test_words_of_an_option_are_those_that_its_ranges_hold(section: tuple[str, str]) -> None:
    """The source is parsed by hand where a shell waits: here it is imported."""
    module, name = section
    ranges = ranges_of(getattr(MODULES[module], name))
    choices = option_choices(module, name)
    assert list(choices) == list(ranges)
    for option, words in choices.items():
        kinds = ranges[option]
        for word in words:
            assert any(kind.holds(yaml.safe_load(word)) for kind in kinds), (option, word)
        if any(kind.holds(True) for kind in kinds):
            assert {"true", "false"} <= set(words), option


def test_every_proposed_key_is_one_that_the_command_takes() -> None:
    words = ["system=speech_text_face", "corpus=generic", "protocol=generic_speaker"]
    tree = compose("train", words)
    apart = ("launcher", "transcript", "words", "audio", "text", "face", "experiment", "system")
    proposed = [key for key in keys("train", words) if key.partition(".")[0] not in apart]
    assert len(proposed) > 100
    for key in proposed:
        full = full_key(key)
        assert has_key(tree, full) or is_argument(tree, full), key


def test_it_is_answered_without_heavy_libraries() -> None:
    program = (
        "import sys\nimport mmser.cli\nfrom mmser.catalogue.proposals import proposals\n"
        "for word in ('', 'trainer.logger=', 'protocol=', 'text=', 'system=', 'fusion.'):\n"
        "    proposals('train', word, ['system=mcsan', 'corpus=meld'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_bash_completes(tmp_path: Path) -> None:
    """The printed code in a real bash, as at a TAB."""
    command = tmp_path / "bin" / "mmser"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mmser.cli "$@"\n')
    command.chmod(0o755)
    lines = {
        "mmser comp": {"compare", "completion"},
        "mmser train system=mcsan trainer.log": {"trainer.logger=", "trainer.log_tensorboard="},
        "mmser train trainer.logger=": {"tensorboard", "null"},
        "mmser show system mcs": {"mcsan"},
        "mmser train --multi": {"--multirun"},
    }
    program = (
        'eval "$(mmser completion bash)"\n'
        "while IFS= read -r COMP_LINE; do\n  COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()\n"
        '  _python_argcomplete mmser\n  echo "${COMPREPLY[*]}"\ndone'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        input="\n".join(lines) + "\n",
        env={**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [set(line.split()) for line in done.stdout.splitlines()]
    # Another name that begins so may be added one day.
    for (line, expected), answer in zip(lines.items(), answers, strict=True):
        assert expected <= answer and len(answer) < 10, line


@pytest.mark.parametrize(
    ("shell", "file", "start"),
    [
        ("bash", ".local/share/mmser/mmser.bash", ".bashrc"),
        ("zsh", ".local/share/mmser/mmser.zsh", ".zshrc"),
        ("fish", ".config/fish/completions/mmser.fish", ""),
    ],
)
def test_one_command_installs_it(
    shell: str,
    file: str,
    start: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert main(["completion", shell, "--install"]) == 0
    assert main(["completion", shell, "--install"]) == 0
    assert (tmp_path / file).read_text() == printed
    assert "mmser" in printed.splitlines()[0] + printed.splitlines()[1]
    if start:
        lines = (tmp_path / start).read_text().splitlines()
        assert lines.count(f"source {tmp_path / file}") == 1

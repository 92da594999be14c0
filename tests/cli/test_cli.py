"""The command: exit codes, one-line errors, and that the light commands stay light."""

import shlex
import signal
import subprocess
import sys

import pytest

from mmser.cli import COMMANDS, build_parser, main, parse
from mmser.cli.command import keyed
from mmser.cli.examples import EXAMPLES
from mmser.core.errors import MmserError, UsageError

HEAVY = ("torch", "pandas", "transformers", "lightning", "hydra", "av", "numpy")


@pytest.mark.parametrize("words", [["--help"], ["list"], ["list", "systems"], ["list", "fusions"]])
def test_light_commands_import_no_heavy_library(words):
    program = (
        "import sys\nfrom mmser.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_unknown_kind_is_wrong_usage_and_suggests(capsys):
    assert main(["list", "fusionz"]) == 2
    assert "Did you mean fusions?" in capsys.readouterr().err


def test_an_error_is_one_line_and_debug_shows_the_traceback(capsys, tmp_path):
    missing = str(tmp_path / "nothing.csv")
    assert main(["score", missing]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    with pytest.raises((MmserError, OSError)):
        main(["score", missing, "--debug"])


def test_no_command_exits_with_usage():
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2


def test_every_command_documents_itself():
    actions = [action for action in build_parser()._actions if action.dest == "command"]
    for name, sub in actions[0].choices.items():
        assert sub.description, name


def test_every_command_has_examples_that_its_parser_takes():
    assert set(EXAMPLES) == {command.name for command in COMMANDS}
    for name, lines in EXAMPLES.items():
        for line in lines:
            words = shlex.split(line)
            assert words[:2] == ["mmser", name]
            assert build_parser().parse_args(words[1:]).command == name


def test_words_behind_an_option_are_overrides_too(capsys):
    words = ["train", "system=mcsan", "--report", "corpus=meld", "-v", "trainer.epochs=5"]
    options = parse(build_parser(), words)
    assert options.overrides == ["system=mcsan", "corpus=meld", "trainer.epochs=5"]
    assert options.report
    for wrong in (
        ["train", "a=b", "--report", "c"],
        ["train", "a=b", "--rport"],
        ["runs", "a", "c=d"],
    ):
        with pytest.raises(SystemExit):
            parse(build_parser(), wrong)
        assert f"unrecognized arguments: {wrong[-1]}" in capsys.readouterr().err


def test_keyed_words_accept_only_the_named_keys():
    assert keyed(["run=a=b"], ["run"]) == {"run": "a=b"}
    with pytest.raises(UsageError, match="found rnu=a"):
        keyed(["rnu=a"], ["run"])


def test_unknown_override_says_which_config_it_does_not_fit(capsys):
    assert main(["train", "corpus=nosuchcorpus", "system=mcsan", "protocol=iemocap4_loso5"]) == 2
    assert "nosuchcorpus" in capsys.readouterr().err


def test_a_reader_that_goes_ends_it_quietly() -> None:
    """As ``| head`` does."""
    command = [sys.executable, "-m", "mmser.cli", "list", "systems"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + signal.SIGPIPE

"""`mmser completion bash|zsh|fish`, and the answer that a shell gets when a word is completed."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from mmser.cache.atomic import write_bytes
from mmser.cli.command import Command
from mmser.core.errors import MmserError
from mmser.core.printable import printable

ASKED = "_ARGCOMPLETE"
"""The variable of the environment by which a shell asks for completions."""

PLACES = {
    "bash": ("~/.local/share/mmser", "~/.bashrc"),
    "zsh": ("~/.local/share/mmser", "~/.zshrc"),
    "fish": ("~/.config/fish/completions", ""),
}
"""Where the code of a shell lies, and what the shell reads at its start."""

LOAD_ZSH = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"
"""zsh knows `compdef` after that alone."""

Completer = Callable[..., Sequence[str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser completion`."""
    parser.add_argument("shell", choices=[*PLACES], help="the shell in which TAB completes")
    parser.add_argument(
        "--install",
        action="store_true",
        help="for every new shell: a file below ~/.local/share/mmser and a line in ~/.bashrc or "
        "~/.zshrc, or a file in ~/.config/fish/completions",
    )


def run(options: argparse.Namespace) -> int:
    """Print what the shell reads at its start, or put it where the shell reads it."""
    code = _code(options.shell)
    if not options.install:
        print(code)
        return 0
    file = _installed(options.shell, code)
    print(printable(f"{file}: TAB completes words of mmser in a new {options.shell}."))
    return 0


def _code(shell: str) -> str:
    try:
        import argcomplete
    except ImportError as error:
        raise MmserError(
            "argcomplete, which answers the shell", "none", "pip install 'mmser[completion]'."
        ) from error
    first, _, others = argcomplete.shellcode(["mmser"], shell=shell).partition("\n")
    lines = [first, LOAD_ZSH, others] if shell == "zsh" else [first, others]
    return "\n".join(lines)


def _installed(shell: str, code: str) -> Path:
    """The file that a new shell reads, by itself or by a line in the file of its start."""
    folder, start = PLACES[shell]
    file = Path(folder).expanduser() / f"mmser.{shell}"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, f"{code}\n".encode())
    if not start:
        return file
    line = f"source {shlex.quote(str(file))}"
    profile = Path(start).expanduser()
    there = profile.read_text(encoding="utf-8") if profile.is_file() else ""
    if line not in there.splitlines():
        with profile.open("a", encoding="utf-8") as stream:
            stream.write(f"\n# TAB completes words of mmser\n{line}\n")
    return file


def is_asked() -> bool:
    """Whether a shell waits for completions, and for nothing else."""
    return ASKED in os.environ


def answer(parser: argparse.ArgumentParser) -> None:
    """Tell the shell what its last word can become, and end the process."""
    import argcomplete

    with_completers(parser)
    argcomplete.autocomplete(parser, always_complete_options="long")


def with_completers(parser: argparse.ArgumentParser) -> None:
    """Give each argument of each command what completes it; the others take files."""
    (commands,) = [each for each in parser._actions if each.dest == "command"]
    for name, sub in dict(commands.choices or {}).items():
        for action in sub._actions:
            completer = _completer(name, action)
            if completer is not None:
                action.completer = completer  # type: ignore[attr-defined]


def _completer(command: str, action: argparse.Action) -> Completer | None:
    if action.dest == "overrides" or (action.dest == "run" and not action.option_strings):
        return _key_values(command)
    named: dict[tuple[str, str], Completer] = {
        ("list", "kind"): _kinds,
        ("show", "words"): _entries,
        ("weights", "names"): _weights,
        ("explore", "features"): _extractors,
        ("compare", "published"): _systems,
        ("predict", "asr"): _transcribers,
        ("robustness", "asr"): _transcribers,
        ("runs", "folder"): _folders,
        ("cache", "directory"): _folders,
        ("push", "folder"): _folders,
    }
    if action.dest in ("runs", "tables", "sources"):
        return _runs
    return named.get((command, action.dest))


def _key_values(command: str) -> Completer:
    def complete(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Sequence[str]:
        from mmser.catalogue.proposals import proposals

        given = getattr(parsed_args, "overrides", None) or []
        return proposals(command, prefix, given)

    return complete


def _kinds(**_: object) -> Sequence[str]:
    from mmser.catalogue.lists import KINDS, METRICS

    return [*KINDS, METRICS]


def _entries(parsed_args: argparse.Namespace, **_: object) -> Sequence[str]:
    """A kind or any name; behind a kind its names."""
    from mmser.catalogue.lists import KINDS
    from mmser.core.configs import config_names

    given = getattr(parsed_args, "words", None) or []
    groups = [group for group in KINDS.values() if group in given[:1]]
    names = sorted({name for group in groups or KINDS.values() for name in config_names(group)})
    return names if groups else [*KINDS.values(), *names]


def _names(group: str) -> Completer:
    def complete(**_: object) -> Sequence[str]:
        from mmser.core.configs import config_names

        return config_names(group)

    return complete


_extractors, _systems, _transcribers = map(_names, ("extractor", "system", "transcriber"))


def _weights(**_: object) -> Sequence[str]:
    from mmser.weights.sources import SOURCES

    return list(SOURCES)


def _folders(prefix: str, **_: object) -> Sequence[str]:
    from mmser.catalogue.proposals import folders

    return folders(prefix)


def _runs(prefix: str, **_: object) -> Sequence[str]:
    """Runs, and files: tables of predictions."""
    from mmser.catalogue.proposals import folders

    return folders(prefix) if not prefix else folders(prefix, files=True)


COMMAND = Command("completion", "what makes TAB complete words of mmser", add_options, run)

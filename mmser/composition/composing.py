"""Override words become one resolved plain mapping.

This is the only file that touches a DictConfig.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra import main as hydra_main
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mmser.composition.letters import read_back
from mmser.composition.modality_words import is_modality_word, with_modalities
from mmser.composition.swaps import renamed, without_leftovers
from mmser.composition.unknown import has_key, is_argument, unknown_key, with_signs
from mmser.composition.words import Word, read_words
from mmser.core.configs import config_dir, config_names, load_config
from mmser.core.errors import UsageError
from mmser.core.saved import read_saved_yaml
from mmser.settings.check import ranges_of
from mmser.settings.part import check_part
from mmser.settings.preprocess import Preprocess
from mmser.settings.run import RunSettings
from mmser.settings.settings import check_preprocess, check_run, require_preprocess, require_run

KINDS = {
    "train": (RunSettings, check_run, require_run),
    "preprocess": (Preprocess, check_preprocess, require_preprocess),
}
"""What describes the options of a config, what checks them, and what finds missing ones."""

NAMED = {
    "train": {"system": "systems", "corpus": "corpora", "protocol": "protocols"},
    "preprocess": {"corpus": "corpora"},
}
"""The groups of which a command names a member, and how `mmser list` calls them."""

FULL_ERROR = "HYDRA_FULL_ERROR"

_UNFIT = re.compile(r"In 'experiment/(\w+)': Could not override '(?:\w+@)?([\w./]+)'")
"""What Hydra says of an experiment over a system that has not the part it exchanges."""

SHOWN = 200
"""Characters of Hydra's own words that an error passes on."""


def compose(config_name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """``configs/<config_name>.yaml`` with override words, resolved and checked.

    An argument that a part has may be set whether its config lists it or not.
    Raises UsageError for an unknown key or config, a malformed word, a value that is not allowed.
    """
    return _of_words(config_name, read_words(overrides))


def _of_words(config_name: str, words: Sequence[Word]) -> dict[str, Any]:
    _check_named(config_name, words)
    plain = with_modalities(words) if "system" in NAMED[config_name] else [*words]
    return _finished(config_name, *_resolved(config_name, plain))


def _check_named(config_name: str, words: Sequence[Word]) -> None:
    """Raise UsageError for a group without which nothing can be composed."""
    keys = {word.key for word in words}
    for group, kind in NAMED[config_name].items():
        if group not in keys:
            raise UsageError(f"{group}=NAME", "none", f"`mmser list {kind}` prints the names.")


def _resolved(config_name: str, words: list[Word]) -> tuple[dict[str, Any], list[Word]]:
    """The resolved mapping and the words that made it, with a plus where Hydra wants one."""
    # Most commands set listed options alone: the words are looked at only when Hydra refuses them.
    try:
        return _mapping(_composed(config_name, words), resolve=True), words
    except (HydraException, OmegaConfBaseException) as error:
        signed = _signed(config_name, words)
        if signed == words:
            raise _failed(config_name, error) from error
    try:
        return _mapping(_composed(config_name, signed), resolve=True), signed
    except (HydraException, OmegaConfBaseException) as error:
        raise _failed(config_name, error) from error


def _signed(config_name: str, words: list[Word]) -> list[Word]:
    """The words with signs, judged by what their choices alone compose to."""
    choices = [word for word in words if word.group or word.sign == "~"]
    try:
        return with_signs(words, _mapping(_composed(config_name, choices), resolve=False))
    except (HydraException, OmegaConfBaseException) as error:
        raise _failed(config_name, error) from error


def _composed(config_name: str, words: Sequence[Word]) -> DictConfig:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return hydra_compose(config_name, overrides=[*map(str, words)])


def _mapping(config: DictConfig, resolve: bool) -> dict[str, Any]:
    content = OmegaConf.to_container(config, resolve=resolve, throw_on_missing=resolve)
    return read_back(content)  # type: ignore[no-any-return]


def _finished(config_name: str, config: dict[str, Any], words: Sequence[Word]) -> dict[str, Any]:
    kind, check, require = KINDS[config_name]
    options = ranges_of(kind)
    for word in words:
        # With a plus Hydra adds any key, and a misspelt one would mean nothing.
        adds_option = word.sign in ("+", "++") and not word.group
        if adds_option and word.key.split(".")[0] not in options:
            neighbours = {key: value for key, value in config.items() if key in options}
            raise unknown_key(word.key, neighbours)
    finished = renamed(without_leftovers(config, words), words)
    check(finished)
    require(finished)
    return finished


def load_part(
    group: str, name: str, paths: Mapping[str, str] | None = None, **changes: object
) -> dict[str, Any]:
    """One config of a group by itself, such as the extractor ``mfcc40``, with ``changes``.

    Its references to ``paths`` are resolved by configs/paths/default.yaml and ``paths`` over it.
    Raises UsageError for a name that is not there or an argument that is not allowed.
    """
    places = {**load_config("paths", "default"), **(paths or {})}
    tree = OmegaConf.create({"paths": places, "part": load_config(group, name)})
    part: dict[str, Any] = {**_mapping(tree, resolve=True)["part"], **changes}
    check_part(part, f"{group}.{name}")
    return part


def _failed(config_name: str, error: Exception) -> UsageError:
    """Hydra's complaint on one line, without the lists it prints."""
    causes = [str(error), *([str(error.__cause__)] if error.__cause__ else [])]
    reason = " ".join(" ".join(causes).split())
    if unfit := _UNFIT.search(reason):
        experiment, place = unfit.groups()
        return UsageError(
            f"a system with {place}, which experiment={experiment} changes",
            "one without it",
            f"Name such a system (`mmser show NAME` lists its parts), or leave out "
            f"experiment={experiment}; trainer.epochs=2 makes any training short.",
        )
    reason = reason if len(reason) <= SHOWN else f"{reason[: SHOWN - 3]}..."
    return UsageError(
        f"overrides that fit configs/{config_name}.yaml",
        reason,
        "`mmser list` prints the names; see docs/.",
    )


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A saved config as a plain mapping. Raises MmserError when there is none, or it is damaged."""
    file = Path(path)
    if not file.is_file():
        raise UsageError("a saved config", f"no file {file}", "Name <run>/config.yaml.")
    return read_saved_yaml(file)


def merged(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A saved config with KEY=VALUE overrides applied, resolved and checked.

    Raises UsageError for a key that neither the config nor a part in it has, a choice of another
    part, or a value that is not allowed.
    """
    tree = OmegaConf.create(dict(config))
    try:
        for word in read_words(overrides):
            _merge(tree, config, word)
        content = _mapping(tree, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(
            "overrides that fit the saved config", " ".join(str(error).split()), "Correct it."
        ) from error
    check_run(content)
    return content


def _merge(tree: DictConfig, config: Mapping[str, Any], word: Word) -> None:
    if word.group or word.sign == "~" or "@" in word.key:
        raise UsageError(
            "options of the saved config, KEY=VALUE",
            str(word),
            "Other parts are chosen in a new command, without it.",
        )
    if not (has_key(config, word.key) or is_argument(config, word.key)):
        raise unknown_key(word.key, config)
    OmegaConf.update(tree, word.key, word.parsed(), force_add=True)


def sweep(
    config_name: str, overrides: Sequence[str], job: Callable[[dict[str, Any]], float]
) -> None:
    """Call ``job`` for every combination of comma-separated override values.

    Hydra's own sweeper does it. Sweeper and launcher plug-ins (Optuna, Slurm) are chosen by
    ``hydra/sweeper=...`` and ``hydra/launcher=...``; what ``job`` returns is the number such a
    sweeper optimises.
    """
    words = read_words(overrides, sweeps=True)
    own = [word for word in words if not word.key.startswith("hydra")]
    _check_named(config_name, own)
    # Every value is tried before the first run begins: a wrong one is told now.
    signs: dict[str, str] = {}
    for attempt in _attempts(own):
        config, signed_words = _resolved(config_name, with_modalities(attempt))
        _finished(config_name, config, signed_words)
        signs |= {word.key: word.sign for word in signed_words}
    # The config has no option of their names: with a plus Hydra hands them to each run.
    signs |= {word.key: "+" for word in own if is_modality_word(word)}
    signed = [Word(signs.get(word.key, word.sign), word.key, word.value) for word in words]

    @hydra_main(config_path=str(config_dir()), config_name=config_name, version_base="1.3")
    def one(config: DictConfig) -> float:
        words_of_run = read_words(HydraConfig.get().overrides.task)
        if any(map(is_modality_word, words_of_run)):
            GlobalHydra.instance().clear()  # Hydra composes nothing inside a run of its own
            return job(_of_words(config_name, words_of_run))
        return job(_finished(config_name, _mapping(config, resolve=True), words_of_run))

    argv, full_error = sys.argv, os.environ.get(FULL_ERROR)
    sys.argv = ["mmser", "--multirun", *map(str, signed)]
    os.environ[FULL_ERROR] = "1"  # an error comes here as it is, and Hydra prints nothing
    try:
        one()
    finally:
        sys.argv = argv
        if full_error is None:
            del os.environ[FULL_ERROR]
        else:
            os.environ[FULL_ERROR] = full_error


def _attempts(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words for one run at a time: each value of a sweep, with the first of every other word."""
    values = [_values(word) for word in words]
    firsts = [each[0] for each in values]
    yield firsts
    for place, each in enumerate(values):
        for value in each[1:]:
            yield [*firsts[:place], value, *firsts[place + 1 :]]


def _values(word: Word) -> list[Word]:
    """The word with each of its values: the ends of an interval, the first name of a pattern."""
    if word.value is None:
        return [word]
    override = OverridesParser.create().parse_override(str(word))
    if not override.is_sweep_override():
        return [word]
    sweep_value = override.value()
    if isinstance(sweep_value, IntervalSweep):
        texts = [f"{end:g}" for end in (sweep_value.start, sweep_value.end) if end is not None]
    elif isinstance(sweep_value, Glob):
        texts = config_names(word.group)[:1]
    else:
        texts = [*override.sweep_string_iterator()]
    return [Word(word.sign, word.key, text) for text in texts]

"""What may stand next in a command: keys of options, names of configs, folders of runs.

Only files of ``configs/`` and the folder at hand are read, so that a shell has its answer at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmser.catalogue.option_choices import option_choices
from mmser.catalogue.sheet import components
from mmser.core.configs import config_dir, config_names, load_config
from mmser.settings.paths import is_path

RUN_KEYS = {
    "evaluate": "condition also normaliser split scale labels model corpus corpus.root protocol "
    "transcript",
    "export-features": "of fold seed others name cache out",
    "predict": "model labels",
    "app": "model labels",
    "ablate": "",
    "robustness": "",
    "soup": "",
    "export": "",
}
"""Keys beside ``run`` of the commands that begin with a run."""

GROUPS = (
    "system",
    "corpus",
    "protocol",
    "experiment",
    "objective",
    "optimizer",
    "scheduler",
    "solver",
    "trainer",
    "engine",
    "fusion",
    "head",
)
SECTIONS = {
    "trainer": ("trainer", "Trainer"),
    "data": ("data", "Data"),
    "data.episodes": ("data", "Episodes"),
    "optimizer": ("optimizer", "Optimizer"),
    "launcher": ("launcher", "Launcher"),
}
LISTS = {"extractors": "extractor", "corpora": "corpus"}
SOURCES = {"transcript": "transcriber", "words": "aligner"}
"""Keys that name members of a group; of those of words the corpus's own are another choice."""

STREAM = ("stream", "StreamSpec")
MODALITY_WORDS = ("audio", "text", "face")
WORDS = {
    "also": "hypotheses listeners domains frames validation submission",
    "scale": "run own",
    "others": "true false",
    "launcher": "slurm submitit_local",
    "folds": "all",
}
PATHS = ("run", "out", "model")
"""Keys of folders and files that `is_path` does not know."""

CONFIG = "config.yaml"
"""The file by which a folder is that of a run or a model."""

RUNS = "runs/"


def proposals(command: str, word: str, others: Sequence[str]) -> list[str]:
    """Whole words of the form KEY=VALUE, or beginnings of them, that ``word`` can become.

    ``others`` are the words of the command beside it.
    """
    sign = word[: len(word) - len(word.lstrip("+~"))]
    key, equals, value = word.removeprefix(sign).partition("=")
    if equals:
        return [f"{sign}{key}={each}" for each in _values(key, value, others)]
    taken = {other.partition("=")[0] for other in others}
    free = [each for each in keys(command, others) if each not in taken]
    return [sign + each for each in _next_level(free, key)]


def keys(command: str, others: Sequence[str]) -> list[str]:
    """Every key that a command has, with the parts that its other words choose."""
    if command in RUN_KEYS:
        return ["run", *RUN_KEYS[command].split()]
    if command == "preprocess":
        return _preprocess_keys(others)
    if command == "explore":
        return ["corpus", "protocol", "labels", "cache", *_arguments("corpus", _of(others))]
    if command == "demo":
        return ["out"]
    if command == "crosscorpus":
        own = [f"{name}.{key}" for name in _listed(others) for key in ("root", "protocol")]
        return ["corpora", "classes", "out", *own, *_train_keys(others)]
    return _train_keys(others)


def folders(value: str, files: bool = False) -> list[str]:
    """Paths that ``value`` can become: folders of runs end without a slash, others with one.

    Nothing written yet begins in ``runs`` where there is such a folder.
    """
    start = RUNS if not value and Path(RUNS).is_dir() and not files else value
    above, _, last = start.rpartition("/")
    above = f"{above}/" if "/" in start else ""
    try:
        found = sorted(Path(above or ".").expanduser().iterdir())
    except OSError:
        return []
    names = []
    for path in found:
        if path.name.startswith(".") and not last.startswith("."):
            continue
        if path.is_dir():
            names.append(path.name if (path / CONFIG).is_file() else f"{path.name}/")
        elif files:
            names.append(path.name)
    return [above + name for name in names if name.startswith(last)]


def _of(others: Sequence[str], group: str = "corpus") -> str:
    """The name that the other words choose of a group, "" where none does."""
    values = [word.partition("=")[2] for word in others if word.partition("=")[0] == group]
    return values[-1] if values else ""


def _listed(others: Sequence[str]) -> list[str]:
    return [name for name in _of(others, "corpora").strip("[]").split(",") if name]


def _next_level(every: Iterable[str], start: str) -> list[str]:
    """Keys up to their next dot; where only one is left, what lies below it."""
    found: dict[str, None] = {}
    for key in every:
        if key.startswith(start):
            dot = key.find(".", len(start))
            found[key[: dot + 1] if dot >= 0 else f"{key}="] = None
    names = list(found)
    if len(names) == 1 and names[0].endswith("."):
        return _next_level(every, names[0])
    return names


def _arguments(group: str, name: str, place: str = "") -> list[str]:
    """The keys of a config's own arguments."""
    if name not in config_names(group):
        return []
    return [f"{place or group}.{key}" for key in load_config(group, name) if _is_argument(key)]


def _is_argument(key: str) -> bool:
    return key not in ("defaults", "hydra") and not key.startswith("_")


def _top(config: str) -> list[str]:
    """Plain options and groups that configs/<config>.yaml has, without those of sections."""
    content = load_config("", config)
    groups = [key for choice in content["defaults"] for key in choice]
    plain = [key for key in content if _is_argument(key) and key not in ("data", "extractor")]
    return [*(key for key in groups if key != "paths"), *plain]


def _preprocess_keys(others: Sequence[str]) -> list[str]:
    every = [*_top("preprocess"), *_arguments("paths", "default")]
    every += _arguments("corpus", _of(others))
    for name in _of(others, "extractors").strip("[]").split(","):
        every += _arguments("extractor", name, f"extractor.{name}")
    return every


def _train_keys(others: Sequence[str]) -> list[str]:
    every = ["system", *_top("train"), *MODALITY_WORDS, "labels", "transcript", "launcher"]
    every += _arguments("corpus", _of(others)) + _arguments("paths", "default")
    for section in SECTIONS:
        every += [f"{section}.{key}" for key in option_choices(*SECTIONS[section])]
    every.remove("launcher.name")
    parts = _parts(others)
    for place, (group, name) in parts.items():
        if group in ("encoder", "fusion", "head", "solver"):
            every.append(place)
        every += _arguments(group, name, place)
    for stream in _system(others).get("streams") or {}:
        every += [f"streams.{stream}.{key}" for key in option_choices(*STREAM)]
    return list(dict.fromkeys(every))


def _system(others: Sequence[str]) -> dict[str, Any]:
    name = _of(others, "system")
    return load_config("system", name) if name in config_names("system") else {}


def _parts(others: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The components of the system, or what another word chooses in their place."""
    chosen = components(_system(others))
    return {place: (group, _of(others, place) or name) for place, (group, name) in chosen.items()}


def _values(key: str, value: str, others: Sequence[str]) -> list[str]:
    """What the value can become: all of it, the last item of a list or of a sweep."""
    if key in PATHS or key == "cache" or is_path(key):
        fixed = ["random"] if key.endswith("weights") and "random".startswith(value) else []
        return [*fixed, *folders(value, files=key not in PATHS and key != "cache")]
    place = max(value.rfind("["), value.rfind(",")) + 1
    before, last = value[:place], value[place:]
    given = set(before.strip("[").split(","))
    return [
        before + each
        for each in _choices(key, others)
        if each.startswith(last) and each not in given
    ]


def _choices(key: str, others: Sequence[str]) -> Sequence[str]:
    """The words that the value of a key may be; of a number the usual one, none where unknown."""
    section, _, last = key.rpartition(".")
    if last == "protocol":
        return _protocols(section or _of(others))
    group = _group(key)
    if group:
        return [*(["corpus"] if key in SOURCES else []), *config_names(group)]
    if key in MODALITY_WORDS:
        return list(load_config("", "modality_words")["words"][key])
    if key in WORDS:
        return WORDS[key].split()
    words: tuple[str, ...] = ()
    if section.startswith("streams."):
        words = option_choices(*STREAM).get(last, ())
    elif section in SECTIONS:
        words = option_choices(*SECTIONS[section]).get(last, ())
    return list(dict.fromkeys([*_usual(section, last, others), *words]))


def _group(key: str) -> str:
    """The config group whose members a key takes, "" for one that takes none."""
    if key in GROUPS:
        return key
    if key.startswith("encoders.") and key.count(".") == 1:
        return "encoder"
    is_extractor = key.startswith("streams.") and key.endswith(".extractor")
    return "extractor" if is_extractor else {**LISTS, **SOURCES}.get(key, "")


def _usual(section: str, last: str, others: Sequence[str]) -> list[str]:
    """What a key is where no word sets it, of a plain value."""
    place = section.removeprefix("model.")
    group, name = _parts(others).get(place, ("", ""))
    if section == "trainer":
        group, name = "trainer", "default"
    elif section == "":
        name = "train"
    content = {} if not name else load_config(group, name)
    value = content.get(last)
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, int | float | str) and "$" not in str(value) else []


def _protocols(corpus: str) -> list[str]:
    """Those of a corpus, or of any where it is not named or has none of its own."""
    names = config_names("protocol")
    folder = config_dir() / "protocol"
    line = f"\ncorpus: {corpus}\n"
    own = [name for name in names if line in (folder / f"{name}.yaml").read_text(encoding="utf-8")]
    return own if corpus and own else names

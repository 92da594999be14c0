"""Searches: what is tried, how an interrupted one goes on, what is never read."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from mmser.cli import main
from mmser.composition.search_space import Dimension, split_space
from mmser.core.errors import MmserError, UsageError
from mmser.pipeline import search as searching
from mmser.pipeline.search import search
from mmser.pipeline.train_settings import train_settings
from mmser.runs.run_folder import RunFolder

WORDS = ["system=audio_bigru", "corpus=synthetic", "trainer.epochs=1"]
SPACE = ["optimizer.lr=tag(log,interval(1e-5,1e-1))", "data.batch_size=4,8,16"]


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return train_settings(WORDS)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, composed: dict[str, Any]) -> list[tuple[float, int]]:
    """What was trained; the score is best at a rate of 0.001 and batches of 8."""

    def quick(words: Sequence[str]) -> dict[str, Any]:
        settings = copy.deepcopy(composed)
        for key, value in (word.split("=", 1) for word in words if word not in WORDS):
            *sections, last = key.split(".")
            section = settings
            for name in sections:
                section = section[name]
            section[last] = value if last in ("run", "monitor") else json.loads(value)
        return settings

    monkeypatch.setattr(searching, "train_settings", quick)
    monkeypatch.setattr(searching, "RANDOM_TRIALS", 4)
    trials: list[tuple[float, int]] = []

    def fit(settings: dict[str, Any]) -> Any:
        rate, size = settings["optimizer"]["lr"], settings["data"]["batch_size"]
        trials.append((rate, size))
        Path(settings["run"]).mkdir(parents=True, exist_ok=True)
        return SimpleNamespace(score=1 - abs(math.log10(rate) + 3) / 10 - abs(size - 8) / 100)

    monkeypatch.setattr(searching, "fit_config", fit)
    monkeypatch.setattr(searching, "validation_score", lambda run: run.score)
    return trials


def test_the_best_of_all_is_found_and_its_command_printed(tried, tmp_path, capsys) -> None:
    assert main(["search", *WORDS, *SPACE, "--trials", "40", "--study", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    rate, size = min(tried, key=lambda each: abs(math.log10(each[0]) + 3) + abs(each[1] - 8) / 10)
    assert len(tried) == 40 and size == 8 and 3e-4 < rate < 3e-3
    assert f"optimizer.lr={rate!r} data.batch_size=8" in printed
    command = f"mmser train {' '.join(WORDS)} optimizer.lr={rate!r} data.batch_size=8"
    assert command in printed
    place = f"{tried.index((rate, size)) + 1:04d}"
    assert f"mmser evaluate run={tmp_path / 'trials' / place}" in printed


def test_an_interrupted_search_tries_what_an_undisturbed_one_does(tried, tmp_path, monkeypatch):
    whole = search(*WORDS, *SPACE, trials=9, study=tmp_path / "whole")
    undisturbed, fit = list(tried), searching.fit_config
    tried.clear()

    def interrupted(settings: dict[str, Any]) -> Any:
        if len(tried) == 5:
            raise KeyboardInterrupt
        return fit(settings)

    monkeypatch.setattr(searching, "fit_config", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(*WORDS, *SPACE, trials=9, study=tmp_path / "parts")
    monkeypatch.setattr(searching, "fit_config", fit)
    parts = search(*WORDS, *SPACE, trials=9, study=tmp_path / "parts")
    assert tried == undisturbed and len(set(tried)) > 6
    assert (parts.values, parts.score) == (whole.values, whole.score)
    again = search(*WORDS, *SPACE, trials=9, study=tmp_path / "parts")
    assert again.score == parts.score and len(tried) == 9
    search(*WORDS, *SPACE, trials=10, study=tmp_path / "parts")
    assert len(tried) == 10
    lines = (tmp_path / "parts" / "journal.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_loss_is_made_small(tried, tmp_path) -> None:
    best = search(*WORDS, *SPACE, "trainer.monitor=loss", trials=6, study=tmp_path)
    study = optuna.load_study(
        study_name="search",
        storage=optuna.storages.JournalStorage(
            optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.jsonl"))
        ),
    )
    assert best.score == min(trial.value for trial in study.trials)


def test_failed_trials_are_told_and_passed_over(tried, tmp_path, monkeypatch, caplog) -> None:
    fit = searching.fit_config

    def failing(settings: dict[str, Any]) -> Any:
        run = fit(settings)
        if settings["data"]["batch_size"] == 8:
            raise MmserError("room", "none", "Buy some.")
        return run

    monkeypatch.setattr(searching, "fit_config", failing)
    best = search(*WORDS, *SPACE, trials=10, study=tmp_path / "some")
    assert best.values["data.batch_size"] != "8"
    assert sum("expected room; found none" in line for line in caplog.messages) == sum(
        size == 8 for _, size in tried
    )
    with pytest.raises(MmserError, match="expected room"):
        search(*WORDS, "data.batch_size=8,8", trials=10, study=tmp_path / "none")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"options to search, such as .*; found one value for each"),
        (["data.batch_size=8,0"], r"data\.batch_size"),
        (["optimizer.lr=tag(log,interval(0,1))"], r"above 0 for the logarithm of optimizer\.lr"),
        (["optimizer.lr=interval(2,1)"], r"interval\(LOW, HIGH\) of optimizer\.lr"),
        (["optimizer.lr=choice(0.1,null)"], r"values of optimizer\.lr that Hydra can read"),
        ([*SPACE, "run=x"], r"no run= in a search"),
        ([*SPACE, "trainer.monitor=last"], r"by which trials are compared; found last"),
    ],
)
def test_what_cannot_be_searched(tmp_path, words, message) -> None:
    with pytest.raises(UsageError, match=message):
        search(*WORDS, *words, study=tmp_path)


def test_another_search_in_the_folder_is_refused(tried, tmp_path) -> None:
    search(*WORDS, *SPACE, trials=1, study=tmp_path)
    with pytest.raises(MmserError, match="another one: its space differ"):
        search(*WORDS, "data.batch_size=4,8", trials=1, study=tmp_path)


def test_how_values_are_written() -> None:
    fixed, space = split_space(
        ["seed=1", "model.head.hidden_sizes=choice([8],[16,8])", "fusion=glob(ms*)",
         "data.batch_size=int(interval(8,64))", "model.fusion.size=range(1,4)"]
    )  # fmt: skip
    assert fixed == ["seed=1"]
    assert space == {
        "model.head.hidden_sizes": Dimension(("[8]", "[16,8]")),
        "fusion": Dimension(("mscnn_spu", "mscnn_spu_att")),
        "data.batch_size": Dimension(low=8.0, high=64.0, whole=True),
        "model.fusion.size": Dimension(("1", "2", "3")),
    }
    assert space["data.batch_size"].ends == ("8", "64")


def test_trials_in_processes_of_their_own_read_no_test_split(tmp_path) -> None:
    places = [
        f"corpus.root={tmp_path / 'corpus'}", f"cache={tmp_path / 'cache'}",
        "corpus.utterances_per_speaker=2", "folds=[01F]", "trainer.limit_train_batches=1",
    ]  # fmt: skip
    words = ["system=audio_bigru", "corpus=synthetic", "trainer=debug", "trainer.epochs=1", *places]
    best = search(*words, "optimizer.lr=0.01,0.1", trials=2, jobs=2, study=tmp_path / "study")
    runs = [RunFolder(path) for path in sorted((tmp_path / "study" / "trials").iterdir())]
    assert len(runs) == 2 and best.directory in [run.directory for run in runs]
    assert best.score == max(
        json.loads(path.read_text())["best_score"]
        for path in (tmp_path / "study").glob("trials/*/folds/*/fold.json")
    )
    assert not list((tmp_path / "study").rglob("predictions*"))

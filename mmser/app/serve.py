"""The page on an address of this machine, until it is interrupted."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmser.app.answer import Answerer
from mmser.core.errors import MmserError
from mmser.core.needed_package import need_package
from mmser.core.printable import printable
from mmser.extraction.extractor_files import Named

HOST = "127.0.0.1"
PORT = 7860
EXTRA = "app"
OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_SHARE": "False",
}
"""Nobody is told, and nothing is asked for."""


def serve(answerer: Answerer, host: str = HOST, port: int | None = PORT) -> None:
    """Serve the page until Ctrl-C, and say where it is."""
    with served(answerer, host, port) as address:
        ended = _until_ended()
        _say(f"{answerer.recogniser.trained.name} at {address}  (Ctrl-C ends it)")
        ended.wait()
        if answerer.is_busy:
            _say("ending what is being judged; a second Ctrl-C does not wait for it")
    _say("ended; what was uploaded is removed")


def serve_folder(
    folder: Path,
    weights: Path,
    named_files: Named,
    asr: str | None = None,
    host: str = HOST,
    port: int = PORT,
) -> None:
    """Serve a model folder: what the app.py of a Space does.

    ``named_files`` are places beside the folder.
    """
    from mmser.inference.recogniser import load

    beside = {
        name: {key: str(folder.parent / place) for key, place in files.items()}
        for name, files in named_files.items()
    }
    recogniser = load(folder, weights=str(weights), named_files=beside)
    serve(Answerer(recogniser, asr=asr), host, port)


def _say(line: str) -> None:
    sys.stdout.write(printable(f"{line}\n"))
    sys.stdout.flush()


def _until_ended() -> threading.Event:
    """Set by Ctrl-C, or when the machine ends the process."""
    ended = threading.Event()

    def end(number: int, frame: Any) -> None:
        ended.set()
        # Whoever asks twice does not want to wait for what is being judged.
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return ended


@contextmanager
def served(answerer: Answerer, host: str = HOST, port: int | None = PORT) -> Iterator[str]:
    """Serve the page; yields its address. What visitors left is removed at the end.

    ``port`` None: a free one. Raises MmserError where Gradio is not installed or the port is taken.
    """
    need_package("gradio", EXTRA)
    with tempfile.TemporaryDirectory(prefix="mmser-app-") as temporary:
        folder = Path(temporary)
        with _environment({**OFFLINE, "GRADIO_TEMP_DIR": str(folder / "uploads")}):
            from starlette.middleware import Middleware

            from mmser.app.guard import Guard
            from mmser.app.interface import build, head, style, theme

            for name in ("uploads", "answers"):
                (folder / name).mkdir()
            page = build(answerer, folder / "answers", answerer.recogniser.trained.name)
            guard = Middleware(Guard, folder=folder / "uploads", largest=answerer.limits.bytes)
            try:
                _, address, _ = page.launch(
                    server_name=host,
                    server_port=port,
                    prevent_thread_lock=True,
                    share=False,
                    inbrowser=False,
                    quiet=True,
                    show_error=False,
                    footer_links=[],
                    run_history=False,
                    enable_monitoring=False,
                    mcp_server=False,
                    pwa=False,
                    ssr_mode=False,
                    max_file_size=answerer.limits.bytes,
                    app_kwargs={"middleware": [guard], "docs_url": None, "redoc_url": None},
                    theme=theme(),
                    css=style(),
                    head=head(),
                )
            except OSError as error:
                remedy = "Name another with --port."
                raise MmserError(f"port {port} of {host} free", f"{error}", remedy) from error
            try:
                yield address
            finally:
                page.close(verbose=False)
                answerer.close()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """These variables, and afterwards those that were."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

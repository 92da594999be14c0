"""The page on an address of this machine, until it is interrupted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmser.app.answer import Answerer
from mmser.core.errors import MmserError
from mmser.core.needed_package import need_package

HOST = "127.0.0.1"
PORT = 7860
EXTRA = "app"
OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_SHARE": "False",
}
"""Nobody is told, and nothing is asked for."""


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

            (folder / "uploads").mkdir()
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

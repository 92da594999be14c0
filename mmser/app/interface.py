"""The page itself: what a visitor gives, and what is shown of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.app.answer import NOUNS, Answer, Answerer
from mmser.core.errors import MmserError
from mmser.core.printable import printable

if TYPE_CHECKING:
    import gradio

KEPT_SECONDS = 3600
"""After so long an upload is removed, and all are when the server ends."""

WAITING = 8
"""Visitors in the queue; more are told to come again."""

HERE = Path(__file__).parent


def build(answerer: Answerer, folder: Path, title: str) -> gradio.Blocks:
    """The page of a recogniser; its downloads are made below the empty ``folder``."""
    import gradio

    page = gradio.Blocks(
        title=printable(title),
        analytics_enabled=False,
        delete_cache=(KEPT_SECONDS // 12, KEPT_SECONDS),
    )
    with page:
        gradio.HTML(_introduction(answerer, title), padding=False)
        with gradio.Row(equal_height=False):
            with gradio.Column(scale=2, min_width=300):
                inputs = _inputs(answerer)
            with gradio.Column(scale=5, min_width=480):
                outputs = _outputs(answerer)
        judge = _judge(answerer, folder)
        for number, (button, given, options) in enumerate(inputs):
            button.click(
                judge,
                [given, *options],
                outputs,
                api_name="judge" if number == 0 else None,
                api_visibility="public" if number == 0 else "private",
                concurrency_limit=1,
                concurrency_id="judge",
                show_progress_on=outputs[:1],
            )
    page.queue(max_size=WAITING, default_concurrency_limit=1)
    return page


def theme() -> gradio.Theme:
    """Letters that every machine has: none is fetched."""
    import gradio

    return gradio.themes.Default(
        primary_hue="blue",
        font=["system-ui", "DejaVu Sans", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
    )


def head() -> str:
    """The script that gives each frame the height of its page."""
    return f"<script>{(HERE / 'frames.js').read_text(encoding='utf-8')}</script>"


def style() -> str:
    """What the page adds to the theme."""
    return (HERE / "interface.css").read_text(encoding="utf-8")


def _introduction(answerer: Answerer, title: str) -> str:
    nouns = [NOUNS[kind] for kind in answerer.modalities]
    reads = " and ".join([*([", ".join(nouns[:-1])] if nouns[1:] else []), nouns[-1]])
    names = answerer.recogniser.classes or answerer.recogniser.values
    lines = [f"Reads {reads}; answers {', '.join(names)}. Recordings {answerer.limits.text()}."]
    if "text" in answerer.modalities and not answerer.has_transcriber:
        lines.append("It hears no words: what was said can be typed in.")
    lines.append("An expressed emotion is not a felt one: for research, not to judge a person by.")
    body = "".join(f"<p>{_text(line)}</p>" for line in lines)
    return f'<div class="intro"><h1>{_text(title)}</h1>{body}</div>'


Input = tuple[Any, Any, list[Any]]
"""The button, what it hands over, and the options beside it."""


def _inputs(answerer: Answerer) -> list[Input]:
    """A file, and what the visitor's machine can record of what the system reads."""
    import gradio

    kinds: list[tuple[str, Callable[[], Any]]] = [
        ("File", lambda: gradio.File(label="Sound or video", type="filepath", height=160))
    ]
    if {"audio", "text"} & set(answerer.modalities):
        kinds.append(
            (
                "Microphone",
                lambda: gradio.Audio(
                    sources=["microphone"], type="filepath", label="Sound", buttons=[]
                ),
            )
        )
    if "face" in answerer.modalities:
        options = gradio.WebcamOptions(mirror=False)
        kinds.append(
            (
                "Camera",
                lambda: gradio.Video(
                    sources=["webcam"], webcam_options=options, label="Video", include_audio=True
                ),
            )
        )
    made: list[tuple[Any, Any]] = []
    with gradio.Tabs():
        for name, make in kinds:
            with gradio.Tab(name):
                given = make()
                made.append((gradio.Button("Judge", variant="primary"), given))
    whole = gradio.Checkbox(label="One utterance", info="else cut where nobody speaks")
    words = gradio.Textbox(
        label="What was said",
        info="instead of a recogniser; one utterance",
        visible="text" in answerer.modalities,
    )
    return [(button, given, [whole, words]) for button, given in made]


def _outputs(answerer: Answerer) -> list[Any]:
    """In the order of `_shown`."""
    import gradio

    return [
        gradio.HTML(_text("The verdict comes here."), padding=False),
        gradio.Label(
            label="Mean probability over the judged time",
            num_top_classes=12,
            visible=False,
            show_heading=False,
        ),
        gradio.HTML(visible=False, padding=False),
        gradio.File(label="Downloads", file_count="multiple", interactive=False, visible=False),
    ]


def _judge(answerer: Answerer, folder: Path) -> Callable[..., list[Any]]:
    numbers = iter(range(10**9))

    def judge(recording: str | None, one_utterance: bool, words: str) -> list[Any]:
        """Judge a recording: verdict, probabilities, page, files."""
        if not recording:
            return _hidden("Give a recording first.")
        try:
            # The downloads of the one before lie in Gradio's own folder by now.
            for before in folder.iterdir():
                shutil.rmtree(before)
            place = folder / f"{next(numbers)}"
            return _shown(answerer.answer(Path(recording), place, bool(one_utterance), words or ""))
        except (MmserError, OSError) as error:
            # Where uploads lie on this machine is nobody's business.
            return _hidden(" ".join(str(error).replace(f"{Path(recording).parent}/", "").split()))

    return judge


def _shown(answer: Answer) -> list[Any]:
    import gradio

    remarks = "".join(f"<p>{_text(line)}</p>" for line in answer.remarks)
    return [
        f'<div class="verdict"><h2>{_text(answer.verdict)}</h2>{remarks}</div>',
        gradio.Label(answer.shares, visible=True) if answer.shares else gradio.Label(visible=False),
        gradio.HTML(_frame(answer.page), visible=True),
        gradio.File([str(path) for path in answer.files], visible=True),
    ]


def _hidden(message: str) -> list[Any]:
    """The message alone."""
    import gradio

    return [
        f'<div class="fault" role="alert">{_text(message)}</div>',
        gradio.Label(None, visible=False),
        gradio.HTML("", visible=False),
        gradio.File(None, visible=False),
    ]


def _frame(document: str) -> str:
    """A document in a frame of its own, which reaches nothing of the page around it."""
    return (
        '<iframe class="recording" title="The recording and its segments" sandbox="allow-scripts" '
        f'srcdoc="{_inert(escape(document))}"></iframe>'
    )


def _text(text: str) -> str:
    """Text of others as HTML."""
    return _inert(escape(printable(text)))


_TEMPLATE: Iterable[str] = "{}$`"
"""What the page's templates would take for more than a letter."""


def _inert(html: str) -> str:
    for letter in _TEMPLATE:
        html = html.replace(letter, f"&#{ord(letter)};")
    return html

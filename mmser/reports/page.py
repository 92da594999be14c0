"""The HTML of a report: escaped by default, nothing loaded from anywhere.

One script of our own sorts and filters tables. Its digest stands in the page's policy, so that no
other runs; without scripts the page reads the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from mmser.core.printable import printable


class Html(str):
    """Text that is HTML already; every other text is escaped before it reaches the page."""

    __slots__ = ()


def safe(content: object) -> Html:
    """``content`` as HTML, escaped unless it is `Html`."""
    return content if isinstance(content, Html) else Html(escape(printable(str(content))))


def join(blocks: Iterable[object]) -> Html:
    """The blocks one after another."""
    return Html("\n".join(safe(block) for block in blocks))


def element(tag: str, content: object = "", kind: str = "") -> Html:
    """``<tag class=kind>content</tag>``."""
    return Html(f"<{tag}{_class(kind)}>{safe(content)}</{tag}>")


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    caption: object = "",
    text: int = 1,
    stacked: bool = False,
) -> Html:
    """A table that scrolls sideways on a narrow screen, its first column in sight.

    The first ``text`` columns are text, the others figures. Of a ``stacked`` one each row becomes a
    block there, with a line per cell.
    """
    title = element("caption", caption) if caption else ""
    names = head if stacked else None
    body = "".join(_row("td", row, text, names) for row in rows)
    content = f"{title}<thead>{_row('th', head, text)}</thead><tbody>{body}</tbody>"
    return Html(f'<div class="scroll">{element("table", Html(content), _STACK * stacked)}</div>')


_STACK = "stack"


def _row(
    tag: str, cells: Sequence[object], text: int, names: Sequence[object] | None = None
) -> str:
    """With ``names`` each cell knows the head of its column, and is one block beside it."""
    kinds = ["n" if place >= text else "" for place in range(len(cells))]
    content: list[str]
    if names is None:
        content = [element(tag, cell, kind) for cell, kind in zip(cells, kinds, strict=True)]
    else:
        content = [
            f'<{tag}{_class(kind)} data-head="{safe(name)}">{element("div", cell)}</{tag}>'
            for cell, kind, name in zip(cells, kinds, names, strict=True)
        ]
    return f"<tr>{''.join(content)}</tr>"


def facts(pairs: Iterable[tuple[object, object]]) -> Html:
    """Name and value pairs, one per line."""
    lines = [element("dt", name) + element("dd", value) for name, value in pairs]
    return Html(f"<dl>{''.join(lines)}</dl>")


def bullets(items: Iterable[object]) -> Html:
    """A plain list."""
    return Html(f"<ul>{''.join(element('li', item) for item in items)}</ul>")


def folded(summary: object, content: object) -> Html:
    """Content behind a line to click; unfolded in print."""
    return Html(f"<details>{element('summary', summary)}{safe(content)}</details>")


def section(title: str, blocks: Iterable[object]) -> Html:
    """A section with an anchor made of its title."""
    return Html(f'<section id="{anchor(title)}">{element("h2", title)}{join(blocks)}</section>')


def heading(name: object, runs: Sequence[object]) -> Html:
    """A run's name above its share of a section; left out when the page is about one run alone."""
    return element("h3", name) if len(runs) > 1 else Html("")


def note(text: object) -> Html:
    """A remark in small print, such as why something is not there."""
    return element("p", text, "note")


def method(text: object) -> Html:
    """How to read a section, in small print; of one that is empty it is left out."""
    return element("p", text, "note method")


_TITLE = re.compile(r"<h2[^>]*>(.*?)</h2>", re.DOTALL)
_NOTE = re.compile(r'<p class="note">(.*?)</p>', re.DOTALL)
_METHOD = re.compile(r'<p class="note method">.*?</p>', re.DOTALL)
_FRAME = re.compile(r"<h3[^>]*>.*?</h3>|</?section[^>]*>", re.DOTALL)


def says_nothing(block: Html) -> bool:
    """Whether a section holds headings and notes alone: why it is empty."""
    rest = block
    for part in (_TITLE, _NOTE, _METHOD, _FRAME):
        rest = Html(part.sub("", rest))
    return not rest.strip()


def reason_in(block: Html) -> Html:
    """The title of such a section and its notes, in one line.

    What holds for every run ("NAME: no curves.") is said once, without their names.
    """
    (title, *_), notes = _TITLE.findall(block), _NOTE.findall(block)
    shared = {text.partition(": ")[2] or text for text in notes}
    return Html(f"<b>{title}</b>: {' '.join(shared if len(shared) == 1 else notes) or 'nothing'}")


def anchor(title: str) -> str:
    """The id of a section."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def page(title: str, header: Html, sections: Sequence[Html]) -> str:
    """The whole document."""
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    script = (Path(__file__).parent / "report.js").read_text(encoding="utf-8")
    links = []
    for text in sections:
        match = re.match(r'<section id="([^"]+)"><h2>(.*?)</h2>', text)
        if match:
            links.append(f'<a href="#{match[1]}">{match[2]}</a>')
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">',
            element("title", title),
            f"<style>{style}</style></head><body>",
            header,
            f"<nav>{' '.join(links)}</nav>",
            join(sections),
            f"<script>{script}</script>",
            "</body></html>\n",
        ]
    )


def _policy(script: str) -> str:
    """What a browser may do: draw and play what is in the page or beside it, run ``script``.

    A page opened as a file has no origin in some browsers: "file:" lets in what lies beside it.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; media-src data: 'self' file:; "
        f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""

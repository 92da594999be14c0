"""Pictures of each section of a page as a browser shows it, and what is wider than the screen.

    python scripts/look.py report.html --out shots

Widths of a telephone, a tablet and a desk, light and dark, and the printed pages with ``--print``.
The exit code is 1 where something is cut, a script fails, or a player cannot play. Needs
playwright and a Chromium (``--browser``).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from PIL import Image

WIDTHS = (400, 800, 1300)
SECTIONS = (
    "header, nav, section, body > figure, body > .scroll, body > p, body > audio, body > video"
)

WIDER = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = one => {
    for (let above = one.parentElement; above; above = above.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(above).overflowX)) return true;
    return false;
  };
  const isOutside = one => {
    const box = one.getBoundingClientRect();
    return box.right > width + 1 || box.left < -1;
  };
  const told = one => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`;
  const shown = [...document.querySelectorAll("body *")].filter(one => one.getClientRects().length);
  return [
    ...shown.filter(one => !scrolls(one) && isOutside(one)).map(one => `cut: ${told(one)}`),
    ...shown
      .filter(one => one.className === "scroll" && one.scrollWidth > one.clientWidth + 1)
      .map(one => `scrolls ${one.scrollWidth - one.clientWidth} px: ${told(one)}`),
  ];
}"""
"""Elements that reach beyond the screen, and tables that must be moved to be read."""

PLAYERS = """async () => {
  const silent = [];
  for (const player of document.querySelectorAll("audio, video")) {
    player.preload = "metadata";
    player.load();
    const told = new Promise(done => {
      player.onloadedmetadata = () => done("");
      player.onerror = () => done(player.error ? player.error.message : "error");
      setTimeout(() => done("nothing within 5 s"), 5000);
    });
    const fault = await told;
    if (fault || !(player.duration > 0)) silent.push(`${player.src.slice(0, 80)}: ${fault}`);
  }
  return silent;
}"""
"""Players that tell no duration."""


def look(page: Any, file: Path, out: Path, width: int, scheme: str, webp: bool) -> list[str]:
    """Take the pictures of one width and scheme; returns what is wrong."""
    faults: list[str] = []
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.goto(file.resolve().as_uri())
    where = f"{file.stem}-{width}-{scheme}"
    for number, section in enumerate(page.query_selector_all(SECTIONS)):
        if section.bounding_box() and section.bounding_box()["height"] > 0:
            name = section.get_attribute("id") or section.evaluate(
                "one => one.tagName.toLowerCase()"
            )
            path = out / f"{where}-{number:02d}-{name}.png"
            section.screenshot(path=path)
            if webp:
                Image.open(path).save(path.with_suffix(".webp"), quality=80, method=6)
                path.unlink()
    faults += page.evaluate(WIDER)
    faults += [f"does not play: {one}" for one in page.evaluate(PLAYERS)]
    return [f"{where}: {fault}" for fault in faults]


def main() -> int:
    """Look at every page named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("shots"))
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--schemes", nargs="+", default=["light", "dark"])
    parser.add_argument("--print", dest="printed", action="store_true", help="a pdf as well")
    parser.add_argument("--webp", action="store_true", help="smaller pictures, for a page")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    options.out.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.browser, args=["--no-sandbox", "--disable-gpu"]
        )
        for file in options.pages:
            for width in options.widths:
                for scheme in options.schemes:
                    page = browser.new_page()
                    faults += look(page, file, options.out, width, scheme, options.webp)
                    page.close()
            if options.printed:
                page = browser.new_page()
                page.goto(file.resolve().as_uri())
                page.pdf(path=options.out / f"{file.stem}.pdf", format="A4")
                page.close()
        browser.close()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or "nothing cut, nothing silent\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())

"""The tables of docs/scale.md: what hours of speech cost in GPU hours, days, disks and processors.

    python scripts/scale_costs.py            print them
    python scripts/scale_costs.py --write    put them into docs/scale.md

All figures come from the measured rates in scale_costs.yaml, so that none is typed twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

SCRIPTS = Path(__file__).parent
RATES = SCRIPTS / "scale_costs.yaml"
PAGE = SCRIPTS.parent / "docs" / "scale.md"
BEGIN, END = "<!-- made by scripts/scale_costs.py -->", "<!-- end -->"
UNITS = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def size(count: float) -> str:
    """Bytes in a unit that suits them."""
    scale, unit = next((pair for pair in UNITS if count >= pair[0]), UNITS[-1])
    return f"{short(count / scale)} {unit}"


def short(value: float) -> str:
    """Two digits that matter."""
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def costs(rates: dict[str, Any]) -> str:
    """Hours of a card or core, days on the machine, and bytes of each extractor for each size."""
    cards = rates["machine"]["cards"]
    cores = cards * rates["machine"]["cores_per_card"]
    each_size = f"hours of it; days on {cards} cards or {cores} cores; store"
    head = ["", "hours of speech an hour"]
    head += [f"{hours:,} h: {each_size}" for hours in rates["sizes"]]
    rows = []
    for each in rates["extractors"]:
        of = each.get("of", "card")
        row = [each["name"], f"{each['speed']:,} a {of}"]
        for hours in rates["sizes"]:
            busy = hours / each["speed"]
            days = busy / (cores if of == "core" else cards) / 24
            row.append(f"{short(busy)}; {short(days)}; {size(hours * each['bytes_per_hour'])}")
        rows.append(row)
    return table(head, rows)


def speeds(each: dict[str, Any], rates: dict[str, Any]) -> dict[str, float]:
    """Hours of speech an hour that each part could do beside one card and its cores."""
    cores = rates["machine"]["cores_per_card"]
    alone = float(each.get("card", each["speed"]))
    found = {"the network": alone * cores if each.get("of") == "core" else alone}
    for part in rates["parts"]:
        name = part["name"].replace("one core", f"{cores} cores")
        if "bytes_per_second" in part:
            found[name] = 3600 * part["bytes_per_second"] / each["bytes_per_hour"]
        else:
            found[name] = part["speed"] * cores
    return found


def limits(rates: dict[str, Any]) -> str:
    """How fast each part is beside one card, and which is the slowest by what is decoded."""
    cores = rates["machine"]["cores_per_card"]
    media = {
        part["name"].replace("one core", f"{cores} cores"): part["media"]
        for part in rates["parts"]
        if "media" in part
    }
    kinds = list(dict.fromkeys(media.values()))
    head = ["hours of speech an hour", *speeds(rates["extractors"][0], rates)]
    rows = []
    for each in rates["extractors"]:
        found = speeds(each, rates)
        row = [each["name"], *(short(value) for value in found.values())]
        for kind in kinds:
            reads = kind in each.get("reads", kinds)
            passed = {name: at for name, at in found.items() if media.get(name, kind) == kind}
            row.append(min(passed, key=lambda name: passed[name]) if reads else "")
        rows.append(row)
    return table([*head, *(f"slowest, from {kind}" for kind in kinds)], rows)


def media(rates: dict[str, Any]) -> str:
    """What media take on the disk, and what one card reads of them in a second."""
    on_cards = [each for each in rates["extractors"] if each.get("of") != "core"]
    fastest = max(each["speed"] for each in on_cards)
    head = ["media", *(f"{hours:,} h" for hours in rates["sizes"]), f"a card at {fastest:,}x reads"]
    rows = [
        [
            name,
            *(size(hours * count) for hours in rates["sizes"]),
            f"{size(fastest * count / 3600)} a second",
        ]
        for name, count in rates["reading"].items()
    ]
    return table(head, rows)


def index(rates: dict[str, Any]) -> str:
    """What a store's index costs, by the number of utterances."""
    seconds = rates["index"]["seconds_an_utterance"]
    head = ["CPU time; memory", "a million utterances"]
    head += [f"{hours:,} h" for hours in rates["sizes"]]
    rows = []
    for each in rates["index"]["rows"]:
        row = [each["what"], f"{each['cpu']:g} s; {each['mib']:,} MiB"]
        for hours in rates["sizes"]:
            millions = hours * 3600 / seconds / 1e6
            memory = size(each["mib"] * millions * 2**20) if each["mib"] else "0"
            row.append(f"{short(each['cpu'] * millions)} s; {memory}")
        rows.append(row)
    return table(head, rows)


def sources(rates: dict[str, Any]) -> str:
    """Where each rate comes from."""
    lines = []
    for each in (*rates["extractors"], *rates["parts"]):
        bare = f"{size(each['bytes_per_second'])} a second" if "speed" not in each else None
        lines.append(f"- {each['name']}: {bare or str(each['speed']) + 'x'} ({each['by']})")
    return "\n".join(lines)


def page(rates: dict[str, Any]) -> str:
    """All tables with their headings."""
    parts = {
        "Extraction": costs(rates),
        "Which part saturates first, beside one card": limits(rates),
        "Media": media(rates),
        "The index of a store": index(rates),
        f"Measured, {rates['measured']}": sources(rates),
    }
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = page(yaml.safe_load(RATES.read_text(encoding="utf-8")))
    if not options.write:
        print(text)
        return
    old = PAGE.read_text(encoding="utf-8")
    before, rest = old.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()

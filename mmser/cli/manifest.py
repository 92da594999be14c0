"""`mmser manifest FOLDER|TABLE|ANNOTATIONS`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cli.command import Command
from mmser.core.errors import MmserError, UsageError
from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser manifest`."""
    parser.add_argument(
        "source",
        metavar="FOLDER|TABLE|ANNOTATIONS",
        type=Path,
        help="recordings, a table that names them, a file or a folder of files of an annotation "
        "tool (.TextGrid, .eaf, Audacity's .txt, Label Studio's .json), a dataset of Hugging Face "
        "or its name on the hub (owner/name@commit; docs/formats.md)",
    )
    parser.add_argument(
        "--pattern",
        metavar="TEXT",
        help="how files are named below the folder: {emotion}, {speaker}, {part}, {n} and names of "
        "your own, {emotion:1} for one character, {} for what does not matter",
    )
    parser.add_argument(
        "--columns",
        metavar="OURS=THEIRS,...",
        default="",
        help="what the table calls its columns, where its names are not recognised",
    )
    parser.add_argument(
        "--map",
        metavar="WORD=CLASS,...",
        default="",
        help="other words for emotions: joy=happy,anger=angry",
    )
    parser.add_argument(
        "--tier",
        metavar="NAME",
        help="the tier of emotions in a TextGrid or .eaf, or Label Studio's control (default: "
        "emotion, or the only one)",
    )
    parser.add_argument("--speaker", metavar="NAME", help="the one speaker of everything")
    parser.add_argument(
        "--media",
        metavar="DIR",
        type=Path,
        help="where paths in the table begin, or the recordings of annotations lie (default: "
        "beside it)",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="the table to write (default: manifest.csv there)"
    )
    parser.add_argument(
        "--skip", action="store_true", help="leave out files that the pattern does not fit"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a table that is there")
    parser.add_argument("--preview", action="store_true", help="write nothing")


def run(options: argparse.Namespace) -> int:
    """Draft, check and write the table; print what stands in it and what comes next."""
    from mmser.cache.atomic import write_bytes
    from mmser.core.paths import expanded
    from mmser.corpora.drafts.draft import Reading, draft
    from mmser.corpora.drafts.hub_dataset import fetch_dataset, hub_dataset
    from mmser.corpora.drafts.name_pattern import name_pattern
    from mmser.corpora.drafts.preview import preview
    from mmser.corpora.drafts.remarks import remarks
    from mmser.corpora.user_table_faults import checked_rows

    source = expanded(options.source)
    folder = source if source.is_dir() else source.parent
    if name := hub_dataset(options.source):
        source = fetch_dataset(name)
        # Not in the hub's cache.
        folder = expanded(options.media or Path())
    target = expanded(options.out) if options.out else folder / "manifest.csv"
    if target.suffix.lower() != ".csv":
        raise UsageError("a name ending in .csv for --out", str(target), "Change it.")
    reading = Reading(
        pattern=None if options.pattern is None else name_pattern(options.pattern),
        columns=_pairs(options.columns, "--columns"),
        words=_pairs(options.map, "--map"),
        speaker=options.speaker,
        media_folder=None if options.media is None else expanded(options.media),
        tier=options.tier,
        skip=options.skip,
    )
    table = draft(source, reading, target)
    checked_rows(table, target)
    print(printable(preview(table)))
    if lines := remarks(table, target.absolute().parent):
        print(printable("\n".join(["", "look at:", *(f"  {line}" for line in lines)])))
    if options.preview:
        return 0
    if target.exists() and not options.overwrite:
        raise MmserError(
            f"no table yet at {target}", "one", "Name another with --out, or add --overwrite."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(target, table.to_csv(index=False).encode())
    corpus = f"corpus=generic corpus.root={shlex.quote(str(target))}"
    print(printable(f"\nwritten: {target}\n\nnext:"))
    print(printable("\n".join(f"  mmser {line}" for line in _next(table, corpus))))
    return 0


def _next(table: pd.DataFrame, corpus: str) -> list[str]:
    """The commands to go on with, of a table that ``corpus`` names."""
    protocol = ""
    if table["speaker"].nunique() == 1:
        protocol = f" protocol=generic_{'part' if 'part' in table else 'random10'}"
    languages = set(table["language"].dropna()) if "language" in table else set()
    # Whisper tiny.en has heard English alone.
    english = all(str(one).lower().startswith("en") for one in languages)
    words = "" if english else " audio=whisper_base_statistics"
    return [
        f"explore {corpus}{protocol}",
        f"weights get {'tiny.en' if english else 'base'}",
        f"train system=statistics_svm{words} {corpus}{protocol} --report",
    ]


def _pairs(text: str, option: str) -> dict[str, str]:
    """``a=b,c=d`` as a mapping."""
    pairs = [word.partition("=") for word in text.split(",") if word.strip()]
    wrong = [key for key, sign, value in pairs if not sign or not key.strip() or not value.strip()]
    if wrong:
        raise UsageError(
            f"pairs such as joy=happy,anger=angry for {option}", wrong[0], "See --help."
        )
    return {key.strip(): value.strip() for key, _, value in pairs}


COMMAND = Command(
    "manifest", "a folder or table of recordings -> a table that mmser reads", add_options, run
)

"""`mmser predict`: its options and what it prints. Imports nothing heavy until it runs."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cli.command import Command
from mmser.cli.predict_files import Files
from mmser.cli.predict_table import Collected, complain
from mmser.cli.trained_source import (
    add_opening,
    add_run,
    check_window,
    open_recogniser,
    split_words,
)
from mmser.core.errors import MmserError, UsageError
from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cli.predict_files import Work
    from mmser.inference.recogniser import Recogniser
    from mmser.inference.recordings_table import ListedRecordings

INTERRUPTED = 130


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser predict`."""
    add_run(parser)
    files = (
        "videos or sound files, folders of them, or a table (csv, tsv, jsonl, parquet) naming "
        "them, scored where it has labels; extractor.NAME.weights=PATH says where "
        "its weights lie now"
    )
    parser.add_argument("recordings", nargs="*", metavar="FILE", help=files)
    _add_results(parser)
    add_opening(parser)
    parser.add_argument(
        "--whole", action="store_true", help="each file is one utterance, however long"
    )
    parser.add_argument(
        "--segments",
        metavar="TABLE",
        help="csv with file, start, end (s): these are judged as they are; text and face_side "
        "are read where they are",
    )
    parser.add_argument(
        "--enrol",
        nargs="+",
        metavar="FILE",
        help="unlabelled recordings of the same speaker, for a run with "
        "normalise=speaker_zscore_enrolment",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    """What is written, and where."""
    parser.add_argument(
        "--out", help="folder for csv, json, srt, vtt, svg (default: beside each recording)"
    )
    parser.add_argument(
        "--table",
        metavar="FILE",
        help="one csv for all recordings instead of files beside each (default for a table: "
        "NAME-predictions.csv beside it)",
    )
    parser.add_argument(
        "--audformat",
        metavar="DIR",
        help="one database in audformat for all recordings instead of files beside each",
    )
    parser.add_argument(
        "--formats",
        metavar="NAME,...",
        default="",
        help="further files for annotation tools: textgrid (Praat), eaf (ELAN), audacity, "
        "labelstudio (docs/formats.md)",
    )
    parser.add_argument(
        "--html",
        action="store_true",
        help="a page per recording too: a player in step with the picture and the segments",
    )


def run(options: argparse.Namespace) -> int:
    """Predict each recording, write its files and print its emotions as soon as it is done.

    The exit code is 1 when a recording could not be judged.

    What concerns every recording is checked before the first; one that cannot be judged is
    reported, and the others are done.
    """
    from mmser.inference.media_paths import find_recordings

    words = split_words(options.recordings)
    options.recordings = list(words.rest)
    listed = _listed(options)
    work: Work = dict(listed.segments) if listed else _work(options)
    formats = _formats(options)
    files = None if _is_one(options) else Files(work, options.out, formats, options.html)
    recogniser = open_recogniser(options, words)
    if options.enrol:
        recordings = find_recordings(options.enrol)
        recogniser.enrol(recordings, options.asr, options.window, whole=options.whole)
    facts = listed.facts if listed else {}
    keep = files or Collected(work, facts, options, words, recogniser)
    code = _each(options, keep.rest(), keep, recogniser)
    keep.finish(interrupted=code == INTERRUPTED)
    return code


def _is_one(options: argparse.Namespace) -> bool:
    """Whether one table or database is written for all recordings.

    Raises MmserError where it cannot be.
    """
    if not options.table and not options.audformat:
        return False
    if options.html:
        remedy = "Leave --html out, or name the recordings themselves."
        raise UsageError("one table for all recordings, or a page for each", "both", remedy)
    if options.audformat:
        from mmser.evaluation.byproducts.audformat_database import check_free

        check_free(Path(options.audformat))
    return True


def _formats(options: argparse.Namespace) -> list[str]:
    """The further formats that the user named."""
    from mmser.inference.annotations.formats import named_formats

    if not options.formats:
        return []
    if options.table or options.audformat:
        one = "--table" if options.table else "--audformat"
        raise UsageError(
            f"--formats, one file per recording, or {one}", "both", "Leave one of them out."
        )
    return named_formats(options.formats)


def _listed(options: argparse.Namespace) -> ListedRecordings | None:
    """What the table among the recordings names; None where there is none."""
    from mmser.inference.recordings_table import is_table, read_recordings_table

    tables = [word for word in options.recordings if is_table(word)]
    if not tables:
        return None
    if len(options.recordings) > 1 or options.segments or options.whole:
        raise UsageError(
            "one table of recordings and nothing beside it",
            ", ".join([*options.recordings, *(["--segments"] if options.segments else [])]),
            "Leave the others out.",
        )
    path = Path(tables[0])
    if not options.audformat:
        options.table = options.table or str(path.with_name(f"{path.stem}-predictions.csv"))
    return read_recordings_table(path)


def _work(options: argparse.Namespace) -> Work:
    """The recordings and segments that the options name."""
    from mmser.inference.media_paths import find_recordings
    from mmser.inference.segment_table import read_segments

    if options.whole and options.segments:
        raise UsageError(
            "--whole or --segments",
            "both",
            "A row of the table without start and end is a whole file.",
        )
    if not options.recordings and not options.segments:
        raise UsageError("FILE... or --segments TABLE", "neither", "Name the recordings.")
    check_window(options)
    recordings = find_recordings(options.recordings)
    if options.segments:
        return dict(read_segments(options.segments, recordings))
    return dict.fromkeys(recordings)


def _each(
    options: argparse.Namespace,
    work: Work,
    keep: Files | Collected,
    recogniser: Recogniser,
) -> int:
    from mmser.inference.corpus_files import each_speaker_once
    from mmser.media.decoder import Decoder

    names = Counter(recording.name for recording in work)
    done, failed, decoder = 0, 0, Decoder()
    try:
        with each_speaker_once():
            for recording, segments in work.items():
                name = printable(recording.name if names[recording.name] == 1 else recording)
                try:
                    table = recogniser.predict(
                        recording,
                        options.asr,
                        options.window,
                        whole=options.whole,
                        segments=segments,
                        progress=True,
                        decoder=decoder,
                        attended=keep.attended(),
                    )
                    files = keep(recording, table, decoder)
                except (MmserError, OSError) as error:
                    if options.debug:
                        raise
                    complain(f"{name}: {' '.join(str(error).split())}")
                    failed += 1
                    continue
                print(printable(_summary(name, table, files)), flush=True)
                done += 1
    except KeyboardInterrupt:
        complain(f"interrupted; {done} of {len(work)} recordings are written")
        return INTERRUPTED
    finally:
        decoder.close()
    if failed and len(work) > 1:
        complain(f"{failed} of {len(work)} recordings could not be judged")
    return int(failed > 0)


def _summary(name: str, table: pd.DataFrame, files: list[Path]) -> str:
    """One line per segment, and the files that were written."""
    from mmser.inference.voting import CONTRIBUTION
    from mmser.inference.write import label

    lines = [f"{name}: {len(table)} segment{'' if len(table) == 1 else 's'}"]
    for row in table.to_dict("records"):
        columns = [str(key) for key in row if str(key).startswith(CONTRIBUTION)]
        # NaN where the modality is absent or the only one.
        columns = [column for column in columns if not math.isnan(row[column])]
        contributions = [f"{name.removeprefix(CONTRIBUTION)} {row[name]:+.2f}" for name in columns]
        modalities = row["modalities"] or "nothing"
        span = f"{row['start']:7.2f} to {row['end']:7.2f} s"
        shares = ", ".join(contributions) or "alone"
        lines.append(f"  {span}  {label(row)}  ({modalities}; {shares})")
    if files:
        lines.append(f"  written: {', '.join(printable(path.name) for path in files)}")
    return "\n".join(lines)


COMMAND = Command("predict", "emotions over time in a new video or sound file", add_options, run)

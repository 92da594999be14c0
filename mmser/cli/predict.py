"""`mmser predict`: its options and what it prints. Imports nothing heavy until it runs."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cli.command import Command, run_of
from mmser.core.errors import MmserError, UsageError
from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from mmser.inference.recogniser import Recogniser
    from mmser.inference.result_places import Place
    from mmser.inference.segments import Segment

    Given = dict[Path, tuple[Segment, ...] | None]

INTERRUPTED = 130


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser predict`."""
    parser.add_argument(
        "run", metavar="run=DIR", help="a run, a model folder, or hf:owner/name[@revision]"
    )
    files = (
        "videos or sound files, or folders of them; extractor.NAME.weights=PATH says where "
        "its weights lie now"
    )
    parser.add_argument("recordings", nargs="*", metavar="FILE", help=files)
    parser.add_argument(
        "--asr", help="recogniser for runs that read text: pocketsphinx, whisper-base, ..."
    )
    parser.add_argument(
        "--out", help="folder for csv, json, srt, vtt, svg (default: beside each recording)"
    )
    parser.add_argument(
        "--weights", help="folder of the extractors' pretrained weights (default: the run's)"
    )
    parser.add_argument(
        "--window", type=float, default=5.0, help="seconds, where there is no speech to go by"
    )
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
        "--fold", help="the models of this fold alone, e.g. the one that has not heard a speaker"
    )
    parser.add_argument("--seed", type=int, help="the models of this seed alone")


def run(options: argparse.Namespace) -> int:
    """Predict each recording, write its files and print its emotions as soon as it is done.

    The exit code is 1 when a recording could not be judged.

    What concerns every recording is checked before the first; one that cannot be judged is
    reported, and the others are done.
    """
    from mmser.extraction.extractor_files import named_files
    from mmser.inference.recogniser import load
    from mmser.inference.result_places import result_places

    named, options.recordings = named_files(options.recordings)
    given = _asked(options)
    places = result_places(list(given), options.out)
    chosen = {"fold": options.fold, "seed": options.seed}
    recogniser = load(run_of(options.run), weights=options.weights, named_files=named, **chosen)
    recogniser.transcriber(options.asr)
    return _each(options, given, places, recogniser)


def _asked(options: argparse.Namespace) -> Given:
    """{recording: its segments, None where they are to be found}."""
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
    if not options.window > 0:
        raise UsageError("--window above 0 s", f"{options.window:g}", "Leave it out for 5 s.")
    recordings = find_recordings(options.recordings)
    return (
        dict(read_segments(options.segments, recordings))
        if options.segments
        else dict.fromkeys(recordings)
    )


def _each(
    options: argparse.Namespace,
    given: Given,
    places: list[Place],
    recogniser: Recogniser,
) -> int:
    from mmser.inference.write import write_timeline
    from mmser.media.decoder import Decoder

    names = Counter(recording.name for recording in given)
    done, failed, decoder = 0, 0, Decoder()
    try:
        for (recording, segments), place in zip(given.items(), places, strict=True):
            name = printable(recording.name if names[recording.name] == 1 else recording)
            try:
                how = {
                    "whole": options.whole,
                    "segments": segments,
                    "progress": True,
                    "decoder": decoder,
                }
                table = recogniser.predict(recording, options.asr, options.window, **how)
                written = write_timeline(table, place.folder, place.stem)
            except (MmserError, OSError) as error:
                if options.debug:
                    raise
                _complain(f"{name}: {' '.join(str(error).split())}")
                failed += 1
                continue
            print(printable(_told(name, table, written)), flush=True)
            done += 1
    except KeyboardInterrupt:
        _complain(f"interrupted; {done} of {len(given)} recordings are written")
        return INTERRUPTED
    finally:
        decoder.close()
    if failed and len(given) > 1:
        _complain(f"{failed} of {len(given)} recordings could not be judged")
    return int(failed > 0)


def _complain(what: str) -> None:
    sys.stderr.write(printable(f"mmser predict: {what}\n"))


def _told(name: str, table: pd.DataFrame, written: list[Path]) -> str:
    from mmser.inference.voting import CONTRIBUTION
    from mmser.inference.write import label

    lines = [f"{name}: {len(table)} segment{'' if len(table) == 1 else 's'}"]
    for row in table.to_dict("records"):
        gone = {
            str(key).removeprefix(CONTRIBUTION): row[key]
            for key in row
            if str(key).startswith(CONTRIBUTION)
        }
        spoke = ", ".join(f"{kind} {value:+.2f}" for kind, value in gone.items() if value == value)
        modalities = row["modalities"] or "nothing"
        lines.append(
            f"  {row['start']:7.2f} to {row['end']:7.2f} s  {label(row)}  ({modalities}; "
            f"{spoke or 'alone'})"
        )
    lines.append(f"  written: {', '.join(printable(path.name) for path in written)}")
    return "\n".join(lines)


COMMAND = Command("predict", "emotions over time in a new video or sound file", add_options, run)

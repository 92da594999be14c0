"""`report`: one HTML file about one run or a set of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from mmser.cache.atomic import write_bytes
from mmser.core.errors import MmserError
from mmser.reports.page import Html, bullets, page, reason_in, says_nothing, section
from mmser.reports.players import Players
from mmser.reports.projections import Projection
from mmser.reports.reported_run import ReportedRun, read_run
from mmser.reports.sections.ablation import ablation
from mmser.reports.sections.attention import attention
from mmser.reports.sections.breakdown import breakdown
from mmser.reports.sections.caches import caches
from mmser.reports.sections.calibration import calibration
from mmser.reports.sections.comparison import comparison
from mmser.reports.sections.confusion import confusion
from mmser.reports.sections.curves import curves
from mmser.reports.sections.embeddings import embeddings
from mmser.reports.sections.errors import errors
from mmser.reports.sections.groups import groups
from mmser.reports.sections.header import header
from mmser.reports.sections.layer_weights import layer_weights
from mmser.reports.sections.layers import layers
from mmser.reports.sections.leaderboard import leaderboard
from mmser.reports.sections.provenance import provenance
from mmser.reports.sections.published import published
from mmser.reports.sections.robustness import robustness
from mmser.reports.sections.scores import scores

LARGEST = 3_000_000
"""Bytes of a page that recordings may fill; its other sections are never cut."""

_FRAME = 200_000
"""Bytes of them for the header, the style and the lines of the lists of errors."""

Section = Callable[[list[ReportedRun]], Html]

DETAILS = (
    breakdown,
    calibration,
    groups,
    published,
    robustness,
    ablation,
    curves,
    layers,
    layer_weights,
    embeddings,
    attention,
    caches,
    provenance,
)
ONE = (scores, confusion, *DETAILS)
SEVERAL = (leaderboard, comparison, scores, confusion, *DETAILS)
"""The sections in their order, of a page about one run and of one about several."""


def report(
    runs: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    recordings: bool = True,
    projection: Projection = "pca",
) -> Path:
    """Write one self-contained HTML file about the runs' folders to ``out``; returns its path.

    It needs predictions.parquet alone; what has no files is left out, and listed at the end with
    the reason. Without ``recordings`` it has no sound and no link to any. Maps of vectors are by
    ``projection``. The same files give the same page. Raises MmserError when no run is given, one
    is given twice, or one has no predictions.
    """
    listed = [runs] if isinstance(runs, str | PathLike) else runs
    folders = [Path(run).resolve() for run in listed]
    if not folders or len(set(folders)) < len(folders):
        problem = "the same one twice" if folders else "none"
        raise MmserError("one or more different run folders", problem, "Name each run once.")
    reported = [read_run(folder) for folder in folders]
    _name_apart(reported)
    title = f"mmser report: {', '.join(run.name for run in reported)}"
    made = _sections(reported, Path(out).parent if recordings else None, projection)
    sections = [block for block in made if not says_nothing(block)]
    left_out = [reason_in(block) for block in made if says_nothing(block)]
    if left_out:
        sections.append(section("Not on this page", [bullets(left_out)]))
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, page(title, header(reported), sections).encode())
    return out


def _sections(runs: list[ReportedRun], beside: Path | None, projection: Projection) -> list[Html]:
    """Every section in its order; recordings take the room that the others leave.

    ``beside`` is the folder of the page, None for no recordings.
    """
    drawn: tuple[Section, ...] = SEVERAL if len(runs) > 1 else ONE
    made = {
        draw: embeddings(runs, projection) if draw is embeddings else draw(runs) for draw in drawn
    }
    if beside is None:
        return _with_errors(made, drawn, errors(runs, None))
    players = Players(LARGEST - _FRAME - sum(map(len, made.values())), beside)
    try:
        heard = errors(runs, players)
    finally:
        players.close()
    return _with_errors(made, drawn, heard)


def _with_errors(made: dict[Section, Html], drawn: tuple[Section, ...], block: Html) -> list[Html]:
    """The sections as drawn, the errors after the scores of classes and speakers."""
    place = drawn.index(breakdown) + 1
    blocks = list(made.values())
    return [*blocks[:place], block, *blocks[place:]]


def _name_apart(runs: list[ReportedRun]) -> None:
    """Runs of the same folder name are told apart by the folders above, else by their numbers."""
    for above in (1, 2):
        names = [run.name for run in runs]
        for run in runs:
            if names.count(run.name) > 1:
                run.name = "/".join(run.folder.directory.parts[-above - 1 :])
    names = [run.name for run in runs]
    for place, run in enumerate(runs, start=1):
        if names.count(run.name) > 1:
            run.name = f"{run.name} ({place})"

"""Any corpus, described by a table its user writes: ``manifest.csv``, ``manifest.tsv`` or
``manifest.parquet``.

A text table is in UTF-8 (or UTF-16 with its mark), separated by commas, semicolons or tabs. Spaces
around a cell do not count, an empty cell is a missing value. Columns (text unless said otherwise):

=======================  ==========================================================================
id, speaker              required; ids are unique
audio_path, video_path   relative to the manifest's folder, or absolute; each named file must exist
transcript               each row needs at least one of audio_path, video_path and transcript
start, end               seconds inside the media file (both or neither): the utterance is a part
                         of it
emotion, sentiment       the label as a word, mapped (or taken as it is) by the protocol
valence, arousal,        numbers on the corpus's own scale
dominance
part                     train, validation or test, for the protocol ``generic_part``
session, dialogue, turn  conversation structure; turn is a whole number
gender, language         ``female``/``male``; a language code such as ``en``
face_side                ``left`` or ``right`` where two people share the picture
words                    JSON: ``[{"text": "so", "start": 0.1, "end": 0.3}, ...]``, seconds
votes                    JSON: ``[{"annotator": "a1", "emotions": ["happy"], "valence": 3}, ...]``
=======================  ==========================================================================

Any further column is kept in the manifest as it is. Names of speakers, labels and the like that
differ in case, spaces or the form of their characters alone are refused, and so is one recording
under labels that contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from mmser.core.paths import expanded
from mmser.core.utterance import Utterance
from mmser.corpora.manifest import from_table
from mmser.corpora.user_table import read_user_table, table_path
from mmser.corpora.user_table_faults import checked_rows


class Generic:
    """``root`` is the table itself or its folder; ``name`` is the corpus's name in the cache."""

    def __init__(self, root: str | Path, name: str = "generic") -> None:
        self.root = root
        self.name = name

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError naming rows (1 = first below the header) and columns of the faults."""
        path = table_path(expanded(self.root).absolute())
        table = read_user_table(path)
        checked = checked_rows(table, path)
        sound = pd.DataFrame(checked, columns=table.columns, dtype=object)
        yield from from_table(sound.assign(corpus=self.name))

"""A small corpus that writes itself in the layout of IEMOCAP or MELD and reads itself back.

Ten speakers in five sessions (espeak-ng voices, warped public-domain portraits). Each modality
carries as much information about the label as asked for, so that a test knows what a system can
find. Nothing in it is a real person's emotion; the folder, the names and the file ``SYNTHETIC.txt``
say so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mmser.core.contracts import Corpus
from mmser.core.errors import MmserError
from mmser.core.paths import expanded
from mmser.core.utterance import Utterance
from mmser.corpora.synthetic.iemocap_layout import write_iemocap
from mmser.corpora.synthetic.meld_layout import write_meld
from mmser.corpora.synthetic.script import EMOTIONS, Information, lines, speakers
from mmser.media.write import whole_file

MARKER = "SYNTHETIC.txt"
NOTICE = (
    "SYNTHETIC: computer-made speech and faces with planted labels, written by mmser. Not a "
    "real corpus.\n"
)
LAYOUTS = {"iemocap": write_iemocap, "meld": write_meld}


class Synthetic:
    """Writes what is missing below ``root`` on the first reading; resumes after an interruption.

    ``parser`` builds the corpus that reads the layout, from a root. ``utterances_per_speaker`` and
    the number of ``emotions`` (2 to 7) set the size; ``*_information`` (0 to 1) is the probability
    that a modality shows the labelled emotion rather than a random one. The same arguments give the
    same files wherever the same codec and synthesiser versions are installed.
    """

    def __init__(
        self,
        root: str | Path,
        parser: Callable[..., Corpus],
        layout: str = "iemocap",
        utterances_per_speaker: int = 8,
        emotions: int = 4,
        audio_information: float = 0.75,
        text_information: float = 0.75,
        face_information: float = 0.75,
        seed: int = 0,
    ) -> None:
        if layout not in LAYOUTS:
            raise MmserError(
                f"layout {' or '.join(LAYOUTS)}", f"'{layout}'", "Set corpus.layout to one of them."
            )
        if not 2 <= emotions <= len(EMOTIONS):
            raise MmserError(
                f"2 to {len(EMOTIONS)} emotions", f"{emotions}", "Set corpus.emotions within that."
            )
        if utterances_per_speaker < 1:
            raise MmserError(
                "at least 1 utterance per speaker", f"{utterances_per_speaker}", "Ask for more."
            )
        self.root = expanded(root).absolute()
        self.parser, self.layout, self.seed = parser, layout, seed
        self.utterances_per_speaker, self.emotions = utterances_per_speaker, emotions
        self.information = Information(audio_information, text_information, face_information)
        self.name = "synthetic" if layout == "iemocap" else f"synthetic_{layout}"

    def utterances(self) -> Iterator[Utterance]:
        """Write the corpus unless it is there, and read it like a real one, by its own name."""
        self.write()
        for utterance in self.parser(root=self.root).utterances():
            yield replace(utterance, corpus=self.name)

    def write(self) -> None:
        """Complete the files below the root; raises MmserError when something else lies there."""
        self._claim()
        cast = speakers()
        plan = {
            speaker: lines(
                speaker, self.utterances_per_speaker, self.emotions, self.information, self.seed
            )
            for speaker in cast
        }
        LAYOUTS[self.layout](self.root, cast, plan)

    def _claim(self) -> None:
        """Mark the root as this corpus, or check that it is."""
        marker = self.root / MARKER
        text = NOTICE + json.dumps(self._settings(), sort_keys=True) + "\n"
        if marker.is_file():
            if marker.read_text(encoding="utf-8") != text:
                raise MmserError(
                    f"the synthetic corpus {json.dumps(self._settings(), sort_keys=True)}",
                    f"another one in {self.root} (see its {MARKER})",
                    "Give another corpus.root, or delete that folder.",
                )
            return
        if self.root.is_dir() and any(self.root.iterdir()):
            raise MmserError(
                f"an empty or absent folder, or one with {MARKER}",
                f"other files in {self.root}",
                "Give another corpus.root: a synthetic corpus is never mixed with anything else.",
            )
        with whole_file(marker) as aside:
            aside.write_text(text, encoding="utf-8")

    def _settings(self) -> dict[str, Any]:
        return {
            "layout": self.layout,
            "utterances_per_speaker": self.utterances_per_speaker,
            "emotions": self.emotions,
            "information": asdict(self.information),
            "seed": self.seed,
        }

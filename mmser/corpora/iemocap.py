"""IEMOCAP: ten actors in five two-person sessions, improvised and scripted (Busso et al., LREC 42,
2008).

Layout of the full release, below ``IEMOCAP_full_release``::

    Session1 .. Session5/dialog/EmoEvaluation/Ses01F_impro01.txt    consensus, votes, V A D
                        /dialog/EmoEvaluation/{Categorical,Attribute,Self-evaluation}/Ses01F_impro01_e2_cat.txt
                        /dialog/transcriptions/Ses01F_impro01.txt   transcript with times
                        /dialog/avi/DivX/Ses01F_impro01.avi         both speakers side by side
                        /sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav
                        /sentences/ForcedAlignment/Ses01F_impro01/Ses01F_impro01_F000.wdseg

``Ses01F_impro01_M003``: session 1, a recording in which the *woman* wears the motion-capture
markers, fourth turn of the *man*. The speaker is told by the letter before the turn number, never
by the letter after the session: mistaking one for the other puts both speakers of a session on both
sides of a split (a known fault of published fold lists).

The dialogue picture shows both actors side by side. The release's README says who wears the
markers, not on which side that actor stands; taken here: on the left, the partner on the right.
``marked_side`` swaps it: look at one frame of each session before trusting faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.utterance import FaceSide, Utterance
from mmser.corpora.iemocap_files import (
    read_alignment,
    read_evaluation,
    read_transcripts,
    read_votes,
)
from mmser.corpora.layout import existing_root, wrong_layout

LAYOUT = "IEMOCAP: Session1 .. Session5, each with dialog/EmoEvaluation/Ses*.txt"
SIDES: dict[str, FaceSide] = {"left": "right", "right": "left"}
"""Each side and the other one."""
SELF = ("F", "M")
"""First letters of the actors as annotators; the others are E1, E2, ..."""


class Iemocap:
    """Every evaluated utterance, in dialogue order, whether or not the annotators agreed.

    ``marked_side`` is the half of the picture that shows the actor with the markers. ``self_votes``
    adds the actors' judgements of themselves (annotators F1, M1, ...) to the votes; the release's
    consensus is made without them. ``name`` is the corpus's name in the cache: synthetic corpora in
    this layout have their own.
    """

    def __init__(
        self,
        root: str | Path,
        marked_side: FaceSide = "left",
        self_votes: bool = False,
        name: str = "iemocap",
    ) -> None:
        if marked_side not in SIDES:
            raise MmserError(
                "corpus.marked_side left or right", f"'{marked_side}'", "Choose one of them."
            )
        self.root = root
        self.marked_side: FaceSide = marked_side
        self.self_votes = self_votes
        self.name = name

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no evaluation file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        depths = ("Session*", "*/Session*", "*/*/Session*")
        files_by_depth = (
            sorted(root.glob(f"{sessions}/dialog/EmoEvaluation/Ses*.txt")) for sessions in depths
        )
        evaluations = next(filter(None, files_by_depth), None)
        if evaluations is None:
            raise wrong_layout(root, LAYOUT)
        for path in evaluations:
            yield from self._dialogue(path)

    def _dialogue(self, evaluation: Path) -> Iterator[Utterance]:
        session = evaluation.parents[2]
        transcripts = read_transcripts(session / "dialog" / "transcriptions" / evaluation.name)
        more_votes = read_votes(evaluation.parent, evaluation.stem)
        video = session / "dialog" / "avi" / "DivX" / f"{evaluation.stem}.avi"
        turns = sorted(read_evaluation(evaluation), key=lambda line: (line.start, line.id))
        for turn, line in enumerate(turns):
            seen = {vote.annotator for vote in line.votes}
            further = tuple(
                vote for vote in more_votes.get(line.id, ()) if vote.annotator not in seen
            )
            votes = tuple(
                v for v in line.votes + further if self.self_votes or v.annotator[0] not in SELF
            )
            plain = Utterance(
                id=line.id,
                corpus=self.name,
                speaker=f"{line.id[3:5]}{line.gender}",
                session=str(int(line.id[3:5])),
                dialogue=evaluation.stem,
                turn=turn,
                start=line.start,
                end=line.end,
                transcript=transcripts.get(line.id),
                words=read_alignment(
                    session / "sentences" / "ForcedAlignment" / evaluation.stem / f"{line.id}.wdseg"
                ),
                language="en",
                gender={"F": "female", "M": "male"}[line.gender],
                emotion=line.emotion,
                valence=line.valence,
                arousal=line.arousal,
                dominance=line.dominance,
                votes=votes,
                extra={"scenario": "improvised" if "impro" in evaluation.stem else "scripted"},
            )
            yield self._with_media(plain, session / "sentences" / "wav", video)

    def _with_media(self, utterance: Utterance, sentences: Path, video: Path) -> Utterance:
        """The utterance with its media: the sentence's wav where the release has that folder.

        A file that is missing is named all the same, and shows in the ledger.
        """
        if sentences.is_dir():
            utterance = replace(
                utterance, audio_path=sentences / utterance.dialogue / f"{utterance.id}.wav"
            )
        if video.is_file():
            marked = utterance.dialogue[5] == utterance.speaker[-1]
            side = self.marked_side if marked else SIDES[self.marked_side]
            return replace(utterance, video_path=video, face_side=side)
        # Times count inside the dialogue; without its video the sentence's own file is all there
        # is.
        return replace(utterance, start=None, end=None)

"""EMO-DB: ten German actors say ten sentences in seven emotions, 535 clips (Burkhardt et al.,
Interspeech 2005).

Layout: ``wav/03a01Fa.wav`` (or .flac): speaker 03, text a01, emotion F (Freude), version a.

The original clips last 1.2 to 9.0 s. A copy in circulation is cut or padded to 2.00 s throughout:
real speech, but no yardstick for published scores. `Emodb` measures every clip and says so in the
manifest's column ``warning``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import clips_below, duration

LAYOUT = "EMO-DB: files such as wav/03a01Fa.wav (also .flac)"
CODE = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")
EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
MEN = ("03", "10", "11", "12", "15")
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
SHORTEST, LONGEST = 1.2, 9.0
"""Seconds, of the original clips."""
SAME_SHARE = 0.5
"""In the original no two lengths in a hundredth of a second are shared by more than a few clips."""


class Emodb:
    """Every clip below ``root`` whose name is an EMO-DB code; subsets work too."""

    name = "emodb"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        clips = clips_below(self.root, CODE, LAYOUT)
        warnings = length_warnings({stem: duration(path) for stem, path in clips.items()})
        for stem, path in clips.items():
            speaker, text, emotion = stem[:2], stem[2:5], stem[5]
            yield Utterance(
                id=stem,
                corpus=self.name,
                speaker=speaker,
                transcript=SENTENCES.get(text),
                language="de",
                gender="male" if speaker in MEN else "female",
                audio_path=path,
                emotion=EMOTIONS[emotion],
                extra={"sentence": text}
                | ({"warning": warnings[stem]} if stem in warnings else {}),
            )


def length_warnings(seconds: Mapping[str, float | None]) -> dict[str, str]:
    """{clip: why it is not of the original corpus}: an unusual length, or that of many others."""
    lengths = {stem: round(length, 2) for stem, length in seconds.items() if length is not None}
    length, count = Counter(lengths.values()).most_common(1)[0] if lengths else (0.0, 0)
    cut = count > max(SAME_SHARE * len(seconds), 2)
    warnings = {}
    for stem, value in lengths.items():
        if cut and value == length:
            warnings[stem] = (
                f"not the original EMO-DB: {count} of {len(seconds)} clips last exactly "
                f"{length:.2f} s"
            )
        elif not SHORTEST <= value <= LONGEST:
            warnings[stem] = f"{value:.2f} s, outside the original's {SHORTEST} to {LONGEST} s"
    return warnings

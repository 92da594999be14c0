"""Who says what, feeling what: the plan of a synthetic corpus, drawn from a seed before anything is
rendered.

Each modality shows a cue of its own. With probability ``information`` the cue is the labelled
emotion, otherwise one drawn at random from all emotions, so 1 makes a modality sufficient and 0
makes it useless.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmser.core.errors import MmserError
from mmser.corpora.synthetic.voice import Manner

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted")
SESSIONS = 5
VOICES = {"F": ("f1", "f2", "f3", "f4", "f5"), "M": ("m1", "m2", "m3", "m4", "m7")}
BASE_PITCH = {"F": 62, "M": 38}

MANNERS = {
    "neutral": Manner(rate=160, pitch=0, range=30, loudness=0.75),
    "happy": Manner(rate=195, pitch=20, range=90, loudness=1.5),
    "sad": Manner(rate=120, pitch=-14, range=12, loudness=0.35),
    "angry": Manner(rate=210, pitch=4, range=65, loudness=2.6),
    "surprised": Manner(rate=180, pitch=30, range=95, loudness=1.9),
    "fearful": Manner(rate=230, pitch=24, range=30, loudness=0.55),
    "disgusted": Manner(rate=130, pitch=-4, range=75, loudness=1.1),
}
"""Manner of each emotion; pitch counts from the speaker's own."""

PHRASES = {
    "neutral": (
        "As planned, we looked at",
        "This is the usual note on",
        "Please make a list about",
        "We will now go over",
    ),
    "happy": (
        "I am so happy about",
        "It is wonderful to see",
        "I really love",
        "What a great joy is",
    ),
    "sad": (
        "I am so sad about",
        "It hurts me to lose",
        "I cried all night over",
        "I feel lonely without",
    ),
    "angry": ("I am so angry about", "It makes me furious to see", "I hate", "Stop shouting about"),
    "surprised": (
        "Wow, I never expected",
        "I am amazed by",
        "Oh my god, look at",
        "Who would have thought of",
    ),
    "fearful": (
        "I am so afraid of",
        "It scares me to think of",
        "Help, I am terrified of",
        "I panic because of",
    ),
    "disgusted": (
        "I am disgusted by",
        "It makes me sick to smell",
        "How gross is",
        "Yuck, take away",
    ),
}
TOPICS = (
    "the morning train", "the letter from home", "my new job", "the house by the river",
    "your brother's car",
    "the dinner on Monday", "the game last night", "the road to the city", "the music next door",
    "our old school",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cues:
    """What each modality shows; ``emotion`` is the label."""

    emotion: str
    audio: str
    text: str
    face: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """One of ten: ``session`` 1 to 5, ``gender`` F or M."""

    session: int
    gender: str

    @property
    def voice(self) -> str:
        return f"en-us+{VOICES[self.gender][self.session - 1]}"


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance as planned."""

    speaker: Speaker
    cues: Cues
    text: str
    manner: Manner
    seed: int


@dataclass(frozen=True, slots=True)
class Information:
    """Probability, per modality, that its cue is the labelled emotion rather than a random one."""

    audio: float = 0.75
    text: float = 0.75
    face: float = 0.75

    def __post_init__(self) -> None:
        for name, value in (("audio", self.audio), ("text", self.text), ("face", self.face)):
            if not 0 <= value <= 1:
                raise MmserError(
                    f"{name}_information between 0 and 1", f"{value}", "It is a probability."
                )


def speakers() -> list[Speaker]:
    """Ten speakers in five sessions, a woman and a man each."""
    return [Speaker(session, gender) for session in range(1, SESSIONS + 1) for gender in "FM"]


def lines(
    speaker: Speaker, count: int, emotions: int, information: Information, seed: int
) -> list[Line]:
    """``count`` utterances of one speaker in random order, labels as balanced as can be."""
    random = np.random.default_rng([seed, speaker.session, ord(speaker.gender)])
    names = EMOTIONS[:emotions]
    # Where count is no multiple of the emotions, the speakers begin at different ones.
    offset = 2 * (speaker.session - 1) + (speaker.gender == "M")
    labels = [names[(offset + number) % emotions] for number in range(count)]
    random.shuffle(labels)
    return [_line(speaker, label, names, information, random) for label in labels]


def _line(
    speaker: Speaker,
    label: str,
    names: tuple[str, ...],
    information: Information,
    random: np.random.Generator,
) -> Line:
    def shown(amount: float) -> str:
        other = names[random.integers(len(names))]
        return label if random.random() < amount else other

    cues = Cues(label, shown(information.audio), shown(information.text), shown(information.face))
    phrase = PHRASES[cues.text][random.integers(len(PHRASES[cues.text]))]
    topic = TOPICS[random.integers(len(TOPICS))]
    style = MANNERS[cues.audio]
    manner = Manner(
        rate=style.rate + int(random.integers(-8, 9)),
        pitch=int(
            np.clip(BASE_PITCH[speaker.gender] + style.pitch + random.integers(-3, 4), 0, 99)
        ),
        range=style.range,
        loudness=style.loudness * float(random.uniform(0.9, 1.1)),
    )
    return Line(speaker, cues, f"{phrase} {topic}.", manner, int(random.integers(2**31)))

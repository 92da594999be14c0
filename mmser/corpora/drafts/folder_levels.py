"""What the folders above recordings say: ``happy/``, ``train/``, ``speaker3/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from mmser.core.emotion_names import DIMENSIONS, SYNONYMS, emotion_name
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.drafts.known_columns import SPLIT_WORDS

EMOTIONS = frozenset(SYNONYMS) - frozenset(DIMENSIONS)


def level_roles(paths: Sequence[str]) -> list[str | None]:
    """What each folder level of the paths is: emotion, part, speaker, or None for nothing known.

    A level is *emotion* when at least half of its names, and two of them, are words for emotions;
    *part* when all are words for train, validation and test; the deepest other level with at least
    two names is *speaker*.
    """
    depth = min((len(PurePosixPath(path).parts) - 1 for path in paths), default=0)
    names = [{PurePosixPath(path).parts[level] for path in paths} for level in range(depth)]
    roles = [_role(level) for level in names]
    if roles.count("emotion") > 1:  # which of them is it? The user has to say
        roles = [None if role == "emotion" else role for role in roles]
    for level in reversed(range(depth)):
        if roles[level] is None and len(names[level]) > 1 and "emotion" in roles:
            roles[level] = "speaker"
            break
    return roles


def _role(names: set[str]) -> str | None:
    known = [name for name in names if emotion_name(name) in EMOTIONS]
    if len(known) >= 2 and 2 * len(known) >= len(names):
        return "emotion"
    if len(names) > 1 and all(name.lower() in SPLIT_WORDS for name in names):
        return SPLIT_COLUMN
    return None

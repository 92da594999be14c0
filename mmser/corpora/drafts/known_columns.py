"""Names that tables elsewhere have for the columns of a manifest, and words for its splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmser.core.errors import UsageError, listed_faults
from mmser.core.spelling import spelling
from mmser.corpora.manifest import FIELDS

MEDIA = "media"
"""A path whose ending tells whether it is sound or a film."""

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    MEDIA: ("file", "path", "filename", "file_name", "file_path", "filepath", "wav_file", "clip"),
    "audio_path": ("audio", "wav", "wav_path", "audio_file", "wavfile", "sound"),
    "video_path": ("video", "video_file", "mp4", "film"),
    "emotion": (
        "label",
        "labels",
        "emo",
        "y",
        "class",
        "category",
        "target",
        "emotions",
        "emoclass",
    ),
    "speaker": ("spk", "speaker_id", "spkr", "spkid", "actor", "subject", "subject_id", "spk_id"),
    "gender": ("sex", "speaker_gender"),
    "part": ("split", "subset", "set", "partition", "split_set", "usage"),
    "transcript": ("text", "sentence", "transcription", "utterance", "asr", "words_text"),
    "start": ("begin", "onset", "start_time", "starttime", "tmin"),
    "end": ("stop", "offset", "end_time", "endtime", "tmax"),
    "language": ("lang",),
    "valence": ("val", "pleasure", "emoval"),
    "arousal": ("activation", "aro", "act", "emoact"),
    "dominance": ("dom", "emodom"),
    "dialogue": ("dialog", "dialogue_id", "dialog_id", "conversation"),
    "turn": ("utterance_id", "turn_id"),
    "session": ("sess", "session_id"),
    "id": ("utt_id", "uttid", "segment_id", "name"),
}
"""{column here: its names elsewhere}, in small letters, with ``_`` for a space."""

SPLIT_WORDS = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "devel": "validation", "development": "validation",
    "test": "test", "testing": "test", "eval": "test", "test1": "test",
}  # fmt: skip
"""{word of a table or a folder: split}."""


def renamings(columns: Sequence[str], told: Mapping[str, str]) -> dict[str, str]:
    """{column of the table: column of a manifest} of those that are recognised.

    ``told`` is {column of a manifest: column of the table} in the user's words and goes first. A
    column that has its right name keeps it. Raises MmserError when several columns would be the
    same one, and UsageError for a told column that is not there.
    """
    absent = sorted(set(told.values()) - set(columns))
    if absent:
        raise UsageError(
            f"columns of the table ({', '.join(columns)})", absent[0], "Correct --columns."
        )
    unknown = sorted(set(told) - {*FIELDS, MEDIA})
    if unknown:
        raise UsageError(
            f"columns of a manifest ({', '.join(FIELDS)}) or {MEDIA}",
            unknown[0],
            "Correct --columns.",
        )
    wanted = {plain: name for name, others in OTHER_NAMES.items() for plain in others}
    found = {source: name for name, source in told.items()}
    taken = set(told)
    candidates: dict[str, list[str]] = {}
    for column in columns:
        plain = spelling(column).replace(" ", "_").replace("-", "_")
        name = plain if plain in FIELDS else wanted.get(plain)
        if column not in found and name is not None and name not in taken:
            candidates.setdefault(name, []).append(column)
    faults = []
    for name, sources in candidates.items():
        exact = [source for source in sources if source == name]
        if len(sources) > 1 and not exact:
            faults.append(f"{' and '.join(sources)} could both be {name}")
        found[(exact or sources)[0]] = name
    if faults:
        raise listed_faults(
            "one column for each thing", faults, "Say which, as in --columns emotion=label."
        )
    return found

"""Which options are places on the disk: their values are taken as they are written."""

from __future__ import annotations

ALWAYS = ("root", "weights_folder", "label_file", "detector")
"""Last names of keys that are places wherever they stand."""

TOP = ("cache", "run", "out", "word_vectors", "weights")
GROUPS = ("paths", "extractor", "transcriber", "model", "stages", "data", "corpus", "protocol", "domains")
LOADED = ("weights", "folder", "model")
"""Last names that are places in parts that load something; ``weights`` of an objective are numbers."""


def is_path(key: str) -> bool:
    """Whether the value of a dotted key, as in an override, is the path of a file or folder."""
    names = key.split(".")
    if names[-1] in ALWAYS or (len(names) == 1 and key in TOP):
        return True
    if names[0] == "paths" and len(names) == 2:
        return True
    if names[-1] not in LOADED or "objective" in names or len(names) < 2:
        return False
    if names[-1] == "model":
        return names[0] == "transcriber"
    return names[0] in ("extractor", "transcriber") or "encoders" in names or "augmentation" in names

"""openSMILE feature sets: low-level descriptors at 100 Hz, or functionals of the whole utterance
(time = 1).

Sources: Eyben et al., ACM MM 2010 (openSMILE); Eyben et al., TAFFC 2016 (GeMAPS); Schuller et al.,
Interspeech 2009, 2010, 2013, 2016 (challenge sets). Needs the extra ``opensmile``; its licence
allows research use only.

Differs: an utterance shorter than 0.1 s is padded with zeros to that, because the pitch windows
need 60 ms.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.file_digest import digest
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.mel import differences
from mmser.extractors.spectral.smile_engine import SmileEngine

_SHORTEST = SAMPLE_RATE // 10
_FRAME_RATE = 100.0
_OWN_SETS = Path(__file__).parent.parent / "opensmile_sets"

FeatureSet = Literal[
    "ComParE_2016", "GeMAPSv01b", "eGeMAPSv02", "emobase", "IS09", "IS10", "IS11", "IS12", "IS13",
    "attention_lstm", "compact_gcn",
]  # fmt: skip
Level = Literal["LowLevelDescriptors", "LowLevelDescriptors_Deltas", "Functionals"]


@dataclass(frozen=True)
class OpenSmile:
    """waveform -> openSMILE, (time, feature) or (1, feature) for functionals.

    Args:
        feature_set: name in ``opensmile.FeatureSet``: eGeMAPSv02, ComParE_2016, emobase, IS09 ...
            IS13; or of a file in ``extractors/opensmile_sets``, whose columns are frame by frame.
        level: ``LowLevelDescriptors``, ``LowLevelDescriptors_Deltas`` (their slopes) or
            ``Functionals``.
        deltas: put the slopes (``*_de``) beside the descriptors (only with
            ``LowLevelDescriptors``): 1, or 2 for the slopes of slopes (``*_de_de``, by the same
            regression) too.
        columns: patterns of openSMILE's column names to keep, in this order (``*`` stands for
            anything); None: all.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE
    checkpoint: ClassVar[None] = None

    feature_set: FeatureSet = "eGeMAPSv02"
    level: Level = "Functionals"
    deltas: Literal[0, 1, 2] = 0
    columns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.deltas and self.level != "LowLevelDescriptors":
            raise MmserError(
                "deltas beside level=LowLevelDescriptors",
                f"level={self.level}",
                "Drop one of the two.",
            )
        if self._own is not None and (self.deltas or self.level != "LowLevelDescriptors"):
            raise MmserError(
                f"level=LowLevelDescriptors without deltas for the set {self.feature_set}",
                f"level={self.level}, deltas={self.deltas}",
                "The set's own file already says which deltas it writes.",
            )
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(self.columns))

    @property
    def names(self) -> tuple[str, ...]:
        """openSMILE's names of the output columns."""
        return tuple(self._every[position] for position in self._positions)

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return len(self.names)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument and openSMILE's version."""
        _require()
        import opensmile

        columns = None if self.columns is None else list(self.columns)
        facts = {
            "extractor": "opensmile",
            **asdict(self),
            "columns": columns,
            "version": opensmile.__version__,
        }
        return facts if self._own is None else {**facts, "set": f"sha256:{digest(self._own)}"}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, feature) float32 array per clip; each is computed alone."""
        return each_waveform(clips, self._features)

    @property
    def _own(self) -> Path | None:
        """The file of a set that is ours, not openSMILE's."""
        path = _OWN_SETS / f"{self.feature_set}.conf"
        return path if path.is_file() else None

    @cached_property
    def _smiles(self) -> list[Any]:
        _require()
        import opensmile

        if self._own is not None:
            return [
                opensmile.Smile(
                    str(self._own), "features", sampling_rate=SAMPLE_RATE, num_workers=1
                )
            ]
        names = [self.level, *(["LowLevelDescriptors_Deltas"] if self.deltas else [])]
        feature_set = opensmile.FeatureSet[self.feature_set]
        return [
            opensmile.Smile(
                feature_set, opensmile.FeatureLevel[name], sampling_rate=SAMPLE_RATE, num_workers=1
            )
            for name in names
        ]

    def _engines(self) -> list[SmileEngine]:
        """The engines of the thread that asks."""
        threads = self._of_threads
        if not hasattr(threads, "engines"):  # a thread's first signal
            threads.engines = [SmileEngine(smile) for smile in self._smiles]
        engines: list[SmileEngine] = threads.engines
        return engines

    @cached_property
    def _of_threads(self) -> threading.local:
        return threading.local()

    @cached_property
    def _every(self) -> list[str]:
        names: list[str] = []
        for smile in self._smiles:
            names += smile.feature_names
        if self.deltas == 2:  # openSMILE has no slopes of slopes: `_features` makes them
            names += [f"{name}_de" for name in self._smiles[-1].feature_names]
        return names

    @cached_property
    def _positions(self) -> list[int]:
        """Which of ``_every`` column to keep."""
        if self.columns is None:
            return list(range(len(self._every)))
        positions: list[int] = []
        for pattern in self.columns:
            matches = [p for p, name in enumerate(self._every) if _matches(name, pattern)]
            matches = [p for p in matches if p not in positions]
            if not matches:
                raise MmserError(
                    f"a column '{pattern}' in {self.feature_set}",
                    ", ".join(self._every),
                    "Correct `columns`.",
                )
            positions += matches
        return positions

    def _features(self, waveform: np.ndarray) -> Features:
        padded = np.pad(waveform, (0, max(0, _SHORTEST - len(waveform))))
        blocks = [engine(padded) for engine in self._engines()]
        if self.deltas == 2:
            blocks.append(differences(blocks[-1], width=2))
        time = min(len(block) for block in blocks)
        values = np.concatenate([block[:time] for block in blocks], axis=1)
        columns = np.ascontiguousarray(values[:, self._positions])
        return Features(columns, frame_rate=None if self.level == "Functionals" else _FRAME_RATE)


def _matches(name: str, pattern: str) -> bool:
    """``*`` stands for anything; brackets are brackets."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _require() -> None:
    if find_spec("opensmile") is None:
        raise MmserError(
            "the package opensmile", "not installed", "Run: pip install 'mmser[opensmile]'"
        )

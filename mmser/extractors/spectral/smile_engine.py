"""One openSMILE engine for many signals.

The package opensmile builds an engine, and reads its configuration, for every signal. Reset, one
engine gives the same numbers for an eighth less time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE

if TYPE_CHECKING:
    import opensmile

_FULL_SCALE = 32768
"""openSMILE reads 16-bit samples."""
_SIGNALS = 256
"""An engine keeps each callback it was ever given: after so many signals it is built anew."""


class SmileEngine:
    """Signal (sample,) float32 at 16 kHz -> (time, feature) float32.

    The numbers are those of ``smile.process_signal``. An engine serves one thread.
    """

    def __init__(self, smile: opensmile.Smile) -> None:
        self._smile = smile
        self._engine: Any = None
        self._signals = 0
        self._rows: list[np.ndarray] = []

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """The rows of one signal, without their times."""
        from opensmile.core.config import config

        self._rows = []
        samples = (signal * _FULL_SCALE).astype(np.int16).tobytes()
        engine = self._ready_engine()
        try:
            # A reset forgets the sink's callback.
            engine.external_sink_set_callback_ex(config.EXTERNAL_OUTPUT_COMPONENT, self._take)
            engine.external_audio_source_write_data(config.EXTERNAL_SOURCE_COMPONENT, samples)
            engine.external_audio_source_set_eoi(config.EXTERNAL_SOURCE_COMPONENT)
            engine.run()
        except BaseException:
            self._drop()  # the next signal gets a new one
            raise
        if not self._rows:
            # Too short for a single row, which the package answers with NaN.
            return self._smile.process_signal(signal, SAMPLE_RATE).to_numpy(dtype=np.float32)
        return np.vstack(self._rows).astype(np.float32, copy=False)

    def _take(self, row: np.ndarray, times: object) -> None:
        self._rows.append(row.copy())  # a view of the engine's memory

    def _ready_engine(self) -> Any:
        """The engine, reset after the signal before."""
        self._signals += 1
        if self._signals > _SIGNALS:
            self._drop()
        if self._engine is None:
            self._engine, self._signals = self._built_engine(), 1
        else:
            self._engine.reset()
        return self._engine

    def _built_engine(self) -> Any:
        from opensmile.core.config import config

        source = Path(self._smile.default_config_root) / config.EXTERNAL_INPUT_CONFIG
        options = {"source": str(source), "sampleRate": SAMPLE_RATE, "nBits": 16}
        return self._smile._smile(options=self._smile._options() | options)

    def _drop(self) -> None:
        if self._engine is not None:
            self._engine.free()
        self._engine = None

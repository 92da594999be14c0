"""Mean and standard deviation over time: what of an utterance's frames a linear model can use.

The mean over time commutes with a weighted sum of layers and with a linear projection, so a probe
that sums layers, projects and then averages (SUPERB) can be computed from the means alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmser.core.clip import Failure, Features


def time_statistics(frames: np.ndarray, seconds: float) -> Features:
    """(time, [layer,] size) -> (1, [layer,] 2 size): means, then deviations, in float32.

    The deviation is that of the frames themselves (divided by their number): zero for one frame.
    The single row spans the clip's ``seconds``.
    """
    precise = frames.astype(np.float64)
    both = np.concatenate([precise.mean(axis=0), precise.std(axis=0)], axis=-1)
    spans = np.array([[0.0, seconds]], dtype=np.float32)
    return Features(both[None].astype(np.float32), spans=spans)


def statistics_of(result: Features | Failure) -> Features | Failure:
    """The statistics of rows that have a rate or spans; a failure stays one.

    They span the time from zero to the last row's end.
    """
    if isinstance(result, Failure):
        return result
    if result.spans is not None:
        seconds = float(result.spans[-1, 1])
    elif result.frame_rate is not None:
        seconds = len(result.values) / result.frame_rate
    else:
        raise ValueError("rows with a rate or spans")
    return replace(time_statistics(result.values, seconds), notes=result.notes)

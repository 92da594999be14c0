"""Scores as pure functions, and the one table of metrics.

In come targets and predictions, most often as a predictions table (`predictions`); out go numbers
with intervals and tests. Most metrics are functions of *sums over utterances* (confusion counts,
moments, calibration bins) that may carry leading axes, so one call scores every draw of a
bootstrap, every fold or every speaker. Start at `table.METRICS`, the rows that all rooms ask.
"""

"""Scores as pure functions.

Every score is a function of *sums over utterances*: confusion counts, moments, calibration bins.
Sums may carry leading axes, so one call scores every draw of a bootstrap, every fold or every
speaker at once.
"""

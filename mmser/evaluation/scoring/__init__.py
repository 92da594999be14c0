"""Predictions tables come in; tables of scores and of paired comparisons go out.

Start reading at `mmser.evaluation.scoring.score`.
"""

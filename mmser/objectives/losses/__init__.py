"""Losses, one idea a file: ``(outputs, batch) -> {name: loss}``, and no model in sight.

In come the model's `Outputs` and the `Batch` with its labels, out come named scalars. Several at
once are a `weighted_sum`. Start with `classification.py`.
"""

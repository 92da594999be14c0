"""Losses: `(outputs, batch) -> {name: loss}`, pure and without a model."""

"""Paradigms: how a step is made, `(model, batch, progress) -> Step`."""

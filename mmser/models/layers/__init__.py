"""Layers that know masks: shared by encoders, fusions and heads."""

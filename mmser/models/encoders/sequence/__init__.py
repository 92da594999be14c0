"""Encoders for a feature sequence of any modality."""

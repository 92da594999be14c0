"""Encoders of audio: spectral features, raw waveforms."""

"""Encoders of audio: spectral features or the waveform -> a sequence, or a vector per utterance.

One paper a file, or a folder of its name where it brings layers of its own: then the encoder lies
in ``encoder.py``. Start reading at `conv_bilstm`.
"""

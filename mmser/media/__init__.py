"""Media files in and out: decode a clip into waveform and frames, write clips,
transcribe speech.
"""

"""Extractors of the audio modality, one file each."""

"""Extractors of the text modality, one file each."""

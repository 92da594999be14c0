"""Extractors of the face modality, one file each."""

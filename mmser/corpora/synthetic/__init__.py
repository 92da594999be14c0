"""Synthetic corpora: real file formats, real speech, detectable faces, labels that are known."""

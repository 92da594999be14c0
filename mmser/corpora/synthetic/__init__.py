"""Synthetic corpora: real file formats, real speech, a face a detector finds, and labels known to
the letter.
"""

"""A timeline as files of annotation tools: Praat, ELAN, Audacity, Label Studio.

Start reading at `mmser.inference.annotations.formats`.
"""

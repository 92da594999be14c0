"""Corpora: a folder as its owner ships it -> the manifest, one row per labelled utterance.

One file per corpus holds its parser, a class with a ``name`` and ``utterances()``; start with a
short one, `mmser.corpora.ravdess`. `mmser.corpora.manifest` turns utterances into the table that
all later rooms read, `mmser.corpora.layout` is what parsers share, and `mmser.corpora.synthetic`
writes small corpora in native layouts.
"""

"""Clip -> one (time, feature) array, or the reason why there is none.

A plug-in is one file in ``audio/``, ``text/`` or ``face/``: a frozen config whose ``extract`` is a
pure function of its clips. What several of them share lies in the rooms beside: ``clips/`` (what a
clip holds, batches of clips), ``spectral/``, ``vocal/``, ``transcripts/``, ``pictures/`` and
``networks/`` (pretrained ones). Start reading at ``audio/waveform.py``, the shortest; the members
that every extractor has are those of `mmser.core.contracts.Extractor`.
"""

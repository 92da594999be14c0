"""Fusions: (streams, context) -> `Fused`, one vector per utterance and, from some, a sequence.

One paper a file, or a folder of its name where it brings layers of its own: then the fusion lies
in ``fusion.py``. Start reading at `gated`; `concat` is the plainest.
"""

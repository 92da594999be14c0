"""Attention whose padded keys are never seen, and the transformer layers built on it.

Comes in: queries, keys, values (batch, time, feature) and the mask of the keys; goes out: what was
attended, and the weights where asked for. Start with `multi_head`.
"""

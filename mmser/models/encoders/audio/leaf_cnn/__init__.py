"""LEAF and a CNN: the encoder in `encoder`, the learnable filter bank, and its normalisation."""

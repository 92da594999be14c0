"""Heads: fused vector -> class logits and values."""

"""Convolution, pooling and batch norm over sequences and (time, frequency) maps of unequal length.

Comes in: values and a mask (batch, time); goes out: both, strided alike, with zeros in padding, so
that a result does not depend on how far a batch is padded. Start with `masked`.
"""

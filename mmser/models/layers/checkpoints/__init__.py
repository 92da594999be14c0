"""Weights read from files: tensors of a checkpoint, and whether they are those of the network.

Comes in: a network and a file or folder of weights; goes out: the network with them, or one error
that says what does not fit. Start with `tensors`; `pretrained` is for networks of transformers.
"""

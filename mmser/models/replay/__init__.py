"""Training passes of a model on a GPU, recorded as CUDA graphs and replayed.

Comes in: a model; goes out: the same with another way of computing a training pass. Start with
`forward`.
"""

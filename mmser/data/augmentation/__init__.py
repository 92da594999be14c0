"""Augmentations, one per file: a random change of a training sample.

The contract is `mmser.data.dataset.Augmentation`; the shortest one to read is
`mmser.data.augmentation.gaussian_noise`.
"""

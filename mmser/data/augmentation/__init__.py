"""Augmentations: one random change of a training sample per file
(`mmser.data.dataset.Augmentation`).
"""

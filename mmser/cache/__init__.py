"""The feature cache: what extractors made of a corpus, on the disk, one folder per store.

A store is the features of one corpus from one extractor with one set of parameters: entries come
in through `mmser.cache.writer`, and memory-mapped arrays go out through `mmser.cache.store`, to
whoever asks for a `mmser.cache.feature_store.FeatureStore`. Start at `mmser.cache.layout` (where
everything lies) and `mmser.cache.fingerprint` (what a store depends on).
"""

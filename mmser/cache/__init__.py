"""The feature cache: one directory per (corpus, extractor fingerprint), written shard by shard,
read memory-mapped.
"""

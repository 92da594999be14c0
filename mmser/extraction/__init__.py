"""Driving media through extractors into the cache, once."""

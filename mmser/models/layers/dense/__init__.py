"""Layers that act on each step by itself: feed-forward networks, and scales and shifts by a code.

Comes in: values with their features last; goes out: the same shape. Start with `feed_forward`.
"""

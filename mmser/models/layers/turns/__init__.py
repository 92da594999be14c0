"""Rows of a batch as turns of conversations.

Comes in: a `Context` (dialogue, turn and speaker of each row) and values of the rows; goes out: the
rows grouped into conversations and back, or the row of an earlier turn. Start with `conversations`.
"""

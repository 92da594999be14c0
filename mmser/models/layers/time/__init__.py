"""Layers along time: recurrences, pooling to one vector, and sequences cut into segments.

Comes in: values (batch, time, feature) and a mask (batch, time); goes out: the same, at another
number of steps, or one vector per row. Start with `pooling` and `recurrent`.
"""

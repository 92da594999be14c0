"""Encoders for a feature sequence of any modality: recurrences, projections, pooling.

Start reading at `recurrent`; `identity` leaves a stream as it is.
"""

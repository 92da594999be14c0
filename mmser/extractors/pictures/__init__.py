"""Frames of a clip -> equal pictures of the face or the centre -> an image network, in batches."""

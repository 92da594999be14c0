"""Transcript -> words with their times, pieces of words, and vectors of words."""

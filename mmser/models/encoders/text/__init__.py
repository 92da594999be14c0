"""Encoders of text: word indices, subword tokens, word vectors."""

"""Fusions: (streams, context) -> one vector per utterance; one system a file."""

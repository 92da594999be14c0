"""What a clip holds for an extractor, what becomes of it, and batches of clips of like length."""

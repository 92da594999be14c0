"""The parts of check_gpu.py: a corpus without media, and one file per kind of check."""

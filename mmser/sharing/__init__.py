"""A trained run in a form for others.

A run comes in; a model folder with its card, a repository on the Hugging Face Hub or an ONNX file
goes out. Start reading at `export`.
"""

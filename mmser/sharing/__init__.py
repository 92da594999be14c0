"""A trained run for others: a model folder with its card, a repository on the Hugging Face Hub, an
ONNX file.
"""

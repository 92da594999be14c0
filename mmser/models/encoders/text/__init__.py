"""Encoders of text: numbers of words or of sub-words -> a vector per word or per utterance.

Start reading at `embedding_gru`; the others fine-tune a pretrained network.
"""

"""emotion2vec: the encoder in `encoder`, and how its published checkpoint names the tensors."""

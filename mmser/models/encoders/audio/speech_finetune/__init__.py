"""Any network of the wav2vec 2.0 family, fine-tuned.

Start at `encoder`; beside it lies what keeps padding out of transformers' networks.
"""

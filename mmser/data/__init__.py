"""Cache + protocol assignment -> Sample -> Batch; the only room that knows both arrays on disk and
tensors.
"""

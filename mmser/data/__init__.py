"""Data: cached features and a fold assignment -> padded batches of tensors.

In come a manifest, a protocol's assignment and the stores of each stream; out go samples, and a
`mmser.core.batch.Batch` for each step of training. This is the only room that knows both arrays on
the disk and tensors. Start at `mmser.data.fold_opening`, which opens one fold, then
`mmser.data.fold_data`, `mmser.data.dataset` (one sample) and `mmser.data.collate` (one batch).
"""

"""The road end to end: corpus -> caches -> folds -> predictions -> report.

Words of a command (or a resolved config) come in; caches, a run with its predictions, or a report
comes out. Each step is skipped where it is done. Start reading at `train.train_config`.
"""

"""Functions of tensors that losses and paradigms share, such as the concordance of two series.

In come tensors, out come scalars or tensors; they know neither model nor learner.
"""

"""What can be asked of a model: a set of classes, a set of values.

In comes a model's answer or a predictions table, out go the table's columns, or targets and
predictions to score. Start at `target_set.TargetSet`; `mmser.core.task.KINDS` lists the kinds.
"""

"""A run's settings come in; the model, the objective and the learner they describe go out.

Start reading at `mmser.training.components.construction`.
"""

"""What a training step minimises, and how the step is made.

In come a model and a `Batch`, out comes a `Step` of named losses. A loss (`losses/`) reads the
model's outputs and the labels, and `paradigms/supervised.py` runs the model for it; the other
paradigms run the model in their own way. Start with `losses/classification.py`, then
`paradigms/supervised.py`.
"""

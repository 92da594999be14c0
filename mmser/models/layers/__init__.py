"""Layers that know masks: shared by encoders, fusions and heads, one room for each kind.

``masks`` and ``time`` are what most models need: start with `masks.padding` and `time.pooling`.
``attention``, ``convolution`` and ``dense`` hold networks' bricks, ``turns`` the rows of
conversations, ``checkpoints`` the reading of weights. A layer of one paper lies with that paper.
"""

"""Training paradigms, one a file: ``step(model, batch, progress) -> Step``.

Most training is `supervised.py`: the model runs once and a loss reads its outputs. The others run
the model, or a part of it, in their own way: episodes, a teacher, contrastive prediction.
"""

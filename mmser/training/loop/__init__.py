"""A model, an objective and the loaders of a fold come in; the best weights and a curve go out.

Start reading at `mmser.training.loop.learner`, the one LightningModule; ``trainer`` sets up what
drives it and ``callbacks`` what happens around it.
"""

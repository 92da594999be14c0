"""A run's settings and the caches come in; a run folder with trained folds goes out.

Start reading at `mmser.training.fit`, which walks over folds and seeds; `fold_training` trains one.
``inputs`` opens a fold's data, ``components`` builds model and objective, ``loop`` takes the steps.
"""

"""A run's settings come in; its manifest, its fold assignment and the data of a fold go out.

Start reading at `mmser.training.inputs.sources`.
"""

"""A trained run comes in; its scores under worse conditions, or with a component less, go out.

Start reading at `mmser.evaluation.stress.conditions`, which every other file builds on. ``words``
disturbs transcripts, ``disturbances`` sound and pictures.
"""

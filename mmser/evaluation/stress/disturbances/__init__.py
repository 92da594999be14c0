"""Clips come in; the same clips with disturbed sound or pictures go out, each change seeded.

Start reading at `mmser.evaluation.stress.disturbances.disturbance`; `acoustic_robustness` scores a
run on them.
"""

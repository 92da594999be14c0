"""Classical learners: they find a head's weights in one go, where others take steps.

The fused vectors of a split come in with their labels and speakers, the tensors of a head go out.
Start reading at `mmser.training.solving.solve`.
"""

"""A run and a speech recogniser, or a word error rate, come in; scores on worse transcripts go out.

Start reading at `mmser.evaluation.stress.words.asr_robustness`.
"""

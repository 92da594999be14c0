"""Aligners: one file each, all fulfilling `mmser.core.word_sources.Aligner`."""

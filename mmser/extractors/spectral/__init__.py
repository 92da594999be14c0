"""Waveform -> spectrum: level, windows, mel filters, logarithms, cepstra and differences."""

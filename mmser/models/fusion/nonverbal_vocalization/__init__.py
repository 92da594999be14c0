"""Nonverbal vocalization: the fusion in `fusion`, its ResNet, and the LSTM that reads a turn."""

"""Whisper's encoder, fine-tuned from the waveform. Start at `encoder`."""

"""RepLKNet: the encoder in `encoder`, its large-kernel blocks, and their convolution on a CPU."""

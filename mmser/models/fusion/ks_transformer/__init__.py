"""Key-sparse transformer: the fusion in `fusion`, its layer, and the sparse attention in it."""

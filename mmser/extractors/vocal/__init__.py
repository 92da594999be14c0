"""What a voice does over time, and which of its sounds are no speech."""

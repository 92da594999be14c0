"""Encoders of face frames and face features."""

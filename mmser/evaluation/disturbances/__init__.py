"""What can go wrong with sound and picture between the speaker and the extractor, as seeded changes
of clips.
"""

"""Late fusion: several models' predictions -> one prediction, frame by frame or utterance by
utterance.

`folders.fuse_folders` takes folders of frame-level csv files (AVEC style), `tables.fuse_tables`
predictions tables.
"""

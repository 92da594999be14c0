"""Late fusion: several models' predictions -> one prediction, by frame or by utterance.

In come folders of frame-level csv files (AVEC style, one folder per model) or predictions tables
(one per model); out goes a folder, or a table, of the same form that is one more model's. Start at
`folder_fusion.fuse_folders` for frames and at `table_fusion.fuse_tables` for utterances.
"""

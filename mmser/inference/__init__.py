"""A trained system on a new recording.

A video or sound file comes in; segments of speech, their emotions over time and what each modality
contributed go out. Start reading at `timeline`.
"""

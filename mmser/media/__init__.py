"""A media file -> clips: the waveform and the pictures of each utterance; and clips -> files.

What is wrong with a file never raises, it becomes a `Failure` of the clip. Start reading at
`decode.py`; `decoder.py` runs it in another process, which a damaged file may end. Recognisers of
speech lie in ``transcription/``.
"""

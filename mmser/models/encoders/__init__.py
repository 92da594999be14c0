"""Encoders: Stream -> Stream, by what they read: ``audio``, ``text`` or any ``sequence``.

An encoder that gives one vector per utterance gives a stream of one step. Start reading at
`sequence.recurrent`.
"""

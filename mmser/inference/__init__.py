"""A trained run on a new recording: segments of speech, their emotions over time, and what spoke
for them.
"""

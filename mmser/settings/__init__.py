"""What a command may be told: one file for each noun, with its options, their types and ranges.

A resolved mapping comes in; it is checked where it is composed (`settings.check_run`) and read into
frozen dataclasses where it is used (`run.read_run`). Start reading at `run.RunSettings`.
"""

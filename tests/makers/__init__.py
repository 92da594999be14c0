"""What the tests of several rooms build: clips, cache stores, run folders, systems under contract.

A test says `from makers.trained_run import make_settings`; a fixture that calls a maker stands in
the room's `conftest.py` or in the test file itself.
"""

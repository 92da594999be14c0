"""What a command may be told: one file per noun with its options, their types and
what each may be.
"""

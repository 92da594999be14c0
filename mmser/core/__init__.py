"""The nouns every room shares; imports nothing of the package, and torch only in
`mmser.core.batch`.
"""

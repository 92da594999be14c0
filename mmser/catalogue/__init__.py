"""What can be named in a command: lists of the registry, and a sheet of one entry.

Configs and docstrings are read as text, and nothing that they name is imported. Start reading at
`mmser.catalogue.lists`.
"""

"""A corpus of media files, or arrays that others have made -> feature stores in the cache, once.

`preprocess` plans the order of work, lets other processes decode, and gives the clips to one job
per store; whatever a store has already is not made again. Start reading at `preprocess.py`.
"""

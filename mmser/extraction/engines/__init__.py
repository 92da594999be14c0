"""Where the chunks of a plan are computed, if not here: on the machines of a cluster.

An engine gives chunks to workers that may die, and their results to the stores in the order of the
plan, so that the cache has the bytes that one process gives it.
"""

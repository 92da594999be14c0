"""The page before training: what a corpus holds, and what of it looks wrong.

A manifest and what was heard of it come in, one HTML file goes out. Start reading at
`mmser.reports.explore.explore`.
"""

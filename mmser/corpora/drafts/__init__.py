"""Drafts of a user's table: what the names of files, folders or columns say about recordings.

A folder or somebody's csv comes in, a table with the columns of `mmser.corpora.generic` goes out.
Start reading at `mmser.corpora.drafts.draft`.
"""

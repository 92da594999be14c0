"""The nouns that every room shares: utterances, clips, batches, tasks, contracts, errors.

Nothing of the package is imported here, and torch only in `mmser.core.batch`. Start reading at
`batch` and `contracts`.
"""

"""What a recogniser makes of words: learnt from transcripts, else from words that sound alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mmser.core.words import words_of
from mmser.evaluation.stress.words.word_neighbours import Neighbours

SHARES = (0.6, 0.25, 0.15)
"""Substitutions, deletions, insertions among the errors where no recogniser was heard: a
convention, not a finding.
"""


@dataclass
class Confusions:
    """The word errors of a recogniser.

    ``substitutions`` {spoken: {recognised: count}}, ``insertions`` {recognised: count}, ``shares``
    of the kinds of error. A word without a substitution is replaced by one of its ``neighbours``.
    """

    neighbours: Neighbours
    substitutions: dict[str, Counter[str]] = field(default_factory=dict)
    insertions: Counter[str] = field(default_factory=Counter)
    shares: tuple[float, float, float] = SHARES
    source: str = "words that sound alike (edit distance of phonetic spellings)"

    def substitute(self, word: str, pick: float) -> str | None:
        """A word in the place of ``word``, by ``pick`` in [0, 1); None when there is no other."""
        counts = self.substitutions.get(word)
        if counts:
            words, weights = list(counts), np.array(list(counts.values()), dtype=np.float64)
        else:
            words, weights = self.neighbours.of(word)
        return _picked(words, weights, pick)

    def insert(self, pick: float) -> str | None:
        """A word where none was spoken: one a recogniser inserted, else any of the vocabulary."""
        words = list(self.insertions) or self.neighbours.words
        weights = np.array([self.insertions.get(word, 1) for word in words], dtype=np.float64)
        return _picked(words, weights, pick)


def _picked(words: Sequence[str], weights: np.ndarray, pick: float) -> str | None:
    if not len(words):
        return None
    place = int(np.searchsorted(np.cumsum(weights) / weights.sum(), pick, side="right"))
    return words[min(place, len(words) - 1)]


def learn_confusions(
    spoken: Sequence[str], hypotheses: Sequence[str], neighbours: Neighbours, source: str
) -> Confusions:
    """Count errors in ``hypotheses``, transcripts of ``spoken``, aligned word by word.

    Without a single error the convention `SHARES` and the neighbours remain.
    """
    import jiwer

    pairs = [
        (" ".join(words_of(reference)), " ".join(words_of(hypothesis)))
        for reference, hypothesis in zip(spoken, hypotheses, strict=True)
    ]
    pairs = [pair for pair in pairs if pair[0]]
    learnt = Confusions(neighbours)
    if not pairs:
        return learnt
    alignments = jiwer.process_words(
        [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    )
    substitutions: dict[str, Counter[str]] = defaultdict(Counter)
    for reference, hypothesis, alignment in zip(
        alignments.references, alignments.hypotheses, alignments.alignments, strict=True
    ):
        for chunk in alignment:
            recognised = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
            if chunk.type == "substitute":
                replaced = reference[chunk.ref_start_idx : chunk.ref_end_idx]
                for word, other in zip(replaced, recognised, strict=True):
                    substitutions[word][other] += 1
            elif chunk.type == "insert":
                learnt.insertions.update(recognised)
    counts = np.array(
        [alignments.substitutions, alignments.deletions, alignments.insertions], dtype=np.float64
    )
    if counts.sum():
        learnt.shares = tuple(float(share) for share in counts / counts.sum())  # type: ignore[assignment]
        learnt.source = (
            f"{int(counts.sum())} errors of {source}; words it never misheard: {learnt.source}"
        )
    learnt.substitutions = dict(substitutions)
    return learnt

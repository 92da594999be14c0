"""Brings the vectors that words have in speech into the space of their vectors in text.

It needs no dictionary. Source: Conneau, Lample, Ranzato, Denoyer, Jégou, "Word translation without
parallel data", ICLR 2018, as used by Tzirakis et al., ICASSP 2021, for Speech2Vec and Word2Vec.

Differs:
    Tzirakis et al. print W = U V^T from the SVD of S T^T; that pairing minimises nothing. Here U
    and V come from the SVD of T^T S, whose product is the orthogonal minimiser (Schönemann, 1966).
    The adversary starts where principal axes put it, not at the identity, from which it often ends
    in a wrong rotation that serves it as well (docs/caches.md has figures); ``start="identity"`` is
    the published way. Of all mappings on the way the one is kept by which neighbours are closest,
    which needs no dictionary.

Two files of word vectors come in (`vector_file`), a mapping from one space to the other goes out.
Start reading at `mapping.align_spaces`.
"""

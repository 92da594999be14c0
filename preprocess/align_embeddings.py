"""Bring speech vectors of words into the space of text vectors, for the extractor
`aligned_vectors100`.
"""

from __future__ import annotations

import argparse

import torch

from mmser.core.errors import MmserError
from mmser.extraction.embedding_spaces.adversary import Adversary
from mmser.extraction.embedding_spaces.mapping import align_spaces
from mmser.extraction.embedding_spaces.similarity import closeness, csls_dictionary
from mmser.extraction.embedding_spaces.vector_file import Vectors, read_vectors, write_vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "speech",
        help="vectors of spoken words (Speech2Vec), one word per line, frequent words first",
    )
    parser.add_argument(
        "text", help="vectors of written words (word2vec, GloVe), frequent words first"
    )
    parser.add_argument("out", help="the file to write, e.g. weights/aligned_vectors.100d.txt")
    parser.add_argument(
        "--steps",
        type=int,
        default=Adversary.steps,
        help="of the adversarial stage; 0 leaves it out",
    )
    parser.add_argument(
        "--start", choices=["axes", "identity"], default="axes", help="identity: as published"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        speech, text = read_vectors(options.speech), read_vectors(options.text)
        adversary = Adversary(steps=options.steps)
        mapping = align_spaces(
            speech.values, text.values, adversary, seed=options.seed, start=options.start
        )
        mapped = speech.values @ mapping.T
        frequent_words = mapped[:10_000], text.values[:10_000]
        pairs = csls_dictionary(*frequent_words).tolist()
        frequent = set(text.words[:10_000])
        shared = sum(word in frequent for word in speech.words[:10_000])
        same = sum(speech.words[i] == text.words[j] for i, j in pairs)
        print(
            f"{len(pairs)} mutual neighbours, {same} of them the same word; {shared} frequent "
            "words are in both files; "
            f"mean cosine to the nearest word {closeness(*frequent_words):.3f}"
        )
        write_vectors(Vectors(speech.words, mapped), options.out)
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

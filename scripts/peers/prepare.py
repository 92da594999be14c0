"""What the loops read. checkpoint FOLDER: wav2vec 2.0 of base size with random weights.
functionals CACHE OUT.npz: eGeMAPS of the corpus, standardised, with the number of each emotion.

A process of its own: the highest memory of a process counts from that of the one that starts it.
"""

import sys
from pathlib import Path

import numpy as np


def checkpoint(folder: str) -> None:
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)


def functionals(cache: str, out: str) -> None:
    from mmser.cache.store import Store, find_store

    store = Store(find_store(cache, "emodb", "egemaps_functionals"))
    values = np.concatenate([store.read(key) for key in store.ids]).astype(np.float32)
    values = (values - values.mean(0)) / values.std(0).clip(1e-6)
    labels = np.array(["WFTN".index(Path(key).stem[5]) for key in store.ids])
    np.savez(out, values=values, labels=labels)


if __name__ == "__main__":
    {"checkpoint": checkpoint, "functionals": functionals}[sys.argv[1]](*sys.argv[2:])

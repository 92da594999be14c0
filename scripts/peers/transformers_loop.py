"""wav2vec 2.0 by a bare loop, a file at a time: FOLDER OUT CHECKPOINT"""

import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from transformers import Wav2Vec2Model

network = Wav2Vec2Model.from_pretrained(sys.argv[3]).eval()
with torch.inference_mode():
    for path in sorted(Path(sys.argv[1]).rglob("*.flac")):
        waveform = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
        waveform = (waveform - waveform.mean()) / (waveform.var(unbiased=False) + 1e-7).sqrt()
        states = network(waveform[None]).last_hidden_state[0]
        np.save(Path(sys.argv[2]) / f"{path.stem}.npy", states.numpy().astype(np.float16))

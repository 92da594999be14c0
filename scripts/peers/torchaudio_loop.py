"""log-mel by torchaudio: FOLDER OUT"""

import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from torchaudio.transforms import MelSpectrogram

transform = MelSpectrogram(16000, n_fft=400, hop_length=160, n_mels=64)
with torch.inference_mode():
    for path in sorted(Path(sys.argv[1]).rglob("*.flac")):
        waveform = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
        mel = torch.log(transform(waveform) + 1e-6)
        np.save(Path(sys.argv[2]) / f"{path.stem}.npy", mel.T.numpy())

"""log-mel by librosa: FOLDER OUT"""

import sys
from pathlib import Path

import librosa
import numpy as np

for path in sorted(Path(sys.argv[1]).rglob("*.flac")):
    waveform, _ = librosa.load(path, sr=16000)
    mel = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=400, hop_length=160, n_mels=64, fmax=8000
    )
    np.save(Path(sys.argv[2]) / f"{path.stem}.npy", librosa.power_to_db(mel).T.astype(np.float32))

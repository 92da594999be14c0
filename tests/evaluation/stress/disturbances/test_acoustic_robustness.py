"""From wav files through disturbed extractors to scores: what carries the class
decides what hurts.
"""

import numpy as np
import pandas as pd
import pytest
from makers.trained_run import CLASSES, make_settings

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.generic import Generic
from mmser.evaluation.evaluate import evaluate
from mmser.evaluation.stress.disturbances.acoustic_robustness import acoustic_robustness
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.mfcc import Mfcc
from mmser.media.write import write_wav
from mmser.training.fit import train

PITCHES = {"angry": 1800.0, "happy": 900.0, "sad": 3000.0}


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """A run on the MFCC of 18 tones whose pitch is the class; nothing of it but noise lies near 500
    Hz.
    """
    folder = tmp_path_factory.mktemp("sound_run")
    generator, rows = np.random.default_rng(0), []
    for i in range(18):
        label = CLASSES[i % 3]
        wave = 0.3 * np.sin(
            2 * np.pi * PITCHES[label] * np.arange(4800) / 16_000
        ) + 1e-3 * generator.normal(size=4800)
        write_wav(folder / "corpus" / f"u{i}.wav", wave.astype("f4"))
        rows.append(
            {"id": f"u{i}", "speaker": f"s{i // 6}", "emotion": label, "audio_path": f"u{i}.wav"}
        )
    pd.DataFrame(rows).to_csv(folder / "corpus" / "manifest.csv", index=False)
    corpus = {
        "_target_": "mmser.corpora.generic.Generic",
        "root": str(folder / "corpus"),
        "name": "small",
    }
    preprocess(
        Generic(folder / "corpus", "small"),
        {"mfcc13": Mfcc(coefficients=13, bands=26)},
        folder / "cache",
    )
    settings = make_settings(folder / "cache", folder / "run", corpus=corpus, folds=["s0"])
    settings["streams"] = {"tone": {"extractor": "mfcc13", "normalise": "zscore"}}
    settings["model"]["encoders"].pop("prose")
    return train(settings)


def test_disturbed_sound(heard):
    scores = acoustic_robustness(heard, {"white": [40.0, -20.0], "band": [20.0]})
    ua = scores[scores["metric"] == "ua"].set_index("condition")
    assert ua["family"].to_dict() == {
        "undisturbed": "undisturbed",
        "white 40 dB": "white, dB",
        "white -20 dB": "white, dB",
        "band 20 Hz": "band, Hz",
    }
    assert ua["value"]["undisturbed"] == 1.0
    assert ua["value"]["white -20 dB"] < 0.7 and ua["value"]["band 20 Hz"] < 0.7
    table = pd.read_parquet(heard.directory / "robustness-predictions.parquet")
    clean, undisturbed = evaluate(heard), table[table["condition"] == "undisturbed"]
    assert undisturbed["prediction"].tolist() == clean["prediction"].tolist()


def test_conditions_are_stores_beside_the_clean_one_and_are_made_once(heard):
    acoustic_robustness(heard, {"speed": [1.25]})
    stores = sorted(
        path.name.rpartition("-")[0]
        for path in (heard.directory.parent / "cache" / "small").glob("mfcc13*/")
    )
    assert "mfcc13" in stores and "mfcc13+speed1.25" in stores
    store = next((heard.directory.parent / "cache" / "small").glob("mfcc13+speed*/"))
    assert set(pd.read_parquet(store / "index.parquet")["id"]) == {f"u{i}" for i in range(6)}, (
        "the test split alone"
    )
    before = (store / "index.parquet").stat().st_mtime_ns
    assert (
        main(["robustness", f"run={heard.directory}", "--disturb", "speed=1.25", "--workers", "0"])
        == 0
    )
    assert (store / "index.parquet").stat().st_mtime_ns == before


def test_errors(heard, capsys):
    with pytest.raises(MmserError, match="a run with a stream of face; found tone"):
        acoustic_robustness(heard, {"blur": [1.0]})
    with pytest.raises(UsageError, match="'thunder'"):
        acoustic_robustness(heard, {"thunder": []})
    with pytest.raises(MmserError, match="kinds of disturbance; found none"):
        acoustic_robustness(heard, {})
    assert main(["robustness", f"run={heard.directory}", "--wer", "0.1"]) == 1
    assert "a run with a text stream" in capsys.readouterr().err
    assert main(["robustness", f"run={heard.directory}", "--disturb", "white=loud"]) == 2

"""From AVEC's csv files to fused predictions, on a synthetic tree: import, train on frames, write
frames, fuse.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.cli import main
from mmser.corpora.avec_csv import read_folder, write_track
from mmser.corpora.sewa import Sewa
from mmser.extraction.import_features import import_features
from mmser.extraction.track_files import read_tracks

VALUES = ("arousal", "valence", "liking")
NAMES = [f"Train_{c}_{i:02d}" for c in ("DE", "HU") for i in range(1, 5)]
NAMES += [f"Devel_{c}_{i:02d}" for c in ("DE", "HU") for i in (1, 2)] + ["Test_DE_01"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SYNTHETIC recordings of 55 to 64 frames in AVEC's layout: the features follow the labels one
    frame later.
    """
    root, generator = tmp_path_factory.mktemp("sewa"), np.random.default_rng(0)
    for folder in ("labels", "features"):
        (root / folder).mkdir()
    mixing = generator.standard_normal((3, 5))
    for place, name in enumerate(NAMES):
        frames = 55 + place % 10
        phase = generator.uniform(0, 6, 3)
        labels = 0.4 * np.sin(np.arange(frames)[:, None] * (0.1, 0.15, 0.2) + phase)
        features = np.roll(labels, -1, axis=0) @ mixing + 0.05 * generator.standard_normal(
            (frames, 5)
        )
        write_track(
            root / "features" / f"{name}.csv",
            name,
            np.arange(frames) / 10,
            features,
            tuple("abcde"),
        )
        if not name.startswith("Test"):
            write_track(
                root / "labels" / f"{name}.csv", name, np.arange(frames) / 10, labels, VALUES
            )
    return root


def test_import_train_write_fuse(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache, corpus = tree / "cache", Sewa(tree)
    import_features(corpus, "egemaps_avec", read_tracks(tree / "features"), cache, "audio")
    import_features(corpus, "traces", read_tracks(tree / "labels"), cache, "labels")
    words = [
        "train",
        "system=multistage_lstm",
        "experiment=traced_labels",
        "corpus=sewa",
        f"corpus.root={tree}",
    ]
    words += [
        "protocol.allow_incomplete=true",
        f"cache={cache}",
        "streams.audio.extractor=egemaps_avec",
    ]
    words += ["streams.audio.size=null", "model.fusion.hidden_sizes=[8]", "model.fusion.dropout=0"]
    words += ["optimizer.lr=0.02", "trainer.epochs=25", "seeds=[0,1]", f"run={tree / 'run'}"]
    assert main(words) == 0
    curve = pd.read_csv(next((tree / "run" / "folds").glob("*-seed0/metrics.csv")))
    # Over frames: a validation split of one recording has no concordance of utterances at all.
    assert curve["validation_ccc"].max() > 0.5
    capsys.readouterr()
    assert main(["evaluate", f"run={tree / 'run'}", "also=frames"]) == 0
    assert "ccc_arousal" in capsys.readouterr().out
    models = [tree / "run" / "frames" / f"seed{seed}" for seed in (0, 1)]
    written = read_folder(models[0])
    assert sorted(written) == sorted(name for name in NAMES if not name.startswith("Train"))
    assert written["Devel_DE_02"].attributes == VALUES
    np.testing.assert_allclose(
        written["Devel_DE_02"].times, np.arange(len(written["Devel_DE_02"].times)) / 10
    )
    fuse = ["fuse", *map(str, models), "--gold", str(tree / "labels"), "--method", "mean"]
    assert main(fuse) == 0
    out = capsys.readouterr().out
    assert "5 recordings" in out and "4 recordings with" in out and "plain mean" in out


def test_semantic_and_paralinguistic_learns_and_is_scored_on_frames(tree: Path) -> None:
    """The SEWA experiment on the same tree; csv features stand for samples and for the vectors of
    words.
    """
    cache, corpus = tree / "cache2", Sewa(tree)
    import_features(corpus, "traces", read_tracks(tree / "labels"), cache, "labels")
    import_features(corpus, "frames_of_samples", read_tracks(tree / "features"), cache, "audio")
    import_features(corpus, "vectors", read_tracks(tree / "features"), cache, "text")
    words = [
        "train",
        "system=semantic_paralinguistic_small",
        "experiment=semantic_paralinguistic_sewa",
        "corpus=sewa",
    ]
    words += [
        f"corpus.root={tree}",
        "protocol=sewa_avl_de",
        "protocol.allow_incomplete=true",
        f"cache={cache}",
    ]
    words += ["streams.waveform.extractor=frames_of_samples", "streams.semantic.extractor=vectors"]
    words += [
        "model.encoders.waveform.pools=[5,1,1]",
        "optimizer.lr=0.01",
        "trainer.epochs=12",
        f"run={tree / 'run2'}",
    ]
    assert main(words) == 0
    curve = pd.read_csv(next((tree / "run2" / "folds").glob("*/metrics.csv")))
    # One German recording validates: over utterances' means there would be no concordance at all.
    assert curve["validation_ccc"].max() > curve["validation_ccc"].iloc[0] + 0.2
    assert main(["evaluate", f"run={tree / 'run2'}", "also=frames"]) == 0
    written = read_folder(tree / "run2" / "frames")
    assert {name for name in NAMES if name.startswith("Devel_DE")} <= set(written)
    assert max(abs(track.values).max() for track in written.values()) < 1, "tanh"

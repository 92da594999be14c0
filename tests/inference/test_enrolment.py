"""Who is enrolled by the recordings that evaluation used is judged as evaluation did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers.sound_run import make_sound_run, sound

import mmser
from mmser.cli import main
from mmser.core.errors import UsageError
from mmser.data.dataset import Facts
from mmser.data.enrolment import chosen
from mmser.inference.corpus_files import CorpusFiles
from mmser.media.write import write_wav
from mmser.metrics.predictions import read_predictions
from mmser.sharing.export import export

PROBABILITIES = [f"probability_{name}" for name in ("angry", "happy", "sad")]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    rooms = "mmser.models.encoders"
    model = {
        "encoders": {"tone": {"_target_": f"{rooms}.sequence.pool.Pool", "_partial_": True}},
        "fusion": {"_target_": "mmser.models.fusion.concat.Concat", "_partial_": True},
        "head": {"_target_": "mmser.models.heads.classifier.Classifier", "_partial_": True},
    }
    return make_sound_run(
        tmp_path_factory.mktemp("enrolled"),
        model=model,
        folds=["s0"],
        speakers=6,
        # The same tones from everyone: an estimate would say that enrolment tells nothing.
        tone={
            "normalise": "speaker_zscore_enrolment",
            "enrol": 2,
            "enrol_seed": 4,
            "enrol_weight": 1,
        },
    )


def enrolled_of(run: Any) -> list[Path]:
    """The test speaker's recordings that evaluation enrolled them with."""
    facts: Facts = run.fold("s0", 0).data().facts["test"]
    names = chosen(facts.ids, facts.duration, facts.speakers[0], run.settings.streams["tone"])
    return [run.directory.parent / "corpus" / f"{name}.wav" for name in names]


def test_predict_agrees_with_evaluate(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = export(run.directory, tmp_path / "model", fold="s0")
    monkeypatch.setattr(CorpusFiles, "find", lambda *_: None)
    table = read_predictions(run.directory).set_index("id")
    for source in (run.directory, model):
        recogniser = mmser.load(source)
        corpus = run.directory.parent / "corpus"
        alone = recogniser.predict(corpus / "u2.wav", whole=True)
        assert "u2.wav: tone by the statistics of the training speakers" in caplog.text
        recogniser.enrol(enrolled_of(run), whole=True)
        for name in ("u0", "u2"):
            told = recogniser.predict(corpus / f"{name}.wav", whole=True)
            expected = table.loc[name, PROBABILITIES].astype(float)
            np.testing.assert_allclose(told[PROBABILITIES].iloc[0], expected, atol=1e-5)
        assert abs(alone[PROBABILITIES] - told[PROBABILITIES]).to_numpy().max() > 1e-4


def test_the_command_takes_the_recordings_of_the_speaker(
    run: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "known").mkdir()
    for path in enrolled_of(run):
        shutil.copy(path, tmp_path / "known")
    write_wav(tmp_path / "new.wav", sound("happy", 0.8))
    words = ["predict", f"run={run.directory}", str(tmp_path / "new.wav")]
    assert main([*words, "--enrol", str(tmp_path / "known")]) == 0
    enrolled = json.loads((tmp_path / "new.json").read_text())
    assert main(words) == 0
    assert json.loads((tmp_path / "new.json").read_text()) != enrolled
    assert "nobody is enrolled" in caplog.text


def test_a_run_that_enrols_nobody_says_so(tmp_path: Path) -> None:
    plain = make_sound_run(tmp_path, folds=["s0"])
    with pytest.raises(UsageError, match="normalise=speaker_zscore_enrolment for --enrol"):
        mmser.load(plain.directory).enrol([tmp_path / "corpus" / "u0.wav"])

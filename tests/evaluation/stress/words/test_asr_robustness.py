"""The words change and nothing else; rates are measured; what is not heard is missing."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.trained_run import MUTE

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.core.clip import Features
from mmser.core.errors import MmserError, UsageError
from mmser.evaluation.evaluate import evaluate
from mmser.evaluation.stress.conditions import Condition, predict_conditions
from mmser.evaluation.stress.robustness import COLUMNS, robustness_text
from mmser.evaluation.stress.words.asr_robustness import (
    asr_robustness,
    confusions_of,
    text_stores,
    word_error_rate,
)
from mmser.evaluation.stress.words.transcribed import ensure_transcribed
from mmser.extraction.rebuild import extractor_like
from mmser.extraction.word_sources import make_transcriber
from mmser.extractors.text.words import Words


@pytest.fixture(scope="module")
def scores(trained):
    return asr_robustness(trained, ["pocketsphinx"], [0.3, 0.6], draws=2, retrain=True)


def row(scores, condition, metric="ua"):
    found = scores[(scores["condition"] == condition) & (scores["metric"] == metric)]
    assert len(found) == 1
    return found.iloc[0]


def predictions(trained, condition):
    table = pd.read_parquet(trained.directory / "robustness-predictions.parquet")
    return table[table["condition"] == condition]


def test_rates_are_measured_on_the_test_utterances(trained, scores):
    # 23 spoken utterances of 4 words; one is not heard at all, the others have one misheard word
    # each.
    assert word_error_rate(trained, "pocketsphinx") == pytest.approx((4 + 22) / (23 * 4))
    assert row(scores, "pocketsphinx")["achieved"] == word_error_rate(trained, "pocketsphinx")
    assert row(scores, "WER 30%")["achieved"] == pytest.approx(0.3, abs=0.05)
    assert set(scores["normaliser"]) == {"plain"} and "plain" in robustness_text(scores)


def test_without_errors_it_is_the_clean_evaluation(trained, scores):
    clean = evaluate(trained)
    same = predictions(trained, "WER 0%")
    assert same["id"].tolist() == clean["id"].tolist()
    numbers = [column for column in clean if column.startswith("probability_")]
    assert same[numbers].to_numpy() == pytest.approx(clean[numbers].to_numpy(), abs=1e-6)


def test_an_empty_transcript_is_a_missing_modality(trained, scores):
    table = predictions(trained, "pocketsphinx").set_index("id")
    assert table["absent"][[*MUTE]].tolist() == [0.5, 0.5]
    assert table["absent"].sum() == 1.0


def test_errors_cost_what_the_words_were_worth(scores):
    assert row(scores, "WER 0%")["value"] > row(scores, "WER 60%")["value"]
    assert row(scores, "WER 60%")["draws"] == 2
    assert not np.isnan(row(scores, "WER 60%")["std_draws"])


def test_trained_on_the_recogniser(trained, scores):
    found = row(scores, "trained and tested on pocketsphinx")
    assert found["family"] == "trained on the recogniser"
    assert (trained.directory / "robustness" / "asr-pocketsphinx" / "config.yaml").is_file()


def test_the_table_is_kept_and_rows_replaced(trained, scores):
    assert list(scores.columns) == list(COLUMNS)
    again = asr_robustness(trained, ["pocketsphinx"])
    kept = pd.read_parquet(trained.directory / "robustness.parquet")
    assert not kept.duplicated(["condition", "metric"]).any()
    assert set(again["condition"]) == {"pocketsphinx"} and len(kept) == len(scores)
    text = robustness_text(scores)
    assert "pocketsphinx" in text and "speaker-clustered" in text


def test_confusions_come_from_the_cached_recogniser(trained):
    learnt = confusions_of(trained)
    assert set(learnt.substitutions) == {"alone", "lovely", "ever"}
    assert "pocketsphinx" in learnt.source
    assert "everybody" not in learnt.neighbours.words and "nobody" in learnt.neighbours.words


def test_the_extractor_is_built_again_as_it_was(trained):
    store = text_stores(trained)["prose"]
    assert extractor_like(store, trained) == Words()
    store.info["parameters"] = {"extractor": "words", "limit": 2}
    assert extractor_like(store, trained) == Words(limit=2)
    store.info["version"] = 99
    with pytest.raises(MmserError, match=r"one with version=1 \(there 99\)"):
        extractor_like(store, trained)


def test_words_read_by_another_extractor_are_not_taken_for_its_own(trained, scores):
    """A store of the same short name, made for another run with other parameters."""
    store = text_stores(trained)["prose"]
    own = ensure_transcribed(trained, {"prose": store}, "pocketsphinx", set())["prose"]
    words = {"source": "pocketsphinx", "fingerprint": "0" * 12}
    other = Recipe(
        "words", store.info["class"], 1, {**store.info["parameters"], "limit": 2}, "int64", words
    )
    folder = store_directory(
        Path(trained.config["cache"]),
        store.directory.parent.name,
        "words",
        other.source,
        other.fingerprint,
    )
    with open_writer(folder, other) as writer:
        writer.add([Entry("u", "0" * 64, Features(np.ones(3, dtype="i8")))])
        writer.finish()
    assert folder.name.split("-")[0] == own.split("-")[0] and folder.name != own
    assert ensure_transcribed(trained, {"prose": store}, "pocketsphinx", set()) == {"prose": own}
    shutil.rmtree(folder)


def test_recognisers_by_name(trained):
    assert make_transcriber("whisper-tiny", trained.settings.paths).name == "whisper-tiny"
    with pytest.raises(UsageError, match="the name of a transcriber; found 'sphinx'"):
        make_transcriber("sphinx", trained.settings.paths)


def test_a_run_without_text_has_nothing_to_ask(trained):
    with pytest.raises(MmserError, match="recognisers or word error rates; found none"):
        asr_robustness(trained)
    assert len(predict_conditions(trained, [Condition("x")])) == 24

"""The floor a network must be held against: linear models on openSMILE functionals of real speech,
speakers held out.

    python scripts/floors_on_real_speech.py --data RECORDINGS --cache cache [--corpora emovo] [--out
    floors.csv]

For each corpus under --data: a linear SVM and a logistic regression on eGeMAPS and ComParE
functionals, leave one speaker out and in the four groups of speakers that the slower networks have,
with and without z-scores per speaker (over all the speaker's utterances, whose labels are not
looked at). Nothing is selected: the constants are fixed below, the scaler is fitted on the training
speakers of each fold, and the speakers by whom a network selects its epoch train as well. Caches
are made when they are missing; a finished row of --out is not computed again. UA and WA are pooled
over the folds, with the bootstrap interval over speakers.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.cache.find import find_store
from mmser.cache.store import Store
from mmser.core.tables import CLEAN, SPLIT_COLUMN
from mmser.evaluation.scoring.score import POOLED, score
from mmser.pipeline.preprocess import preprocess
from mmser.pipeline.train import train_settings
from mmser.settings.run import read_run
from mmser.training.inputs.corpora import build_corpora
from mmser.training.inputs.sources import assign_folds, read_corpus_manifest

CORPORA = {
    "emodb_4class": ("emodb", {"speaker": "emodb4_speaker10", "group": "emodb4_group4"}),
    "emodb_2s": ("emodb", {"speaker": "emodb7_speaker10", "group": "emodb7_group4"}),
    "emovo": ("emovo", {"speaker": "emovo7_speaker6", "group": "emovo7_group4"}),
    "ravdess": ("ravdess", {"speaker": "ravdess8_speaker24", "group": "ravdess8_group4"}),
}
FOLDS = ("speaker", "group")
SETS = ("egemaps_functionals", "compare_functionals")
MODELS = ("linear SVM", "logistic regression")
SVM_C = 1e-3
LOGISTIC_C = 1e-2
KEY = ["corpus", "folds", "features", "model", "per speaker"]


def functionals(
    name: str, folds: str, features: str, data: Path, cache: Path
) -> tuple[np.ndarray, pd.DataFrame]:
    """(utterance, feature) float32, and the label, speaker and fold of each utterance, as the
    protocol names them.
    """
    corpus, protocols = CORPORA[name]
    place = cache / name
    preprocess(corpus, [features], root=data / name, cache=place)
    words = [
        f"corpus={corpus}",
        f"corpus.root={data / name}",
        f"cache={place}",
        f"protocol={protocols[folds]}",
    ]
    settings = read_run(train_settings([*words, "system=functionals"]))
    corpora = build_corpora(settings)
    manifest = read_corpus_manifest(settings.cache, corpora.names)
    assignment, _ = assign_folds(corpora, manifest, settings.target_labels)
    store = Store(find_store(place, corpus, features))
    tested = (
        assignment[assignment[SPLIT_COLUMN] == "test"]
        .drop_duplicates("id")
        .set_index("id")[["label", "fold"]]
    )
    rows = manifest.set_index("id").loc[[key for key in tested.index if key in store]]
    values = np.stack([store.read(key)[0].astype(np.float32) for key in rows.index])
    return values, tested.loc[rows.index].assign(speaker=rows["speaker"])


def per_speaker(values: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Z-scores over each speaker's own utterances; a constant feature becomes 0."""
    scaled = np.empty_like(values)
    for speaker in np.unique(speakers):
        own = speakers == speaker
        deviation = values[own].std(axis=0)
        scaled[own] = (values[own] - values[own].mean(axis=0)) / np.where(
            deviation > 0, deviation, 1
        )
    return scaled


def predictions(values: np.ndarray, facts: pd.DataFrame, model: str) -> pd.DataFrame:
    """Every utterance predicted by a model that never heard its speaker."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    linear = (
        SVC(kernel="linear", C=SVM_C)
        if model == MODELS[0]
        else LogisticRegression(C=LOGISTIC_C, max_iter=500)
    )
    if model == MODELS[0]:
        linear.set_params(class_weight="balanced")
    judged = make_pipeline(StandardScaler(), linear)
    found = cross_val_predict(
        judged, values, facts["label"], groups=facts["fold"], cv=LeaveOneGroupOut()
    )
    named = {"corpus": "", "session": "", "condition": CLEAN, "seed": 0}
    table = facts.rename(columns={"label": "target"}).assign(prediction=found, **named)
    return table.rename_axis("id").reset_index()


def row(
    name: str, folds: str, features: str, model: str, normalised: bool, data: Path, cache: Path
) -> dict[str, Any]:
    """One line of the table."""
    values, facts = functionals(name, folds, features, data, cache)
    if normalised:
        values = per_speaker(values, facts["speaker"].to_numpy())
    scores = score(predictions(values, facts, model))
    pooled = scores[scores["scope"] == POOLED].set_index("metric")
    shown = {
        m: f"{100 * pooled.value[m]:.1f} [{100 * pooled.low[m]:.1f}, {100 * pooled.high[m]:.1f}]"
        for m in ("ua", "wa")
    }
    key = dict(zip(KEY, (name, folds, features, model, "yes" if normalised else "no"), strict=True))
    return {
        **key,
        "UA": shown["ua"],
        "WA": shown["wa"],
        "speakers": facts["speaker"].nunique(),
        "utterances": len(facts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("MMSER_DATA"), help="default: $MMSER_DATA"
    )
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--cache", type=Path, default=Path("cache"))
    parser.add_argument("--out", type=Path, default=Path("floors.csv"))
    options = parser.parse_args()
    if not options.data or not Path(options.data).is_dir():
        sys.exit("expected --data FOLDER of recordings; found none: name it, or set MMSER_DATA")
    rows = pd.read_csv(options.out).to_dict("records") if options.out.is_file() else []
    done = {tuple(one[key] for key in KEY) for one in rows}
    for name, folds, features, model, normalised in product(
        options.corpora, FOLDS, SETS, MODELS, (False, True)
    ):
        if (name, folds, features, model, "yes" if normalised else "no") in done:
            continue
        rows.append(
            row(name, folds, features, model, normalised, Path(options.data), options.cache)
        )
        pd.DataFrame(rows).to_csv(options.out, index=False)
        print(rows[-1], flush=True)
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()

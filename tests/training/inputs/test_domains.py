"""Several corpora in one run: who trains, who validates, whose labels are withheld."""

import numpy as np
import pandas as pd
import pytest

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.core.batch import UNLABELLED
from mmser.core.clip import Features
from mmser.core.errors import MmserError
from mmser.corpora.manifest import read_manifest, write_manifest
from mmser.settings.run import read_run
from mmser.training.fit import train
from mmser.training.inputs.corpora import build_corpora
from mmser.training.inputs.sources import assign_folds, open_fold, read_corpus_manifest

CLASSES = ["angry", "happy", "sad"]
ROWS = 24


def write_corpus(cache, name, seed):
    """Four speakers of six utterances; one vote each, the label itself."""
    generator = np.random.default_rng(seed)
    words = [CLASSES[i % 3] for i in range(ROWS)]
    manifest = pd.DataFrame(
        {
            "id": [f"{name}-{i:02d}" for i in range(ROWS)],
            "corpus": name,
            "speaker": [f"s{i // 6}" for i in range(ROWS)],
            "emotion": words,
            "votes": [f'[{{"annotator": "a", "emotions": ["{word}"]}}]' for word in words],
        }
    )
    write_manifest(manifest, cache / name / "manifest.parquet")
    for stream, size in (("tone", 6), ("noise", 4)):
        recipe = Recipe(stream, "tests.Fake", 1, {"size": size}, dtype="float32")
        with open_writer(
            store_directory(cache, name, stream, "", recipe.fingerprint), recipe
        ) as writer:
            for identifier in manifest["id"]:
                values = generator.normal(size=(5, size)).astype("f4")
                writer.add([Entry(identifier, "0" * 64, Features(values, frame_rate=100.0))])
            writer.finish()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    write_corpus(folder, "small", 0)
    write_corpus(folder, "other", 1)
    return folder


@pytest.fixture
def domains(settings):
    """``domains(target_labels=False, data={...})``: settings of a run on `small` with `other`
    beside it.
    """

    def make(run="run", data=None, **changes):
        made = settings(run=run)
        second = {
            "corpus": {**made["corpus"], "name": "other"},
            "protocol": {**made["protocol"], "corpus": "other"},
        }
        made["domains"] = {"second": second}
        made["data"].update(data or {})
        return {**made, **changes}

    return make


def opened(made, fold="s0", seed=0):
    settings = read_run(made)
    read = build_corpora(settings)
    manifest = read_corpus_manifest(settings.cache, read.names)
    assignment, _ = assign_folds(read, manifest, settings.target_labels)
    return open_fold(settings, read, manifest, assignment, fold, seed)


def corpora(ids):
    return {"other" if identifier.startswith("other-") else "small" for identifier in ids}


def test_domains_add_to_the_training_part_alone(domains):
    data = opened(domains())
    assert corpora(data.ids("train")) == {"small", "other"}
    assert corpora(data.ids("validation")) == corpora(data.ids("test")) == {"small"}
    assert data.task.corpora == ("other", "small")
    assert len(data.ids("train")) == 12 + 24
    assert None not in data.labels("train")


@pytest.mark.parametrize(
    ("train_on", "expected"), [("own", {"small"}), ("domains", {"other"}), ("second", {"other"})]
)
def test_a_stage_may_train_on_one_side(domains, train_on, expected):
    data = opened(domains(data={"train_on": train_on}))
    assert corpora(data.ids("train")) == expected
    assert corpora(data.ids("test")) == {"small"}


def test_an_unlabelled_target_neither_trains_nor_chooses(domains):
    data = opened(domains(target_labels=False))
    labels = dict(zip(data.ids("train"), data.labels("train"), strict=True))
    assert corpora(labels) == {"small", "other"}
    assert all(
        (label is None) == (not identifier.startswith("other-"))
        for identifier, label in labels.items()
    )
    assert corpora(data.ids("validation")) == {"other"}
    assert corpora(data.ids("test")) == {"small"}
    assert not set(data.ids("validation")) & set(data.ids("train"))
    assert sum(data.task.class_counts) == sum(label is not None for label in labels.values())


def test_withheld_labels_do_not_come_back_as_votes(domains):
    data = opened(domains(target_labels=False))
    for batch in data.loader("train", shuffle=False):
        for row, identifier in enumerate(batch.ids):
            own = not identifier.startswith("other-")
            assert (int(batch.targets["emotion"][row]) == UNLABELLED) is own
            assert bool(batch.targets["votes"][row].isnan().all()) is own


def test_labels_that_a_protocol_withholds_do_not_come_back_as_votes(settings, cache, tmp_path):
    write_corpus(tmp_path / "cache", "small", 0)
    path = tmp_path / "cache" / "small" / "manifest.parquet"
    table = read_manifest(path)
    write_manifest(
        table.assign(gender=table["speaker"].map({"s0": "F", "s1": "F", "s2": "M", "s3": "M"})),
        path,
    )
    made = settings(run="run", cache=str(tmp_path / "cache"))
    made["protocol"]["folds"] = {"_target_": "mmser.protocols.across_genders.AcrossGenders"}
    data = opened(made, fold="F_to_M")
    assert len(data.ids("test")) == 6 and len(data.ids("train")) == 6 + 6
    for batch in data.loader("train", shuffle=False):
        for row, identifier in enumerate(batch.ids):
            tested = int(identifier[-2:]) >= 12
            assert (int(batch.targets["emotion"][row]) == UNLABELLED) is tested
            assert bool(batch.targets["votes"][row].isnan().all()) is tested


def test_target_labels_replaced_by_noise_leave_training_bit_identical(domains, cache):
    made = {"target_labels": False, "folds": ["s0"], "data": {"batching": "paired"}}
    first = train(domains(run="first", **made))
    path = cache / "small" / "manifest.parquet"
    table = read_manifest(path)
    noise = [CLASSES[i] for i in np.random.default_rng(1).permutation(np.arange(len(table)) % 3)]
    try:
        write_manifest(table.assign(emotion=noise), path)
        second = train(domains(run="second", **made))
    finally:
        write_manifest(table, path)
    saved = [
        (run.fold("s0", 0).directory / "model.safetensors").read_bytes() for run in (first, second)
    ]
    assert saved[0] == saved[1]


def test_a_share_of_the_training_part_is_stratified_and_nested(domains):
    whole = opened(domains(data={"train_on": "own"}))
    half = opened(domains(data={"train_on": "own", "train_share": 0.5}))
    quarter = opened(domains(data={"train_on": "own", "train_share": 0.25}))
    assert [len(data.ids("train")) for data in (whole, half, quarter)] == [12, 6, 3]
    assert set(quarter.ids("train")) < set(half.ids("train")) < set(whole.ids("train"))
    assert half.task.class_counts == (2, 2, 2)
    assert half.ids("test") == whole.ids("test")


def test_stages_train_on_the_domains_then_on_the_target(domains):
    stages = {
        "pretrain": {"data": {"train_on": "domains"}},
        "finetune": {"data": {"train_on": "own"}},
    }
    run = train(domains(folds=["s1"], stages=stages))
    assert run.fold("s1", 0).task.corpora == ("small",)
    assert run.folds == [("s1", 0)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domains": {}, "target_labels": False}, "further corpora with target_labels=false"),
        ({"data": {"train_on": "mine"}}, "train_on among all, own, domains, second; found 'mine'"),
        ({"data": {"train_share": 0}}, "train_share above 0"),
    ],
)
def test_wrong_settings_are_named(domains, changes, message):
    with pytest.raises(MmserError, match=message):
        opened(domains(**changes))


def test_other_classes_are_refused(domains):
    made = domains()
    made["domains"]["second"]["protocol"]["classes"] = ["sad", "angry", "happy"]
    with pytest.raises(
        MmserError, match=r"angry, happy, sad in domains\.second; found sad, angry, happy"
    ):
        opened(made)


def test_the_same_corpus_twice_is_refused(domains):
    made = domains()
    made["domains"]["second"]["corpus"]["name"] = "small"
    with pytest.raises(MmserError, match="each corpus once"):
        opened(made)

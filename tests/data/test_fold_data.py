"""FoldData: what a training run sees of one fold."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import torch

from mmser.core.batch import Batch
from mmser.core.clip import Failure, Features
from mmser.core.errors import MmserError, UsageError
from mmser.data.fold_data import FoldData
from mmser.data.fold_opening import Fitted
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms


def batches(
    fold: FoldData, part: str = "train", shuffle: bool = False, epoch: int = 0
) -> list[Batch]:
    loader = fold.loader(part, shuffle)
    loader.batch_sampler.set_epoch(epoch)
    return list(loader)


def same(left: list[Batch], right: list[Batch]) -> bool:
    return len(left) == len(right) and all(
        a.ids == b.ids
        and all(torch.equal(a.streams[n].values, b.streams[n].values) for n in a.streams)
        for a, b in zip(left, right, strict=True)
    )


def test_task_and_sizes_come_from_the_training_part(corpus):
    fold = corpus.open(values=("valence",))
    assert fold.task.class_counts == (6, 6)
    assert fold.task.speakers == ("small/s0", "small/s1")
    assert fold.task.genders == ("F", "M")
    assert fold.task.values == ("valence",)
    known = {word for i in fold.ids("train") for word in corpus.stores["text"].arrays[i].tolist()}
    assert fold.input_sizes == {"audio": 4, "text": len(known) + 2}
    assert fold.ids("test") == tuple(f"u{i:03d}" for i in range(18, 24))


def test_every_utterance_arrives_once_with_its_own_targets(corpus):
    fold = corpus.open(values=("valence",))
    for part, shuffle in (("train", True), ("validation", False), ("test", False)):
        seen = batches(fold, part, shuffle)
        assert sorted(i for batch in seen for i in batch.ids) == sorted(fold.ids(part))
        for batch in seen:
            rows = corpus.manifest.set_index("id").loc[list(batch.ids)]
            expected = [
                corpus.classes.index({"ang": "angry", "sad": "sad"}[word])
                for word in rows["emotion"]
            ]
            assert batch.targets["emotion"].tolist() == expected
            values = batch.targets["values"][:, 0].numpy()
            assert np.array_equal(values, rows["valence"].to_numpy(np.float32), equal_nan=True)
            assert batch.context.turn.tolist() == rows["turn"].tolist()


def test_speakers_outside_training_have_no_speaker_target(corpus):
    fold = corpus.open()
    assert {t for batch in batches(fold, "test") for t in batch.targets["speaker"].tolist()} == {
        -100
    }
    assert {t for batch in batches(fold, "train") for t in batch.targets["speaker"].tolist()} == {
        0,
        1,
    }
    assert {t for batch in batches(fold, "test") for t in batch.targets["gender"].tolist()} == {
        0,
        1,
    }


def test_votes_become_a_distribution_over_the_classes(corpus):
    fold = corpus.open()
    votes = batches(fold)[0].targets["votes"]
    # One vote for anger, half a vote for sadness (the other half went to a class outside the
    # protocol).
    assert torch.allclose(votes[0], torch.tensor([2 / 3, 1 / 3]))


def test_padding_goes_to_the_longest_of_the_batch(corpus):
    fold = corpus.open()
    for batch in batches(fold, "train", shuffle=True):
        for name, stream in batch.streams.items():
            lengths = [len(corpus.stores[name].arrays[i]) for i in batch.ids]
            assert stream.values.shape[1] == max(lengths)
            assert stream.lengths.tolist() == lengths
        assert batch.streams["audio"].values.dtype == torch.float32
        assert batch.streams["text"].values.dtype == torch.long


def test_values_are_the_stored_ones_scaled(corpus):
    fold = corpus.open()
    frames = np.concatenate([corpus.stores["audio"].arrays[i] for i in fold.ids("train")]).astype(
        np.float64
    )
    batch = batches(fold, "test")[0]
    stored = corpus.stores["audio"].arrays[batch.ids[0]]
    expected = (stored - frames.mean(axis=0)) / frames.std(axis=0)
    assert np.allclose(batch.streams["audio"].values[0, : len(stored)].numpy(), expected, atol=1e-5)


GENDERS = {"s0": "F", "s1": "M", "s2": "F", "s3": "M"}


def domain_scaled(corpus, normalise, **changes):
    """Four speakers of two genders, each far from the others; the last speaker stands for a second
    corpus.
    """
    for place, speaker in enumerate(GENDERS):
        for identifier in corpus.manifest.loc[corpus.manifest["speaker"] == speaker, "id"]:
            corpus.stores["audio"].arrays[identifier][:] += 100.0 * place
    known = corpus.manifest["speaker"]
    manifest = corpus.manifest.assign(
        gender=known.map(GENDERS), corpus=np.where(known == "s3", "other", "small")
    )
    specs = corpus.specs | {"audio": StreamSpec("mfcc40", normalise=normalise)}
    return corpus.open(manifest=manifest.assign(**changes), specs=specs)


def means(fold, part):
    return np.concatenate(
        [b.streams["audio"].filled(np.nan).numpy() for b in batches(fold, part)], axis=None
    )


def test_a_gender_is_scaled_by_its_training_speakers(corpus):
    fold = domain_scaled(corpus, "gender_zscore")
    scales = {
        name.split("/")[1]: scale for name, scale in fold.transforms.streams["audio"].scales.items()
    }
    assert (
        scales["s0"] is scales["s2"]
        and scales["s1"] is scales["s3"]
        and scales["s0"] is not scales["s1"]
    )
    women = np.concatenate(
        [corpus.stores["audio"].arrays[i] for i in fold.ids("train") if i < "u006"]
    )
    np.testing.assert_allclose(scales["s0"].mean, women.mean(axis=0), rtol=1e-5)
    assert abs(np.nanmean(means(fold, "train"))) < 1e-4 and np.nanmean(means(fold, "test")) > 20


def test_a_corpus_outside_training_is_scaled_by_itself(corpus):
    fold = domain_scaled(corpus, "corpus_zscore")
    assert abs(np.nanmean(means(fold, "test"))) < 1e-4
    assert (
        abs(np.nanmean(means(fold, "train"))) < 1e-4 and np.nanmean(means(fold, "validation")) > 1
    )


def test_genders_must_be_known(corpus):
    with pytest.raises(
        MmserError, match="genders for normalise=gender_zscore; found none in the training split"
    ):
        domain_scaled(corpus, "gender_zscore", gender=None)


@pytest.mark.parametrize(
    "normalise",
    [
        "zscore",
        "speaker_zscore",
        "speaker_zscore_enrolment",
        "gender_zscore",
        "corpus_zscore",
        "minmax",
    ],
)
def test_nothing_is_fitted_on_validation_or_test(corpus, normalise):
    specs = corpus.specs | {"audio": StreamSpec("mfcc40", normalise=normalise)}
    clean = corpus.open(specs=specs)
    for part in ("validation", "test"):
        for identifier in clean.ids(part):
            corpus.stores["audio"].arrays[identifier][:] = 1e9
            corpus.stores["text"].arrays[identifier][:] = 7
    poisoned = corpus.open(specs=specs)
    assert poisoned.input_sizes == clean.input_sizes
    assert same(batches(poisoned), batches(clean))


def test_an_absent_modality_is_an_all_false_row(corpus):
    gone = corpus.stores["text"].arrays.pop("u003")
    corpus.stores["text"].failed = ("u003",)
    assert len(gone)
    fold = corpus.open()
    batch = next(batch for batch in batches(fold) if "u003" in batch.ids)
    row = batch.ids.index("u003")
    assert not batch.streams["text"].mask[row].any()
    assert batch.streams["audio"].mask[row].any()
    assert fold.absent("train") == {"audio": 0, "text": 1}


def test_utterances_without_any_stream_are_dropped_from_training_only(corpus):
    for identifier in ("u003", "u020"):
        for store in corpus.stores.values():
            store.arrays.pop(identifier)
            store.failed = (*store.failed, identifier)
    fold = corpus.open()
    assert fold.dropped == 1 and "u003" not in fold.ids("train")
    assert sum(fold.task.class_counts) == 11
    batch = next(batch for batch in batches(fold, "test") if "u020" in batch.ids)
    row = batch.ids.index("u020")
    assert not any(stream.mask[row].any() for stream in batch.streams.values())


def test_a_limit_crops_and_counts(corpus):
    specs = corpus.specs | {"audio": StreamSpec("mfcc40", limit=10, crop="centre")}
    fold = corpus.open(specs=specs)
    lengths = {i: len(a) for i, a in corpus.stores["audio"].arrays.items()}
    assert fold.truncated["audio"] == sum(n > 10 for n in lengths.values())
    batch = batches(fold)[-1]
    stored = corpus.stores["audio"].arrays[batch.ids[-1]]
    first = (len(stored) - 10) // 2
    assert len(stored) > 10
    assert np.array_equal(batch.streams["audio"].values[-1].numpy(), stored[first : first + 10])


def test_a_store_of_another_size_is_refused(corpus):
    specs = corpus.specs | {"audio": StreamSpec("mfcc40", size=40)}
    with pytest.raises(
        MmserError, match=r"40 features per step in stream 'audio'; found 4 .*mmser preprocess"
    ):
        corpus.open(specs=specs)


def test_unfinished_preprocessing_is_refused(corpus):
    corpus.stores["text"].arrays.pop("u005")
    with pytest.raises(MmserError, match=r"1 that were never processed, such as u005.*goes on"):
        corpus.open()


def test_unknown_names_are_refused(corpus):
    with pytest.raises(MmserError, match="a fold named 'f9'; found folds f0"):
        corpus.open(fold="f9")
    with pytest.raises(UsageError, match="alignment to be one of native, word, grid"):
        corpus.open(alignment="sentence")
    with pytest.raises(UsageError, match="split to be one of train, validation, test"):
        corpus.open().loader("dev", False)
    with pytest.raises(MmserError, match="a store for every stream; found none for face"):
        corpus.open(specs=corpus.specs | {"face": StreamSpec("resnet")})


def test_epochs_repeat_exactly_and_differ_from_each_other(corpus):
    one, two = corpus.open(), corpus.open()
    assert same(batches(one, shuffle=True, epoch=3), batches(two, shuffle=True, epoch=3))
    assert not same(batches(one, shuffle=True, epoch=3), batches(one, shuffle=True, epoch=4))


def test_workers_change_nothing(corpus):
    alone = batches(corpus.open(), shuffle=True, epoch=1)
    helped = batches(corpus.open(workers=2), shuffle=True, epoch=1)
    assert same(alone, helped)


def test_loading_moves_no_global_random_state(corpus):
    fold = corpus.open()
    before = torch.get_rng_state()
    batches(fold, shuffle=True)
    assert torch.equal(before, torch.get_rng_state())


def test_saved_transforms_give_the_same_batches(corpus, tmp_path):
    fold = corpus.open()
    fold.transforms.save(tmp_path / "transforms")
    fitted = Fitted(fold.task, Transforms.load(tmp_path / "transforms"))
    again = corpus.open(fitted=fitted)
    assert same(batches(fold, "test"), batches(again, "test"))
    assert again.input_sizes == fold.input_sizes


def test_test_stores_replace_the_test_part_alone(corpus):
    quiet = dataclasses.replace(
        corpus.stores["audio"], arrays={i: a * 0 for i, a in corpus.stores["audio"].arrays.items()}
    )
    clean, other = (
        corpus.open(),
        corpus.open(test_stores={"audio": quiet}),
    )
    assert same(batches(clean), batches(other)) and same(
        batches(clean, "validation"), batches(other, "validation")
    )
    assert not same(batches(clean, "test"), batches(other, "test"))


def test_word_alignment_gives_every_stream_the_time_axis_of_the_words(corpus):
    fold = corpus.open(alignment="word")
    for batch in batches(fold):
        words = [len(corpus.stores["text"].arrays[i]) for i in batch.ids]
        assert batch.streams["text"].lengths.tolist() == words
        assert batch.streams["audio"].values.shape[:2] == batch.streams["text"].values.shape[:2]
        assert not (batch.streams["audio"].mask & ~batch.streams["text"].mask).any()


def test_word_alignment_needs_word_times(corpus):
    corpus.stores["text"].times = {}
    with pytest.raises(
        MmserError, match="word times in one stream for alignment=word; found none in audio, text"
    ):
        corpus.open(alignment="word")


def test_it_reads_a_real_store_from_worker_processes(corpus, tmp_path):
    from mmser.cache.entry import Entry
    from mmser.cache.fingerprint import Recipe
    from mmser.cache.store import Store
    from mmser.cache.writer import open_writer

    audio = corpus.stores["audio"]
    with open_writer(tmp_path / "audio", Recipe("mfcc40", "Mfcc", 1, {})) as writer:
        entries = [Entry(i, i, Features(a, 100.0)) for i, a in audio.arrays.items() if i != "u020"]
        writer.add([*entries, Entry("u020", "u020", Failure("u020", "silence"))])
        writer.finish()
    stores = corpus.stores | {"audio": Store(tmp_path / "audio")}
    fold = corpus.open(stores=stores, workers=2)
    memory = corpus.open()
    assert same(batches(fold, shuffle=True), batches(memory, shuffle=True))
    batch = next(batch for batch in batches(fold, "test") if "u020" in batch.ids)
    assert not batch.streams["audio"].mask[batch.ids.index("u020")].any()
    assert len(pickle.dumps(fold.dataset("train"))) > 0

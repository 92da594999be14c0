"""Samples of a part: augmentation in training alone, decided by (seed, epoch, utterance) and
nothing else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmser.data.augmentation.gaussian_noise import GaussianNoise
from mmser.data.augmentation.modality_dropout import ModalityDropout
from mmser.data.augmentation.spec_augment import SpecAugment
from mmser.data.fold_data import FoldData
from mmser.data.sample import Sample
from mmser.data.spec import StreamSpec

CHANGES = (SpecAugment(time_width=5, frequency_width=2), GaussianNoise(), ModalityDropout(0.3))


def rows(
    fold: FoldData, epoch: int, part: str = "train", shuffle: bool = True
) -> dict[str, list[torch.Tensor]]:
    """Real steps of every utterance, by id."""
    loader = fold.loader(part, shuffle)
    loader.batch_sampler.set_epoch(epoch)
    return {
        identifier: [stream.values[row][stream.mask[row]] for stream in batch.streams.values()]
        for batch in loader
        for row, identifier in enumerate(batch.ids)
    }


def equal(left: dict[str, list[torch.Tensor]], right: dict[str, list[torch.Tensor]]) -> bool:
    return left.keys() == right.keys() and all(
        torch.equal(a, b) for i in left for a, b in zip(left[i], right[i], strict=True)
    )


@pytest.mark.parametrize("change", [{"workers": 2}, {"batch_size": 5}, {"batching": "random"}])
def test_an_utterance_is_changed_alike_whatever_its_companions_and_workers(corpus, change):
    plain = corpus.open(augmentation=CHANGES)
    other = corpus.open(augmentation=CHANGES, **change)
    assert equal(rows(plain, 2), rows(other, 2))


def test_changes_differ_between_epochs_and_seeds(corpus):
    fold = corpus.open(augmentation=CHANGES)
    other = corpus.open(augmentation=CHANGES, seed=1)
    assert not equal(rows(fold, 0), rows(fold, 1))
    assert not equal(rows(fold, 0), rows(other, 0))


def test_only_training_is_augmented(corpus):
    plain, fold = corpus.open(), corpus.open(augmentation=CHANGES)
    for part in ("validation", "test"):
        for shuffle in (True, False):
            assert equal(rows(fold, 0, part, shuffle), rows(plain, 0, part, shuffle))
    assert equal(rows(fold, 0, "train", shuffle=False), rows(plain, 0, "train", shuffle=False))
    assert not equal(rows(fold, 0), rows(plain, 0))


def test_an_augmentation_can_join_training_utterances_of_the_same_class(corpus):
    class Joined:
        """Append another utterance with the same label."""

        after_limit = False

        def __call__(self, sample, generator, epoch, samples):
            label = dict(zip(samples.ids, samples.labels, strict=True))[sample.id]
            known = zip(samples.ids, samples.labels, strict=True)
            partners = [i for i, other in known if other == label and i != sample.id]
            partner = samples.sample(partners[generator.integers(len(partners))]).streams["audio"]
            own = sample.streams["audio"]
            both = replace(own, values=np.concatenate([own.values, partner.values]))
            return replace(sample, streams=sample.streams | {"audio": both})

    fold = corpus.open(augmentation=[Joined()])
    plain = rows(corpus.open(), 0)
    classes = dict(zip(fold.ids("train"), fold.labels("train"), strict=True))
    for identifier, (audio, _) in rows(fold, 0).items():
        own = plain[identifier][0]
        assert torch.equal(audio[: len(own)], own)
        tails = [
            i for i in plain if i != identifier and torch.equal(audio[len(own) :], plain[i][0])
        ]
        assert [classes[i] for i in tails] == [classes[identifier]]


def test_the_limit_holds_after_augmentation(corpus):
    class Doubled:
        """Say everything twice."""

        after_limit = False

        def __call__(self, sample: Sample, generator, epoch, samples) -> Sample:
            own = sample.streams["audio"]
            both = replace(own, values=np.concatenate([own.values, own.values]))
            return replace(sample, streams=sample.streams | {"audio": both})

    specs = corpus.specs | {"audio": StreamSpec("mfcc40", limit=20)}
    fold = corpus.open(specs=specs, augmentation=[Doubled()])
    assert max(len(audio) for audio, _ in rows(fold, 0).values()) == 20


def test_spec_augment_masks_what_is_left_by_the_limit(corpus):
    """Masks of 2 in 4 steps: were they laid over whole utterances, hardly one would be seen."""
    specs = corpus.specs
    name = next(iter(specs))
    short = {**specs, name: replace(specs[name], limit=4)}
    change = SpecAugment(name, time_masks=1, time_width=2, time_fraction=1.0, frequency_masks=0)
    plain = rows(corpus.open(specs=short), 0)
    masked = rows(corpus.open(specs=short, augmentation=(change,)), 0)
    differ = [not torch.equal(a[0], masked[i][0]) for i, a in plain.items() if len(a[0]) == 4]
    assert np.mean(differ) > 0.5  # widths 0, 1 and 2 are equally likely


def test_drop_last_is_for_training(corpus):
    fold = corpus.open(batch_size=7, drop_last=True)
    assert {len(batch.ids) for batch in fold.loader("train", shuffle=True)} == {7}
    for part, shuffle in (("train", False), ("test", False)):
        seen = [identifier for batch in fold.loader(part, shuffle) for identifier in batch.ids]
        assert sorted(seen) == sorted(fold.ids(part))


def test_dialogues_arrive_whole_and_numbered(corpus):
    fold = corpus.open(batching="dialogue", batch_size=6)
    for batch in fold.loader("train", shuffle=True):
        assert len(batch.ids) == 6
        assert batch.context.turn.tolist() == [0, 1, 2, 0, 1, 2]
        assert len(set(batch.context.dialogue.tolist())) == 2
        assert len(set(batch.context.dialogue[:3].tolist())) == 1


def test_balanced_drawing_is_for_training(corpus):
    corpus.assignment.loc[corpus.assignment["id"].isin(["u000", "u002", "u004"]), "label"] = None
    fold = corpus.open(balanced=True)
    drawn = [
        label
        for _ in range(3)
        for b in fold.loader("train", True)
        for label in b.targets["emotion"].tolist()
    ]
    assert -100 not in drawn and len(drawn) == 36
    seen = [i for batch in fold.loader("train", shuffle=False) for i in batch.ids]
    assert sorted(seen) == sorted(fold.ids("train"))

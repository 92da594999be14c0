"""The factor is what serves training speakers who are held out, in two worlds where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.batch import UNLABELLED
from mmser.data.enrolment import moments_of
from mmser.data.enrolment_choice import HeardSpeaker, chosen_factor
from mmser.settings.stream import StreamSpec


def heard(between: float, within: float, utterances: int, seed: int = 0) -> list[HeardSpeaker]:
    """Ten speakers; two classes lie 1 apart in each of 30 coefficients."""
    generator = np.random.default_rng(seed)
    sign = generator.choice([-0.5, 0.5], 30)
    people = []
    for number in range(10):
        centre = generator.normal(0, between, 30)
        labels = np.arange(utterances) % 2
        arrays = [
            generator.normal(centre + (2 * label - 1) * sign, within, (1, 30)).astype("f4")
            for label in labels
        ]
        seconds = np.full(utterances, np.nan)
        people.append(HeardSpeaker(f"s{number}", moments_of(arrays), seconds, labels))
    return people


def test_speakers_who_do_not_differ_are_not_taken_by_their_own_few() -> None:
    assert chosen_factor(heard(0.0, 2.0, 40), StreamSpec("any", enrol=2)) == 1.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_who_is_enrolled_with_everything_is_on_the_scale_of_training(seed: int) -> None:
    """There, to shrink is to depart from what the classifier has learnt from."""
    people = heard(3.0, 6.0, 12, seed)
    assert chosen_factor(people, StreamSpec("any", enrol=12)) < 1.0


def test_labels_that_are_not_known_do_not_count() -> None:
    people = heard(2.0, 2.0, 12)
    for one in people[:8]:
        one.labels[:] = UNLABELLED
    assert chosen_factor(people[:9], StreamSpec("any", enrol=12)) == 1.0
    assert chosen_factor(people[:2], StreamSpec("any")) == 1.0


def test_a_part_of_the_utterances_is_what_they_are_by_themselves() -> None:
    generator = np.random.default_rng(0)
    arrays = [generator.normal(size=(n, 3)).astype("f4") for n in (4, 1, 7, 3)]
    some, alone = moments_of(arrays).only([0, 2]), moments_of([arrays[0], arrays[2]])
    assert some.utterances == 2 and some.whole.count == 11
    np.testing.assert_allclose(some.whole.mean, alone.whole.mean, rtol=1e-5)
    np.testing.assert_allclose(some.variance(), alone.variance(), rtol=1e-5)
    assert moments_of(arrays).only([]).utterances == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_same_each_time(seed: int) -> None:
    spec = StreamSpec("any", enrol=3)
    assert chosen_factor(heard(1.0, 2.0, 20, seed), spec) == chosen_factor(
        heard(1.0, 2.0, 20, seed), spec
    )

"""Shrinkage against its formula, a simulation in which it must win, and who is heard of whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.enrolment import EnrolledScaler, Prior, chosen, fit_prior, moments_of
from mmser.data.scaling import fit_scale
from mmser.data.transforms import Transforms
from mmser.settings.stream import StreamSpec


def speakers(
    count: int, between: float, within: float, utterances: int = 40, seed: int = 0
) -> list[list[np.ndarray]]:
    """Of each speaker (utterance) arrays (1, 50): their mean differs by ``between``."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(3.0, between, (count, 50))
    return [
        [generator.normal(centre, within, (1, 50)).astype("f4") for _ in range(utterances)]
        for centre in centres
    ]


def prior_of(people: list[list[np.ndarray]], count: float | None = None) -> Prior:
    return fit_prior([moments_of(arrays) for arrays in people], count)


def test_a_fixed_count_is_the_weight_of_the_training_speakers() -> None:
    people = speakers(6, 1.0, 2.0)
    prior = prior_of(people, 10)
    new = speakers(1, 1.0, 2.0, utterances=5, seed=9)[0]
    own = np.concatenate(new)
    scale = prior.scale(moments_of(new))
    np.testing.assert_allclose(scale.mean, (5 * own.mean(axis=0) + 10 * prior.mean) / 15, rtol=1e-5)
    logs = (4 * np.log(own.var(axis=0, ddof=1)) + 10 * prior.log_variance) / 14
    np.testing.assert_allclose(scale.deviation, np.exp(logs / 2), rtol=1e-4)


def test_without_utterances_it_is_what_the_training_speakers_have() -> None:
    prior = prior_of(speakers(6, 1.0, 2.0))
    scale = prior.scale()
    np.testing.assert_allclose(scale.mean, prior.mean)
    assert scale.deviation.mean() == pytest.approx(2.0, rel=0.05)


def test_with_weight_zero_it_is_the_speakers_own() -> None:
    people = speakers(6, 1.0, 2.0)
    own = fit_scale(people[0])
    scale = prior_of(people[1:], 0).scale(moments_of(people[0]))
    np.testing.assert_allclose(scale.mean, own.mean, rtol=1e-5)
    np.testing.assert_allclose(scale.deviation, own.deviation * np.sqrt(40 / 39), rtol=1e-4)


@pytest.mark.parametrize(("between", "within"), [(1.0, 2.0), (0.2, 2.0), (2.0, 1.0)])
def test_the_estimated_weight_is_the_quotient_of_the_variances(
    between: float, within: float
) -> None:
    prior = prior_of(speakers(60, between, within))
    assert np.median(prior.mean_count) == pytest.approx((within / between) ** 2, rel=0.25)


def test_shrinking_is_nearer_to_the_truth_than_either_end() -> None:
    people, new = speakers(12, 1.0, 2.0), speakers(40, 1.0, 2.0, utterances=400, seed=5)
    prior = prior_of(people)
    errors = {"shrunk": [], "own": [], "training": []}
    for arrays in new:
        truth, few = np.concatenate(arrays).mean(axis=0), arrays[:4]
        errors["shrunk"].append(prior.scale(moments_of(few)).mean - truth)
        errors["own"].append(np.concatenate(few).mean(axis=0) - truth)
        errors["training"].append(prior.mean - truth)
    size = {name: float(np.square(each).mean()) for name, each in errors.items()}
    assert size["shrunk"] < 0.9 * min(size["own"], size["training"])


def test_a_coefficient_that_never_moves_is_centred_only() -> None:
    people = [[np.full((3, 2), 7.0, "f4")] * 3 for _ in range(3)]
    prior = prior_of(people)
    assert prior.scale(moments_of(people[0])).deviation.tolist() == [1.0, 1.0]
    assert all(np.isfinite(part).all() for part in (prior.mean_count, prior.variance_count))


def test_one_speaker_is_no_prior() -> None:
    with pytest.raises(MmserError, match=r"two training speakers or more.*found 1"):
        prior_of(speakers(1, 1.0, 1.0))


def test_who_is_enrolled_with_which() -> None:
    ids = [f"u{number}" for number in range(30)]
    seconds = [2.0] * 30

    def of(speaker: str = "a/1", **options: object) -> list[str]:
        return chosen(ids, seconds, speaker, StreamSpec("any", **options))  # type: ignore[arg-type]

    assert of(enrol=3, enrol_order="corpus") == ids[:3]
    assert of(enrol_seconds=5.0, enrol_order="corpus") == ids[:3]
    assert of(enrol=4) == of(enrol=4) != of(enrol=4, enrol_seed=1)
    assert of(enrol=4) != of("a/2", enrol=4) and len(set(of(enrol=4))) == 4
    # Who is enrolled with more has the others among them.
    assert of(enrol=9)[:4] == of(enrol=4)
    assert of(enrol=99, enrol_order="corpus") == ids


def test_seconds_need_lengths() -> None:
    with pytest.raises(MmserError, match="the length of every utterance of a/1"):
        chosen(["u"], [float("nan")], "a/1", StreamSpec("any", enrol_seconds=3.0))


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    people = speakers(4, 1.0, 2.0)
    prior = prior_of(people)
    scaler = EnrolledScaler({f"s{i}": fit_scale(arrays) for i, arrays in enumerate(people)}, prior)
    Transforms({"audio": scaler}).save(tmp_path / "transforms")
    read = Transforms.load(tmp_path / "transforms").streams["audio"]
    assert isinstance(read, EnrolledScaler)
    frames, few = people[2][0], moments_of(people[1][:3])
    assert np.array_equal(read(frames, "s2"), scaler(frames, "s2"))
    assert np.array_equal(read.prior.scale(few).mean, prior.scale(few).mean)

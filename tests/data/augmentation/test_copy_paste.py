"""CopyPaste: who is joined to whom, how often, in which order, and that the join is exact."""

import numpy as np
import pytest

from mmser.core.batch import UNLABELLED
from mmser.core.errors import MmserError, UsageError
from mmser.data.augmentation.copy_paste import CopyPaste
from mmser.data.sample import Sample, Track

LABELS = ("angry", "angry", "neutral", "neutral", "sad", None)


class Part:
    """Utterance i is the number i, over and over; i + 3 steps long at 10 Hz."""

    def __init__(self, labels=LABELS):
        self.labels = tuple(labels)
        self.ids = tuple(f"u{i}" for i in range(len(labels)))
        self.speakers = tuple("ab"[i % 2] for i in range(len(labels)))

    def sample(self, identifier):
        number = int(identifier[1:])
        values = np.full((number + 3, 2), number, np.float32)
        return Sample(identifier, {"audio": Track(values, 10.0)}, {"emotion": number})


def joined(change, part, identifier, seed):
    sample = part.sample(identifier)
    out = change(sample, np.random.default_rng(seed), 0, part)
    assert out.targets == sample.targets and out.id == identifier
    return out.streams["audio"].values[:, 0]


def others(values, own):
    return sorted({int(v) for v in values} - {own})


def test_neutral_partners_are_neutral_and_the_rest_is_exact():
    part, change = Part(), CopyPaste(scheme="neutral", probability=1.0)
    for seed in range(40):
        values = joined(change, part, "u0", seed)
        (other,) = others(values, 0)
        assert LABELS[other] == "neutral"
        assert len(values) == 3 + other + 3
        first = values[0] == 0
        assert list(values) == (
            [0] * 3 + [other] * (other + 3) if first else [other] * (other + 3) + [0] * 3
        )


def test_same_emotion_partners_share_the_label_and_are_never_oneself():
    part, change = Part(), CopyPaste(scheme="same", probability=1.0)
    assert {tuple(others(joined(change, part, "u0", seed), 0)) for seed in range(20)} == {(1,)}
    assert len(joined(change, part, "u4", 0)) == 7  # the only sad one: stays alone
    assert len(joined(change, part, "u5", 0)) == 8  # without a label: stays alone


def test_shares_of_schemes_and_orders():
    part, change = Part(("angry", "angry", "neutral", "neutral")), CopyPaste(scheme="both")
    alone = neutral = same = behind = 0
    for seed in range(4000):
        values = joined(change, part, "u0", seed)
        if len(values) == 3:
            alone += 1
            continue
        (other,) = others(values, 0)
        neutral, same = neutral + (other >= 2), same + (other == 1)
        behind += values[0] == 0
    assert alone / 4000 == pytest.approx(0.2, abs=0.02)
    assert neutral / 4000 == pytest.approx(0.4, abs=0.025)
    assert same / 4000 == pytest.approx(0.4, abs=0.025)
    assert behind / (neutral + same) == pytest.approx(0.5, abs=0.03)


def test_crops_are_at_most_the_seconds_asked_for():
    part, change = Part(), CopyPaste(scheme="neutral", probability=1.0, seconds=0.4)
    lengths = {len(joined(change, part, "u1", seed)) for seed in range(20)}
    assert lengths == {8}
    assert len(joined(CopyPaste(probability=0.0, seconds=0.4), part, "u3", 0)) == 4
    assert len(joined(CopyPaste(probability=0.0, seconds=0.4, crop=False), part, "u3", 0)) == 6


def test_waveforms_are_joined_too():
    part = Part()
    part.sample = lambda identifier: Sample(
        identifier, {"audio": Track(np.full(5, float(identifier[1:])), 10.0)}, {}
    )
    out = CopyPaste(probability=1.0, scheme="same")(
        part.sample("u0"), np.random.default_rng(0), 0, part
    )
    assert sorted(out.streams["audio"].values) == [0.0] * 5 + [1.0] * 5


def test_a_protocol_without_neutral_is_told():
    with pytest.raises(MmserError, match="a class 'neutral' in training; found angry"):
        joined(CopyPaste(probability=1.0, scheme="neutral"), Part(("angry", "angry")), "u0", 0)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(UsageError, match="scheme neutral, same or both"):
        CopyPaste(scheme="n")


def test_a_partner_of_the_same_speaker():
    part, change = Part(), CopyPaste(scheme="neutral", probability=1.0, partner="same_speaker")
    assert {tuple(others(joined(change, part, "u0", seed), 0)) for seed in range(20)} == {(2,)}
    assert {tuple(others(joined(change, part, "u1", seed), 1)) for seed in range(20)} == {(3,)}


def test_two_speakers_are_none():
    class Voices(Part):
        def sample(self, identifier):
            number = int(identifier[1:])
            voice = {"emotion": number, "speaker": np.int64(number % 2), "gender": np.int64(0)}
            return Sample(identifier, super().sample(identifier).streams, voice)

    part, change = Voices(), CopyPaste(scheme="neutral", probability=1.0)
    for seed in range(20):
        out = change(part.sample("u0"), np.random.default_rng(seed), 0, part)
        partner = max(out.streams["audio"].values[:, 0])
        assert out.targets == {
            "emotion": 0,
            "speaker": 0 if partner == 2 else UNLABELLED,
            "gender": 0,
        }


@pytest.mark.parametrize("wrong", [{"scheme": "N-CP"}, {"probability": 80}, {"partner": "self"}])
def test_what_it_does_not_know_is_refused(wrong):
    with pytest.raises(
        UsageError, match=r"N-CP is neutral|80 % is 0\.8|partner any or same_speaker"
    ):
        CopyPaste(**wrong)

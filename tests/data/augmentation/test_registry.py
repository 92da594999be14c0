"""One file and one config per augmentation; each is deterministic and keeps shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mmser.data.augmentation
from mmser.core.configs import config_names, load_config
from mmser.data.sample import Sample, Track

NAMES = config_names("augmentation")
WAVEFORM = ("speed_perturbation", "additive_noise")


SHORT = {"copy_paste": {"seconds": 0.002}}
"""Without partners it can only cut: 32 of the example's 100 steps."""


def build(name: str, **options):
    from hydra.utils import instantiate

    options = SHORT.get(name, {}) | options
    return instantiate(load_config("augmentation", name) | options)


class Nobody:
    ids: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()


def example(name: str) -> Sample:
    generator = np.random.default_rng(1)
    shape = (4000,) if name in WAVEFORM else (100, 20)
    audio = Track(generator.normal(size=shape).astype(np.float32), 16000.0)
    return Sample(
        "u", {"audio": audio, "text": Track(np.arange(5)), "face": None}, {}, duration=0.25
    )


def test_files_and_configs_match():
    files = {path.stem for path in Path(mmser.data.augmentation.__path__[0]).glob("*.py")} - {
        "__init__"
    }
    assert files == set(NAMES)
    for name in NAMES:
        assert load_config("augmentation", name)["_target_"].startswith(
            f"mmser.data.augmentation.{name}."
        )


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_decides_everything_and_the_input_stays(name):
    sample, change = example(name), build(name)
    before = sample.streams["audio"].values.copy()

    def run(seed: int) -> Sample:
        return change(sample, np.random.default_rng(seed), 0, Nobody())

    outcomes = [run(seed) for seed in range(8)]
    for seed, outcome in enumerate(outcomes):
        for stream, track in run(seed).streams.items():
            assert (track is None) == (outcome.streams[stream] is None)
            if track is not None:
                assert np.array_equal(track.values, outcome.streams[stream].values)
                assert track.values.dtype == sample.streams[stream].values.dtype
                assert track.values.shape[1:] == sample.streams[stream].values.shape[1:]
        assert outcome.streams["face"] is None
    changed = [
        o.streams["audio"] is None or not np.array_equal(o.streams["audio"].values, before)
        for o in outcomes
    ]
    assert (
        any(changed)
        and len({o.streams["audio"] is None or o.streams["audio"].values.sum() for o in outcomes})
        > 1
    )
    assert np.array_equal(sample.streams["audio"].values, before)


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_stream_is_left_absent(name):
    sample = Sample("u", {"audio": None, "text": None, "face": None}, {})
    outcome = build(name)(sample, np.random.default_rng(0), 0, Nobody())
    assert set(outcome.streams.values()) == {None}

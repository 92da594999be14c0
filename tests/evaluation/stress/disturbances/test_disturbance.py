"""Each disturbance does to sound and pictures what its level says, the same for an utterance every
time.
"""

from dataclasses import replace

import numpy as np
import pytest
from hydra.utils import instantiate

from mmser.cache.fingerprint import recipe_of
from mmser.composition import compose
from mmser.core.clip import SAMPLE_RATE, Clip
from mmser.core.configs import load_config
from mmser.core.errors import MmserError, UsageError
from mmser.evaluation.stress.disturbances import picture, sound
from mmser.evaluation.stress.disturbances.disturbance import (
    LEVELS,
    PICTURES,
    UNITS,
    Disturbance,
    Disturbed,
)
from mmser.extractors.audio.mfcc import Mfcc
from mmser.media.write import write_wav
from mmser.runs.training_stages import list_stages


def tone(hertz, seconds=1.0, amplitude=0.3):
    return (
        amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    ).astype("f4")


def noise(seconds=1.0, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE)).astype(
        "f4"
    )


def power(values):
    return float(np.mean(np.square(values, dtype=np.float64)))


VOICES = {f"v{i}": noise(0.5, i) for i in range(6)}
FRAMES = np.random.default_rng(0).integers(0, 255, (12, 64, 48, 3)).astype(np.uint8)
CLIP = Clip("u1", waveform=tone(440), frames=FRAMES, frame_rate=3.0)


def disturbance(kind, level, tmp_path=None, seed=0):
    if kind == "folder":
        write_wav(tmp_path / "n.wav", noise(2.0, 9))
    return Disturbance(
        kind, level, seed, VOICES if kind == "babble" else {}, str(tmp_path) if tmp_path else None
    )


@pytest.mark.parametrize("kind", UNITS)
def test_every_kind_at_every_level_repeats_and_touches_its_part_alone(kind, tmp_path):
    for level in LEVELS[kind]:
        one = disturbance(kind, level, tmp_path)
        first, again = one(CLIP), one(CLIP)
        face = kind in PICTURES
        assert first.waveform is CLIP.waveform if face else first.frames is CLIP.frames
        changed, repeated = (c.frames if face else c.waveform for c in (first, again))
        assert np.array_equal(changed, repeated)
        assert np.isfinite(changed).all() and changed.dtype == (np.uint8 if face else np.float32)
        assert face or kind == "speed" or len(changed) == len(CLIP.waveform)
        assert not np.array_equal(changed, CLIP.frames if face else CLIP.waveform)


@pytest.mark.parametrize("kind", ["white", "pink", "babble", "folder"])
@pytest.mark.parametrize("level", [20.0, 0.0])
def test_noise_has_the_ratio_asked_for(kind, level, tmp_path):
    one = disturbance(kind, level, tmp_path)
    added = one(CLIP).waveform - CLIP.waveform
    assert 10 * np.log10(power(CLIP.waveform) / power(added)) == pytest.approx(level, abs=0.05)
    if kind != "folder":
        other = Disturbance(kind, level, 1, one.voices)(CLIP).waveform
        assert not np.array_equal(other, one(CLIP).waveform)


def test_pink_noise_falls_and_babble_leaves_its_own_voice_out():
    added = Disturbance("pink", 0.0)(CLIP).waveform - CLIP.waveform
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    assert spectrum[100:200].mean() > 4 * spectrum[1600:3200].mean()
    own = (
        Disturbance("babble", 0.0, voices={"u1": tone(100), "v": tone(3000)})(CLIP).waveform
        - CLIP.waveform
    )
    spectrum = np.abs(np.fft.rfft(own))
    assert abs(spectrum.argmax() - 3000) <= 2 and spectrum[100] < 0.01 * spectrum.max()


@pytest.mark.parametrize("width", [20.0, 100.0, 400.0])
def test_the_band_has_its_edges_at_half_power(width):
    impulse = np.zeros(4 * SAMPLE_RATE, np.float32)
    impulse[0] = 1.0
    gain = 20 * np.log10(np.abs(np.fft.rfft(sound.band_pass(impulse, width))) + 1e-12)
    at = {hertz: gain[int(4 * hertz)] for hertz in (500, 500 - width / 2, 500 + width / 2)}
    assert at[500] == pytest.approx(0, abs=0.1)
    assert at[500 - width / 2] == pytest.approx(-3, abs=0.5)
    assert at[500 + width / 2] == pytest.approx(-3, abs=0.5)


def test_narrower_bands_leave_less():
    left = [
        power(sound.band_pass(noise(), width)) for width in (400, 300, 200, 100, 80, 60, 40, 20)
    ]
    assert left == sorted(left, reverse=True)
    assert np.isfinite(left).all()


def test_reverberation_decays_by_sixty_decibels_and_keeps_the_power():
    generator = np.random.default_rng(0)
    impulse = np.zeros(SAMPLE_RATE, np.float32)
    impulse[0] = 1.0
    heard = sound.reverberate(impulse, 0.5, generator)
    assert power(heard) == pytest.approx(power(impulse), rel=1e-4)
    early, late = power(heard[100:900]), power(heard[7100:7900])
    assert 10 * np.log10(early / late) == pytest.approx(60 * 7000 / 8000, abs=3)
    assert heard[0] ** 2 == pytest.approx(0.5, abs=0.01)


def test_the_telephone_passes_speech_and_stops_the_rest():
    assert power(sound.telephone(tone(1000))) == pytest.approx(power(tone(1000)), rel=0.1)
    assert power(sound.telephone(tone(6000))) < 1e-4 * power(tone(6000))
    assert power(sound.telephone(tone(60))) < 1e-3 * power(tone(60))


def test_a_codec_is_in_step_with_its_input():
    original = noise(0.5) * np.linspace(0, 1, SAMPLE_RATE // 2, dtype="f4")
    heard = sound.through_codec(original, "pcm_mulaw", SAMPLE_RATE)[: len(original)]
    assert np.corrcoef(original, heard)[0, 1] > 0.99
    assert len(sound.internet_call(tone(440, 0.33), 12)) == len(tone(440, 0.33))


def test_clipping_and_speed():
    clipped = sound.clip_share(noise(), 0.3)
    assert np.mean(np.abs(clipped) == np.abs(clipped).max()) == pytest.approx(0.3, abs=0.01)
    fast = sound.change_speed(tone(400), 1.25)
    assert len(fast) == pytest.approx(SAMPLE_RATE / 1.25, abs=2)
    assert np.abs(np.fft.rfft(fast)).argmax() * SAMPLE_RATE / len(fast) == pytest.approx(500, abs=2)


def test_pictures():
    flat = np.full((2, 20, 20, 3), 9, np.uint8)
    assert np.array_equal(picture.blur(flat, 5.0), flat)
    assert picture.blur(FRAMES, 6.0).std() < 0.3 * FRAMES.std()
    covered = picture.occlude(np.zeros((3, 40, 40, 3), np.uint8), 0.25, np.random.default_rng(0))
    assert (covered == picture.GREY).mean() == pytest.approx(0.25)
    assert np.array_equal(covered[0], covered[2])
    ids = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    assert picture.slow_down(ids, 3.0, 1.0)[:, 0, 0, 0].tolist() == [
        0,
        0,
        0,
        3,
        3,
        3,
        6,
        6,
        6,
        9,
        9,
        9,
    ]
    assert picture.delay(ids, 3.0, 1.0)[:, 0, 0, 0].tolist() == [0, 0, 0, *range(9)]
    assert picture.delay(ids, 3.0, -1.0)[:, 0, 0, 0].tolist() == [*range(3, 12), 11, 11, 11]
    lost = picture.lose(ids, 0.5, np.random.default_rng(1))[:, 0, 0, 0].tolist()
    assert lost[0] == 0 and lost == sorted(lost) and 1 < len(set(lost)) < 12


def test_a_disturbed_extractor_has_its_own_fingerprint_and_sees_disturbed_clips():
    mfcc = Mfcc()
    clean, noisy = recipe_of("m", mfcc), recipe_of("m", Disturbed(mfcc, Disturbance("white", 5.0)))
    others = [Disturbance("white", 0.0), Disturbance("white", 5.0, seed=1)]
    marks = {
        clean.fingerprint,
        noisy.fingerprint,
        *(recipe_of("m", Disturbed(mfcc, o)).fingerprint for o in others),
    }
    assert len(marks) == 4 and noisy.dtype == clean.dtype
    direct = mfcc.extract([Disturbance("white", 5.0)(CLIP)])[0].values
    assert np.array_equal(
        Disturbed(mfcc, Disturbance("white", 5.0)).extract([CLIP])[0].values, direct
    )


def test_the_band_limited_target_is_clean_speech_through_the_band_and_its_study_hears_clean_speech_first():
    inner, narrow = (
        instantiate(load_config("extractor", f"log_mel_cnn14{name}")) for name in ("", "_band")
    )
    heard = replace(CLIP, waveform=sound.band_pass(CLIP.waveform, 100.0))
    assert np.array_equal(narrow.extract([CLIP])[0].values, inner.extract([heard])[0].values)
    words = [
        "system=cnn14",
        "corpus=emodb",
        "protocol=emodb7_speaker10",
        "experiment=transfer_band",
    ]
    clean, band = list_stages(compose("train", words))
    assert [stage.config["streams"]["audio"]["extractor"] for stage in (clean, band)] == [
        "log_mel_cnn14",
        "log_mel_cnn14_band",
    ]


def test_what_is_not_there_stays_away():
    empty = Clip("u")
    assert Disturbance("white", 0.0)(empty) is empty and Disturbance("blur", 3.0)(empty) is empty


def test_errors():
    with pytest.raises(UsageError, match="a disturbance among white, pink"):
        Disturbance("thunder", 1.0)
    with pytest.raises(MmserError, match="several voices for babble; found 0"):
        Disturbance("babble", 1.0)
    with pytest.raises(MmserError, match="a folder of wav files"):
        Disturbance("folder", 1.0)
    with pytest.raises(UsageError, match="a width between 0 and 1000 Hz"):
        sound.band_pass(noise(), 1500)

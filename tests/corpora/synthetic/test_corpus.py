"""Synthetic corpora as written: native layouts, equal bytes, faces and speech that are there,
planted information.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.corpora.iemocap import Iemocap
from mmser.corpora.meld import Meld
from mmser.corpora.synthetic import iemocap_layout
from mmser.corpora.synthetic.corpus import MARKER, Synthetic
from mmser.media.decode import decode_clips

pytest.importorskip("espeakng_loader", reason="needs the demo extra")

PARSERS = {"iemocap": Iemocap, "meld": Meld}


@dataclass(frozen=True)
class Written:
    root: Path
    utterances: list[Utterance]
    clips: list[Clip]


def write(root: Path, layout: str, information: float, count: int = 4) -> Written:
    corpus = Synthetic(
        root, PARSERS[layout], layout, count, 2, information, information, information
    )
    utterances = list(corpus.utterances())
    clips: list[Clip] = []
    for _, group in groupby(utterances, key=lambda utterance: utterance.video_path):
        clips += decode_clips(list(group), want_frames=True)
    return Written(root, utterances, clips)


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(tmp_path_factory.mktemp("corpora") / "telling", "iemocap", 1.0)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(tmp_path_factory.mktemp("corpora") / "empty", "meld", 0.0)


def test_iemocap_layout_is_read_in_full(telling: Written) -> None:
    assert len(telling.utterances) == 40 and {u.corpus for u in telling.utterances} == {"synthetic"}
    assert (
        len({u.speaker for u in telling.utterances}) == 10
        and len({u.session for u in telling.utterances}) == 5
    )
    for utterance, clip in zip(telling.utterances, telling.clips, strict=True):
        assert clip.failures == () and clip.waveform is not None and clip.frames is not None
        seconds = len(clip.waveform) / 16000
        assert (
            utterance.start is not None
            and utterance.end is not None
            and utterance.transcript is not None
        )
        assert seconds == pytest.approx(utterance.end - utterance.start, abs=0.01)
        assert clip.frames.shape[1:] == (240, 160, 3) and utterance.face_side is not None
        spoken = [word.text.lower() for word in utterance.words]
        assert spoken == utterance.transcript.lower().strip(".").replace(",", "").split()
        assert 0 < utterance.words[0].start < utterance.words[-1].end <= seconds + 0.01
        assert len(utterance.votes) >= 3 and 1 <= (utterance.valence or 0) <= 5


def test_meld_layout_is_read_in_full(empty: Written) -> None:
    assert len(empty.utterances) == 40 and {u.corpus for u in empty.utterances} == {
        "synthetic_meld"
    }
    assert all(clip.failures == () for clip in empty.clips)
    assert len({u.part for u in empty.utterances}) == 3 and {
        u.emotion for u in empty.utterances
    } == {"neutral", "joy"}
    assert len({u.id for u in empty.utterances}) == 40


def test_each_half_shows_the_speaker(telling: Written) -> None:
    """The halves carry different portraits, so a side mistaken would mix the speakers' pictures."""
    means: dict[str, list[np.ndarray]] = {}
    for utterance, clip in zip(telling.utterances, telling.clips, strict=True):
        assert clip.frames is not None
        means.setdefault(utterance.speaker, []).append(clip.frames[0].astype(np.float32))
    for speaker, own in means.items():
        partner = means[speaker[:-1] + ("F" if speaker.endswith("M") else "M")]
        within = max(float(np.abs(own[0] - picture).mean()) for picture in own[1:])
        assert within < min(float(np.abs(own[0] - picture).mean()) for picture in partner)


def test_a_detector_finds_the_face(telling: Written, empty: Written) -> None:
    from facenet_pytorch import MTCNN

    detector = MTCNN()
    for clip in [*telling.clips[::10], *empty.clips[::10]]:
        assert clip.frames is not None
        boxes, chances = detector.detect(clip.frames[len(clip.frames) // 2])
        assert boxes is not None and chances[0] > 0.95
        assert 60 < boxes[0][2] - boxes[0][0] < 120


def features(written: Written, modality: str) -> np.ndarray:
    """Crude ones, (utterance, feature): sound level and spectrum, grey pixels, words counted."""
    from sklearn.feature_extraction.text import CountVectorizer

    if modality == "text":
        return (
            CountVectorizer()
            .fit_transform([str(u.transcript) for u in written.utterances])
            .toarray()
        )
    rows = []
    for clip in written.clips:
        assert clip.waveform is not None and clip.frames is not None
        if modality == "audio":
            blocks = clip.waveform[: len(clip.waveform) // 400 * 400].reshape(-1, 400)
            spectrum = np.log(np.abs(np.fft.rfft(blocks)) + 1e-3)  # (block, bin)
            rows.append(np.concatenate([spectrum.mean(0), spectrum.std(0)]))
        else:
            middle = clip.frames.shape[2] // 2
            faces = clip.frames[:, 60:170, middle - 50 : middle + 50].mean(axis=(0, 3))
            rows.append(faces[::4, ::4].ravel())
    return np.stack(rows)


def speaker_independent_accuracy(written: Written, modality: str) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    labels = [u.emotion for u in written.utterances]
    groups = [u.speaker for u in written.utterances]
    scores = cross_val_score(
        model, features(written, modality), labels, groups=groups, cv=GroupKFold(5)
    )
    return float(scores.mean())


@pytest.mark.parametrize("modality", ["audio", "text", "face"])
def test_planted_information_is_found_and_absent_information_is_not(
    telling: Written, empty: Written, modality: str
) -> None:
    assert speaker_independent_accuracy(telling, modality) >= 0.8
    # Chance is 0.5; 40 utterances of two classes stay within three standard errors of it.
    assert 0.26 <= speaker_independent_accuracy(empty, modality) <= 0.74


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("layout", ["iemocap", "meld"])
def test_an_interrupted_corpus_is_completed_as_it_was(tmp_path: Path, layout: str) -> None:
    corpus = Synthetic(tmp_path / "one", PARSERS[layout], layout, 1, 2)
    corpus.write()
    whole = contents(corpus.root)
    assert list(whole) == sorted(whole) and MARKER in whole and b"SYNTHETIC" in whole[MARKER]
    assert not [name for name in whole if Path(name).name.startswith(".")]
    lost = (
        ["Session2", "Session4/dialog/EmoEvaluation"]
        if layout == "iemocap"
        else ["train_splits", "dev_sent_emo.csv"]
    )
    for name in lost:
        path = corpus.root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    Synthetic(tmp_path / "one", PARSERS[layout], layout, 1, 2).write()
    again = contents(corpus.root)
    assert list(again) == list(whole)
    assert [name for name, content in whole.items() if content != again[name]] == []


def test_what_is_there_is_not_written_again(
    telling: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("rendered again")

    monkeypatch.setattr(iemocap_layout, "perform", refuse)
    corpus = Synthetic(telling.root, Iemocap, "iemocap", 4, 2, 1.0, 1.0, 1.0)
    assert list(corpus.utterances()) == telling.utterances


def test_never_mixed_with_anything_else(telling: Written, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(MmserError, match=r"other files in .*never mixed"):
        Synthetic(tmp_path, Iemocap).write()
    with pytest.raises(MmserError, match=r"found another one in .*or delete that folder"):
        Synthetic(telling.root, Iemocap, seed=1).write()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"layout": "sewa"}, "layout iemocap or meld"), ({"emotions": 9}, "2 to 7 emotions"),
     ({"utterances_per_speaker": 0}, "at least 1"), ({"text_information": -1.0}, "text_information " "between 0 and 1")],
)  # fmt: skip
def test_bad_settings(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(MmserError, match=message):
        Synthetic(tmp_path, Iemocap, **options)  # type: ignore[arg-type]

"""The page before training names what is wrong with a corpus that has one fault of each kind."""

import base64
import io
import re
import wave

import numpy as np
import pandas as pd
import pytest
from makers.clips import speechlike

from mmser.cli import main
from mmser.media.write import write_wav
from mmser.pipeline.explore import explore
from mmser.reports.explore.findings import findings
from mmser.reports.explore.material import Material, ProtocolShare

SPEAKERS, LABELS = ("ann", "bob", "cid"), ("happy", "sad")


def corpus(folder):
    """Two takes of each label by each speaker, and the faults."""
    rows = []

    def add(name, speaker, emotion, waveform):
        write_wav(folder / f"{name}.wav", waveform)
        rows.append((name, speaker, emotion))

    for number, speaker in enumerate(SPEAKERS):
        for place, label in enumerate(LABELS):
            for take in range(2):
                seed = 4 * number + 2 * place + take
                length = 1 + 0.05 * seed
                add(f"{speaker}_{label}_{take}", speaker, label, speechlike(length, seed))
    add("twin", "bob", "sad", speechlike(1.0, 0))
    add("softer", "cid", "happy", 0.4 * speechlike(1.05, 1))
    add("quiet", "ann", "sad", np.zeros(16_000, dtype=np.float32))
    add("loud", "ann", "sad", np.clip(9 * speechlike(1.33, 99), -1, 1))
    add("endless", "bob", "happy", np.tile(speechlike(1.0, 50), 30))
    add("odd", "dan", "odd", speechlike(1.2, 60))
    add("odder", "dan", "odd", speechlike(1.27, 61))
    rows.append(("broken", "ann", "sad"))
    (folder / "broken.wav").write_bytes(b"no sound")
    lines = [f"{name},{name}.wav,{who},{label},words of {name}" for name, who, label in rows]
    table = folder / "manifest.csv"
    table.write_text("\n".join(["id,audio_path,speaker,emotion,transcript", *lines]) + "\n")
    return table


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explored")
    words = ["corpus=generic", f"corpus.root={corpus(folder)}"]
    out = explore(words, folder / "page.html", workers=0, progress=False)
    return out.read_text()


def part(page, title):
    """The text between a heading and the next one."""
    return re.split(r"<h[23]>", page.split(f">{title}</h", 1)[1], maxsplit=1)[0]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Files that could not be read", "broken"),
        ("Silent recordings", "quiet"),
        ("Equal recordings", "twin"),
        ("Equal recordings", "different speakers (ann, bob); different labels (happy, sad)"),
        ("Nearly equal recordings", "softer"),
        ("Clipped recordings", "loud"),
        ("Much longer or shorter than the others", "endless"),
        ("Rare labels", "odd"),
        ("Speakers with one label", "dan"),
    ],
)
def test_each_fault_is_named(page, title, name):
    assert name in part(page, title)


def test_sound_utterances_are_not_suspected(page):
    listed = page.split(">Labels, speakers, gender</h2>")[0]
    assert "cid_sad_1" not in listed


def test_what_is_suspicious_can_be_played(page):
    assert "media-src data:" in page
    sounds = re.findall(r'src="data:audio/wav;base64,([^"]+)"', page)
    assert 0 < len(sounds) <= 12
    outlier = part(page, "Much longer or shorter than the others")
    assert "data:audio/wav" in outlier and "endless.wav#t=0.00,12.00" in outlier
    with wave.open(io.BytesIO(base64.b64decode(sounds[0]))) as sound:
        assert sound.getframerate() == 16_000 and sound.getnframes() > 0


def test_counts_protocol_and_words(page):
    assert "20 utterances of 4 speakers with 3 labels" in page
    assert "generic_speaker" in part(page, "Protocol")
    assert "20 different sentences" in part(page, "Words")


def test_a_part_of_the_sound_is_said_to_be_a_part(tmp_path, capsys, caplog):
    words = ["corpus=generic", f"corpus.root={corpus(tmp_path)}"]
    caplog.set_level("INFO", "mmser")
    out = explore(words, tmp_path / "few.html", most=5, workers=0, progress=False)
    assert "look at: Rare labels: 1 (odd)" in caplog.text
    assert "The sound of 5 utterances drawn at random" in out.read_text()
    assert main(["explore", *words, "system=mcsan"]) == 2
    assert "words of a corpus and its protocol" in capsys.readouterr().err


def test_features_that_are_not_in_the_cache(tmp_path, capsys):
    words = ["corpus=generic", f"corpus.root={corpus(tmp_path)}", f"cache={tmp_path / 'cache'}"]
    assert main(["explore", *words, "--features", "mfcc40"]) == 1
    assert "mmser preprocess" in capsys.readouterr().err


def test_outliers_by_features():
    ids = [f"u{number}" for number in range(20)]
    sound = pd.DataFrame({"id": ids, "seconds": 1.0 + np.arange(20) / 50, "level": -20.0})
    sound = sound.assign(clipped=0, quiet=0.1, content=ids, sound=ids, failure=None, detail=None)
    material = Material(
        corpus="own",
        label="emotion",
        manifest=pd.DataFrame({"id": ids, "speaker": "s", "word": "happy"}),
        sound=sound,
        alike=[],
        absent=[],
        votes={},
        protocol=ProtocolShare("own", "", [], {}, None, []),
        features="mfcc40",
        distances={key: 1 + number / 10 for number, key in enumerate(ids)} | {"u7": 90.0},
    )
    (found,) = findings(material)
    assert found.title == "Unlike all others" and found.ids == ("u7",)

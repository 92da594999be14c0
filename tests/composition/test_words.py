"""Words of a command: paths as they are, choices that exist, one clear error for the rest."""

import random

import pytest

from mmser.composition import compose, default_protocol, listed, merged
from mmser.composition.words import read_words
from mmser.core.errors import UsageError
from mmser.inference.judge import read_labels

WORDS = ["corpus=emodb", "protocol=emodb7_group4", "system=audio_bigru"]
PATHS = [
    "../Köln", "/数据/情感 语料", "exp=1,v2 [final] (a)", "it's \"quoted\"", "a:b", "{a: b}", "[x]", "a,b", "-",
    "~/data", "C:\\data\\emo", "a'b\\'c", "back\\", "a$b", "a${b}", "1", "true", "  spaced ", "a#b", "%a&b",
]  # fmt: skip


@pytest.fixture(scope="module")
def saved():
    return compose("train", WORDS)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_taken_as_it_is(saved, path):
    for key in ("corpus.root", "cache", "run"):
        node = merged(saved, [f"{key}={path}"])
        for name in key.split("."):
            node = node[name]
        assert node == path


def test_any_path_is_taken_as_it_is():
    draw = random.Random(0)
    for _ in range(200):
        path = "".join(
            draw.choices("ab/\\ ='\"[](){}$,:;.~#é数+-*?!@%", k=draw.randint(1, 12))
        ).strip()
        if path and not (path[0] in "'\"" and path[0] == path[-1]) and "${" not in path:
            assert read_words([f"corpus.root={path}"])[0].parsed() == path


@pytest.mark.parametrize(
    "text",
    [
        "{radość: happy, złość: null, bez emocji: neutral, sad: sad}",
        "{radość:happy,złość:null,bez emocji:neutral,sad:sad}",
        "{'radość': 'happy', złość: null, bez emocji: neutral, sad: sad}",
    ],
)
def test_labels_in_any_alphabet(text):
    labels = {"radość": "happy", "złość": None, "bez emocji": "neutral", "sad": "sad"}
    assert read_labels(text) == labels
    labels["złość"], text = "angry", text.replace("null", "angry")
    made = compose("train", [*WORDS, f"labels={text}", "protocol.allow_incomplete=true"])
    assert made["protocol"]["labels"] == labels
    # What was composed is read back from a saved config, and changed, the same.
    assert merged(made, ["protocol.labels={喜び: happy}"])["protocol"]["labels"]["喜び"] == "happy"


def test_a_list_in_any_alphabet():
    made = compose("train", [*WORDS, "protocol.classes=[радость, 'грусть']"])
    assert made["protocol"]["classes"] == ["радость", "грусть"]
    with pytest.raises(UsageError, match="Close every bracket"):
        read_words(["protocol.classes=[радость"])


def test_composing_takes_paths_as_merging_does():
    root, weights = "../Köln, [a] = 'b'", "/数据/glove {300}.txt"
    made = compose("preprocess", ["corpus=emodb", "+extractor@extractor.glove=glove", f"corpus.root={root}",
                                  f"extractor.glove.weights={weights}", "cache=a,b"])  # fmt: skip
    assert made["corpus"]["root"] == root
    assert made["extractor"]["glove"]["weights"] == weights
    assert made["cache"] == "a,b"
    assert compose("train", [*WORDS, "word_vectors=a=b.txt"])["word_vectors"] == "a=b.txt"


def test_words_that_are_no_paths_stay_what_they_are():
    made = compose(
        "preprocess",
        ["corpus=emodb", "weights=random", "paths.weights=w", "cache=${paths.weights}/c"],
    )
    assert made["weights"] == "random"
    assert made["cache"] == "w/c"
    assert compose("train", [*WORDS, "run=null", "cache='a b'"])["run"] is None
    assert compose("train", [*WORDS, "cache='a b'"])["cache"] == "a b"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("system=functional", "found 'functional'. Did you mean functionals"),
        ("corpus=ravdes", "name of a corpus; found 'ravdes'. Did you mean ravdess"),
        ("fusion@model.fusion=gatd", "name of a fusion; found 'gatd'. Did you mean gated"),
        ("fusionn@model.fusion=gated", "config group; found 'fusionn'. Did you mean fusion"),
        ("fusion=gatd", "name of a fusion; found 'gatd'. Did you mean gated"),
        ("model.head=clasifier", "name of a head; found 'clasifier'. Did you mean classifier"),
        ("encoders.audio=gruu", "name of an encoder; found 'gruu'. Did you mean gru"),
        ("encoder=gru", "Write encoders.STREAM=gru"),
        ("stages.first.objective=focl", "name of an objective; found 'focl'. Did you mean focal"),
        ("seeds=[0", r"read in seeds; found '\[0'. Close every bracket"),
        ("data.batch_size=1,2", "one value for data.batch_size; found '1,2'.* --multirun"),
        ("mcsan", "KEY=VALUE; found 'mcsan'"),
        ("=3", "KEY=VALUE; found '=3'"),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused_before_anything_is_composed(word, said):
    with pytest.raises(UsageError, match=said):
        read_words([word])


def test_many_names_are_not_printed():
    with pytest.raises(UsageError) as refused:
        read_words(["system=zzzz"])
    assert len(str(refused.value)) < 400


def test_a_misspelled_corpus_has_no_protocol_to_miss():
    with pytest.raises(UsageError, match="Did you mean ravdess"):
        default_protocol("ravdes")


def test_lists_are_read_as_hydra_reads_them():
    assert listed(["extractors=[mfcc40, glove]"], "extractors") == ["mfcc40", "glove"]
    assert listed(["extractors=mfcc40"], "extractors") == ["mfcc40"]
    assert listed([], "extractors") == []
    with pytest.raises(UsageError, match="Close every bracket"):
        listed(["extractors=[mfcc40"], "extractors")


def test_a_sweep_parts_values_at_commas():
    words = read_words(["data.batch_size=1,2", "cache=a b,c d", "system=mcsan,gated"], sweeps=True)
    assert [str(word) for word in words] == [
        "data.batch_size=1,2",
        "cache='a b','c d'",
        "system=mcsan,gated",
    ]


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("fusion=gated", "fusion@model.fusion=gated"),
        ("model.fusion=gated", "fusion@model.fusion=gated"),
        ("fusion@model.fusion=gated", "fusion@model.fusion=gated"),
        ("fusion.size=64", "model.fusion.size=64"),
        ("labels={joy: happy}", "protocol.labels={joy: happy}"),
        ("fusion=null", "model.fusion=null"),
        ("head=regression", "head@model.head=regression"),
        ("encoders.audio=gru", "encoder@model.encoders.audio=gru"),
        ("+encoders.audio=gru", "+encoder@model.encoders.audio=gru"),
        ("~encoders.audio", "~model.encoders.audio"),
        ("encoders.audio.hidden_size=8", "model.encoders.audio.hidden_size=8"),
        ("+stages.first.objective=focal", "+objective@stages.first.objective=focal"),
        ("+stages.first.model.head=regression", "+head@stages.first.model.head=regression"),
        ("+domains.second.corpus=emodb", "+corpus@domains.second.corpus=emodb"),
    ],
)
def test_the_place_of_a_component_has_a_short_word(word, read):
    assert str(read_words([word])[0]) == read


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("encoders.audoi=gru", r"Did you mean encoders\.audio\?.* \+encoders\.audoi=NAME"),
        ("stages.first.objective=focal", r"added by \+stages\.first\.objective=NAME"),
    ],
)
def test_a_component_that_the_system_has_not_is_named_with_the_nearest(word, said):
    with pytest.raises(UsageError, match=said):
        read_words([*WORDS, word])


def test_a_sweep_exchanges_components():
    (word,) = read_words(["fusion=gated,tfn"], sweeps=True)
    assert str(word) == "fusion@model.fusion=gated,tfn"

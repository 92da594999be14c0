"""Composition: short forms, default protocols, saved configs."""

import re
import shlex

import pytest
import yaml

from mmser.composition import (
    COMPONENTS,
    built,
    chosen,
    compose,
    default_protocol,
    listed,
    load_part,
    merged,
    read_yaml,
)
from mmser.composition.places import own_choices
from mmser.core.configs import config_dir, config_names, load_config
from mmser.core.errors import MmserError, UsageError
from mmser.runs.training_stages import list_stages


def test_seed_is_short_for_seeds():
    words = ["corpus=ravdess", f"protocol={default_protocol('ravdess')}", "system=mcsan"]
    assert compose("train", [*words, "seed=7"])["seeds"] == [7]
    assert compose("train", words)["seeds"] == [0]


def test_an_unknown_key_is_wrong_usage():
    with pytest.raises(UsageError, match=r"found trainer\.epoks\. Did you mean trainer\.epochs"):
        compose(
            "train",
            [
                "corpus=ravdess",
                f"protocol={default_protocol('ravdess')}",
                "system=mcsan",
                "trainer.epoks=3",
            ],
        )


def test_an_experiment_over_a_system_without_its_parts_says_which_it_wants():
    words = ["system=statistics_svm", "corpus=synthetic", "protocol=synthetic4_speaker10"]
    with pytest.raises(
        UsageError,
        match=r"a system with model\.encoders\.text, which experiment=quick changes; found one "
        r"without it.*`mmser show NAME`.*trainer\.epochs=2",
    ):
        compose("train", [*words, "experiment=quick"])


def test_a_part_put_into_anothers_place_keeps_only_the_arguments_it_knows():
    words = ["corpus=meld", "protocol=meld7", "system=text_bigru"]
    assert compose("train", words)["model"]["fusion"]["pooling"] == "statistics"
    swapped = compose("train", [*words, "fusion@model.fusion=gated", "model.fusion.size=8"])[
        "model"
    ]["fusion"]
    assert swapped.keys() == load_config("fusion", "gated").keys() and swapped["size"] == 8
    with pytest.raises(
        UsageError, match=r"an option of model\.fusion; found model\.fusion\.unheard"
    ):
        compose("train", [*words, "fusion@model.fusion=gated", "+model.fusion.unheard=1"])
    words = [
        "corpus=emodb",
        "protocol=emodb7_group4",
        "system=compact_gcn",
        "encoder@model.encoders.audio=gru",
    ]
    assert (
        compose("train", words)["model"]["encoders"]["audio"].keys()
        == load_config("encoder", "gru").keys()
    )


@pytest.mark.parametrize(
    ("system", "group", "name"),
    [("daae", "optimizer", "sgd"), ("attention_pooling", "scheduler", "none"), ("emotion2vec", "scheduler", "cosine"),
     ("iaan", "objective", "focal")],
)  # fmt: skip
def test_another_optimizer_schedule_or_objective_keeps_only_the_arguments_it_knows(
    system, group, name
):
    words = ["corpus=iemocap", "protocol=iemocap4_loso5", f"system={system}", f"{group}={name}"]
    assert compose("train", words)[group].keys() == load_config(group, name).keys()


@pytest.mark.parametrize("name", config_names("system"))
def test_a_system_sets_only_arguments_that_the_configs_of_its_parts_list(name):
    """Otherwise naming the part again in a word would lose them."""
    system = load_config("system", name)
    for choice, part in own_choices(name).items():
        group, _, place = choice.partition("@")
        if group in COMPONENTS:
            own = system
            for key in (place or group).split("."):
                own = own.get(key) or {}
            assert own.keys() <= load_config(group, part).keys(), choice


def test_each_corpus_has_exactly_one_default_protocol():
    protocols = [load_config("protocol", name) for name in config_names("protocol")]
    for corpus in config_names("corpus"):
        defaults = [p for p in protocols if p.get("corpus") == corpus and p.get("default")]
        assert len(defaults) == 1, corpus
        assert default_protocol(corpus)


def test_words_are_read_without_composing():
    assert chosen(["a=1", "corpus=x", "corpus=y"], "corpus") == "y"
    assert chosen(["corpus.root=x"], "corpus") is None
    assert listed(["extractors=[mfcc40, glove]"], "extractors") == ["mfcc40", "glove"]
    assert listed([], "extractors") == []


def test_a_saved_config_takes_overrides_of_keys_it_has(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"trainer": {"epochs": 3}, "seeds": [0]}))
    saved = read_yaml(file)
    assert merged(saved, ["trainer.epochs=5", "seed=4"]) == {"trainer": {"epochs": 5}, "seeds": [4]}
    with pytest.raises(UsageError, match=r"found trainer\.epoks\. Did you mean trainer\.epochs"):
        merged(saved, ["trainer.epoks=5"])


def test_a_missing_or_malformed_saved_config_is_told(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(MmserError, match="found list"):
        read_yaml(tmp_path / "list.yaml")


def test_speakers_are_learnt_without_copy_paste() -> None:
    """A pasted partner may be another speaker: the command of the card joins utterances in the
    second stage alone.
    """
    words = [
        "+objective@stages.speakers.objective=attribute",
        "+stages.speakers.trainer.monitor=last",
    ]
    words += ["+stages.speakers.data.augmentation=[]", "+stages.emotions.load=[encoders.*]"]
    settings = compose(
        "train", ["system=copypaste_xvector", "corpus=emodb", "protocol=emodb7_speaker10", *words]
    )
    speakers, emotions = (stage.config for stage in list_stages(settings))
    assert speakers["data"]["augmentation"] == []
    assert emotions["data"]["augmentation"][0]["_target_"].endswith("CopyPaste")
    assert speakers["objective"]["_target_"].endswith("AttributeClassification")


AUGMENTATION = "mmser.data.augmentation"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"_target_": f"{AUGMENTATION}.copy_paste.CopyPaste", "scheme": "N-CP"},
            "scheme neutral, same or both",
        ),
        (
            {"_target_": f"{AUGMENTATION}.additive_noise.AdditiveNoise", "snr": [5]},
            r"snr: \[lowest, highest\]",
        ),
        (
            {"_target_": f"{AUGMENTATION}.additive_noise.AdditiveNoise", "talkers": [7, 3]},
            "talkers: .*lowest",
        ),
        (
            {"_target_": f"{AUGMENTATION}.vtlp.VTLP", "warp": 1.1},
            r"warp: \[lowest, highest\]; found 1.1",
        ),
        ({"_target_": f"{AUGMENTATION}.vtlp.VTLP", "probability": -1}, "a probability from 0 to 1"),
        (
            {"_target_": f"{AUGMENTATION}.modality_dropout.ModalityDropout", "probability": 20},
            "a probability from 0",
        ),
        (
            {"_target_": f"{AUGMENTATION}.speed_perturbation.SpeedPerturbation", "rates": [0, 1]},
            "rates of at least",
        ),
        (
            {"_target_": f"{AUGMENTATION}.vtlp.VTLP", "unheard": 1},
            "parts that can be found and built",
        ),
        ({"_target_": f"{AUGMENTATION}.vtlp.Nothing"}, "parts that can be found and built"),
    ],
)
def test_a_part_that_refuses_its_arguments_says_so_itself(part, said) -> None:
    with pytest.raises(MmserError, match=said):
        built(part)


def printed_words() -> list[tuple[str, list[str], str]]:
    """Every ``stages.*=`` word in the header of a config, and the words it goes with.

    Those are the command on the header's first line and the parts that the header chooses
    (``objective@stages...``).
    """
    found = []
    for path in sorted(config_dir().glob("*/*.yaml")):
        header = [
            line[1:].strip() for line in path.read_text().splitlines() if line.startswith("#")
        ]
        commands = [line for line in header if line.startswith("mmser train ")]
        words = re.findall(
            r"(?<![\w.@])\+?(?:\w+@)?stages\.[\w.]+=(?:\[[^\]]*\]|[\w.-]+)", " ".join(header)
        )
        parts = [word for word in words if "@" in word]
        found += [
            (path.stem, [*shlex.split(commands[0])[2:], *parts], word) for word in words if commands
        ]
    return found


@pytest.mark.parametrize(("config", "command", "word"), printed_words())
def test_words_printed_in_a_config_fit_its_command(
    config: str, command: list[str], word: str
) -> None:
    name = word.partition("=")[0].lstrip("+")
    kept = [
        other
        for other in command
        if other.partition("=")[0].lstrip("+") != name and not other.startswith("~")
    ]
    assert compose("train", [*kept, word])


def test_one_part_by_itself_is_what_a_command_composes():
    words = ["corpus=generic", "paths.weights=w", "+extractor@extractor.glove=glove"]
    composed = compose("preprocess", words)["extractor"]["glove"]
    assert load_part("extractor", "glove", {"weights": "w"}) == composed
    assert load_part("extractor", "glove", weights="random")["weights"] == "random"
    with pytest.raises(UsageError, match="Did you mean glove"):
        load_part("extractor", "glovee")
    with pytest.raises(UsageError, match=r"extractor\.glove\.weightz"):
        load_part("extractor", "glove", weightz="random")

"""Sheets of single entries, and descriptions that tell entries apart."""

import pytest

from mmser.catalogue.descriptions import comments, description
from mmser.catalogue.lists import KINDS, modalities
from mmser.catalogue.sheet import kind_of, sheet
from mmser.cli import main
from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError


@pytest.mark.parametrize("group", sorted(set(KINDS.values()) - {"protocol"}))
def test_every_entry_has_a_sheet(group):
    for name in config_names(group):
        sections = sheet(group, name)
        assert sections[0][0] == f"{group} {name}"
        assert all(text for _, text in sections[0][1])


def test_a_system_is_shown_with_input_parts_cost_and_card():
    sections = dict(sheet("systems", "mcsan"))
    assert dict(sections["cost"])["parameters"] == "1,628,935"
    assert dict(sections["input"])["audio"].startswith("mfcc40: waveform")
    parts = dict(sections["parts"])
    assert parts["head"].endswith("(hidden_sizes [128], dropout 0.3)")
    assert parts["optimizer"] == "adam: torch.optim.Adam (lr 0.001)"
    assert ("IEMOCAP WA", "61.2 (10-fold 8:1:1, unit unknown; quoted by Rajan et al. 2022)") in (
        sections["published, not obtained here"]
    )


def test_an_heir_shows_the_parts_of_its_parent():
    assert "fusion" in dict(dict(sheet("system", "amh_1"))["parts"])


def test_configs_of_one_class_are_told_apart():
    told = {
        name: description("extractor", name, load_config("extractor", name))
        for name in ("mfcc13", "mfcc20", "mfcc39", "mfcc40")
    }
    assert len(set(told.values())) == len(told)
    assert told["mfcc40"].endswith("[coefficients 40]")
    assert told["mfcc39"] == "13 coefficients with first and second differences."


def test_the_first_comment_is_a_command():
    command, notes = comments("system", "statistics_svm")
    assert command.startswith("mmser weights get tiny.en")
    assert notes.startswith("Per speaker")


def test_a_name_of_one_kind_needs_no_kind():
    assert kind_of("mcsan") == "system"
    assert kind_of("mfcc40") == "extractor"
    with pytest.raises(UsageError, match="found 'nothing_of_this'"):
        kind_of("nothing_of_this")


def test_modalities_are_the_rooms_of_the_extractors():
    assert modalities("mcsan") == ["audio", "text"]
    assert modalities("statistics_svm") == ["audio"]


def test_systems_of_one_modality(capsys):
    assert main(["list", "systems", "--modality", "text"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert "text_bigru" in names
    assert "mcsan" not in names
    assert main(["list", "fusions", "--modality", "text"]) == 2


def test_a_terminal_gets_lines_of_its_width(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["list", "extractors"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 60
    assert "mfcc40" in text


def test_show_prints_wrapped_blocks(capsys):
    assert main(["show", "mcsan"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "system mcsan"
    assert max(map(len, lines)) <= 100
    assert main(["show", "a", "b", "c"]) == 2
    assert main(["show", "corpse", "emodb"]) == 2


def test_of_a_hundred_counts_the_first_are_shown():
    (_, arguments) = sheet("protocol", "iemocap4_loso5")
    counts = dict(arguments[1])["counts"]
    assert "total 5531" in counts
    assert "Ses01F_impro01 8" in counts
    assert counts.endswith("and 121 more")

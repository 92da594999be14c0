"""The catalogue reads configs and docstrings, never the code itself."""

from pathlib import Path

import pytest

from mmser.catalogue.lists import KINDS, catalogue, recommended
from mmser.cli import main
from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError


@pytest.mark.parametrize("kind", KINDS)
def test_every_config_is_listed_with_a_description(kind):
    rows = catalogue(kind)
    assert [row["name"] for row in rows] == config_names(KINDS[kind])
    assert all(row["what"] and not row["what"].startswith("mmser.") for row in rows)


def test_published_scores_are_marked_as_not_ours():
    row = next(row for row in catalogue("systems") if row["name"] == "mcsan")
    assert "IEMOCAP WA 61.2" in row["published (not ours)"]
    assert row["parameters"] == "1,628,935"


def test_an_heir_is_listed_with_what_it_inherits():
    row = next(row for row in catalogue("systems") if row["name"] == "amh_1")
    assert "audio=mfcc120" in row["streams"]


def test_unknown_kind_raises():
    with pytest.raises(UsageError, match="Did you mean corpora"):
        catalogue("corpera")


def test_the_systems_list_says_which_weights_each_wants():
    weights = {row["name"]: row["weights"] for row in catalogue("systems")}
    assert weights["speech_text_face"] == "face_expression, minilm, tiny.en"
    assert weights["functionals_svm"] == "-"
    assert weights["odyssey_wavlm"] == "microsoft/wavlm-large"
    assert weights["wavlm_lora"] == "microsoft/wavlm-base-plus"
    assert weights["whisper_finetune"] == "tiny.en"
    assert weights["wavlm_lora_small"] == weights["whisper_finetune_small"] == "-"


def test_what_is_recommended_exists_and_its_figures_stand_in_the_docs():
    docs = Path(__file__).parents[2] / "docs"
    measured = "".join((docs / name).read_text() for name in ("leaderboard.md", "systems.md"))
    for entry in load_config("", "recommended")["systems"]:
        assert entry["system"] in config_names("system")
        if "measured" in entry:
            assert entry["measured"]["protocol"] in config_names("protocol")
            assert entry["measured"]["figure"].partition(" ")[2] in measured
    rows = {row["system"].partition(" ")[2]: row for row in recommended()}
    words = "streams.audio.extractor=whisper_base_statistics encoders.audio.layers=6"
    assert rows[words]["needs"].endswith("weights base")


def test_the_recommendation_fits_a_terminal(capsys):
    assert main(["list", "systems", "--recommended"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) < 80
    assert text.index("statistics_svm") < text.index("odyssey_wavlm")
    assert "published: MELD WF1 65.61" in text
    assert main(["list", "corpora", "--recommended"]) == 2

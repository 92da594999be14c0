"""The page's numbers against the predictions table, its safety, and what it says when files are
missing.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from makers.reported_run import CLASSES, EVIL, predictions, write_assignment, write_run
from sklearn import metrics as sk

from mmser.core.errors import MmserError
from mmser.evaluation.scoring.score import score
from mmser.reports.report import report
from mmser.reports.reported_run import read_run
from mmser.reports.sections.header import header

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Sections, tables as rows of texts, the tags with their attributes; checks that tags are
    balanced.
    """

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.sections, self.tables = [], [], {}, {}
        self.section = None
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "section":
            self.section = dict(attributes)["id"]
            self.sections[self.section], self.tables[self.section] = "", []
        elif tag == "table":
            self.tables[self.section].append([])
        elif tag == "tr":
            self.tables[self.section][-1].append([])
        elif tag in ("td", "th"):
            self.tables[self.section][-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.section:
            self.sections[self.section] += data
        if {"td", "th"} & set(self.open):
            separator = "|" if self.open[-1] == "small" else ""
            self.tables[self.section][-1][-1][-1] += separator + data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("reports")
    return write_run(root / "first", root / "cache")


@pytest.fixture(scope="module")
def text(folder):
    return report([folder], folder.parent / "out" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_parquet(folder / "predictions.parquet")


def percent(value):
    return f"{100 * value:.1f}"


def test_scores_equal_an_independent_computation(page, table):
    rows = {row[0]: row[1:] for row in page.tables["scores"][0]}
    t, p = table["target"], table["prediction"]
    assert rows["WA"][0] == percent(sk.accuracy_score(t, p))
    assert rows["UA"][0] == percent(sk.balanced_accuracy_score(t, p))
    assert rows["WF1"][0] == percent(sk.f1_score(t, p, average="weighted"))
    assert rows["macro precision"][0] == percent(sk.precision_score(t, p, average="macro"))
    by_fold = table.groupby(["fold", "seed"]).apply(
        lambda x: sk.balanced_accuracy_score(x["target"], x["prediction"])
    )
    grid = by_fold.unstack()
    assert rows["UA"][2] == percent(grid.to_numpy().mean())
    assert rows["UA"][3] == percent(grid.mean(axis=1).std())
    assert rows["UA"][4] == percent(grid.mean(axis=0).std())
    scores = score(table).set_index(["scope", "metric"])
    low, high = scores.loc[("pooled", "UA".lower()), ["low", "high"]]
    assert rows["UA"][1] == f"{percent(low)} to {percent(high)}"
    assert "2000 draws of 10 speakers" in page.sections["scores"]
    assert "(2) utterances weighted by 1 / class size" in page.sections["scores"]


def test_every_fold_and_seed_is_listed(page, table):
    rows = page.tables["scores"][1][1:]
    assert len(rows) == 10
    one = table[(table["fold"] == "ses2") & (table["seed"] == 1)]
    wanted = percent(sk.accuracy_score(one["target"], one["prediction"]))
    assert ["ses2", "1", "80", wanted] in [row[:4] for row in rows]


def test_confusion(page, table):
    counts = sk.confusion_matrix(table["target"], table["prediction"], labels=CLASSES)
    rows = page.tables["confusion"][0]
    assert rows[0] == ["", *CLASSES]
    for name, row, expected in zip(CLASSES, rows[1:], counts, strict=True):
        assert row == [name, *(f"{percent(n / expected.sum())}|{n}" for n in expected)]


def test_classes_and_speakers(page, table):
    by_class, by_speaker = page.tables["classes-and-speakers"]
    recalls = sk.recall_score(table["target"], table["prediction"], labels=CLASSES, average=None)
    assert [row[3] for row in by_class[1:]] == [percent(r) for r in recalls]
    assert [int(row[2]) for row in by_class[1:]] == [
        (table["prediction"] == c).sum() for c in CLASSES
    ]
    assert len(by_speaker) == 11
    for speaker, _, count, wa, ua in by_speaker[1:]:
        mine = table[table["speaker"] == speaker]
        assert int(count) == len(mine)
        assert wa == percent(sk.accuracy_score(mine["target"], mine["prediction"]))
        assert ua == percent(sk.balanced_accuracy_score(mine["target"], mine["prediction"]))


def test_published_scores_stand_apart_with_source_and_protocol(page, table):
    rows = page.tables["published-scores"][0]
    ours = percent(sk.accuracy_score(table["target"], table["prediction"]))
    assert rows[1] == ["WA", "MADE-UP", "10-fold", "nobody", "61.2", ours]
    assert rows[2] == ["UA", "IEMOCAP", "5-fold", "nobody <b>", "56.0", "another corpus"]
    assert "madeup_loso10; this run used another one" in page.sections["published-scores"]
    assert "dropout 0.1 instead of 0.5" in page.sections["published-scores"]
    assert "share none of the 10 tested speakers" in page.sections["published-scores"]
    assert "61.2" not in page.sections["scores"]


def test_caches_and_failures(page):
    stores, failures = page.tables["caches-and-failures"]
    assert [row[0:2] + row[4:6] for row in stores[1:]] == [
        ["audio", "mfcc40-0123456789ab", "400", "0"],
        ["text", "glove-ba9876543210", "392", "8"],
        ["face", "resnet-00ff00ff00ff", "384", "16"],
    ]
    assert failures[1:] == [["face", "no face", "s0-000", "16"], ["text", "no face", "s0-000", "8"]]
    assert "s0-001: lasts 2.00 s" in page.sections["caches-and-failures"]


def test_attention_shows_words_with_their_weights(page, folder):
    saved = pd.read_parquet(folder / "attention.parquet")
    words = saved[(saved["id"] == "s0-003") & (saved["stream"] == "text")].iloc[0]
    titles = [
        attributes["title"]
        for tag, attributes in page.tags
        if tag == "span" and "title" in attributes
    ]
    assert titles[: len(words["weights"])] == [f"{w:.3f}" for w in words["weights"]]
    assert "<b>never</b>" in page.sections["attention"]
    assert "audio 0.50" in page.sections["attention"]


def test_pictures_are_inside_the_page_and_described(page):
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 2 + 1 + 2 + 1 + 4 + 4 + 4
    for picture in pictures:
        assert picture["src"].startswith(("data:image/svg+xml;base64,", "data:image/png;base64,"))
        assert picture["alt"]


def test_nothing_is_loaded_from_anywhere_and_nothing_runs(text, page):
    without_pictures = re.sub(r"data:image/[^\"]*", "", text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", without_pictures)
    assert not {tag for tag, _ in page.tags} & {
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert set(attributes) & {"src", "href"} == set() or tag in ("img", "a")
    anchors = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert anchors == [f"#{name}" for name in page.sections]


def test_the_only_script_is_the_one_that_the_policy_names(text):
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "media-src data: 'self'" in policy


def test_untrusted_text_is_escaped(text, page):
    assert text.count("<script") == 1 and "<script>alert" not in text
    assert EVIL in page.sections["configuration-and-environment"]


def test_the_same_files_give_the_same_page(folder, text, tmp_path):
    assert report([folder], tmp_path / "again.html").read_text(encoding="utf-8") == text


def test_no_marks_where_none_are_due(text):
    assert "no test speaker is in the training split of the same fold" in text
    assert not re.search("SYNTHETIC|RANDOM WEIGHTS|SPEAKER-DEPENDENT|TRANSDUCTIVE|ENROLMENT", text)


def test_marks(tmp_path):
    table = predictions(1.0, 0).assign(corpus="synthetic_iemocap")
    table.to_parquet(tmp_path / "predictions.parquet")
    write_assignment(tmp_path, table)
    rows = pd.read_parquet(tmp_path / "assignment.parquet")
    rows.loc[(rows["fold"] == "ses0") & rows["id"].str.endswith("9"), "part"] = "train"
    rows.to_parquet(tmp_path / "assignment.parquet")
    facts = {"random_weights": True, "protocol_differences": ["s0-001 is missing"]}
    (tmp_path / "environment.json").write_text(json.dumps(facts))
    streams = {"audio": {"normalise": "speaker_zscore"}, "text": {"normalise": "zscore"}}
    enrolment = {"normalise": "speaker_zscore_enrolment"}
    streams |= {"face": {**enrolment, "enrol": 5}}
    streams |= {"pose": {**enrolment, "enrol_seconds": 30, "enrol_order": "corpus"}}
    (tmp_path / "config.yaml").write_text(json.dumps({"streams": streams}))
    text = unescape(header([read_run(tmp_path)]))
    assert "TRANSDUCTIVE: audio on the scale of each test speaker's own" in text
    assert "ENROLMENT: face by the first 5 utterances (drawn by seed 0), " in text
    assert "pose by the first 30 s (in the order of the corpus) of each test speaker" in text
    assert "SYNTHETIC DATA" in text
    assert "RANDOM WEIGHTS" in text
    assert "SPEAKER-DEPENDENT: 2 of 10 test speakers also train" in text
    assert "OTHER COUNTS than the protocol's: s0-001 is missing" in text


def test_predictions_alone_make_a_report_that_says_what_is_missing(tmp_path):
    run = tmp_path / "bare"
    run.mkdir()
    predictions(1.0, 0).drop(columns=[f"probability_{c}" for c in CLASSES]).to_parquet(
        run / "predictions.parquet"
    )
    page = Page(report([run], tmp_path / "report.html").read_text(encoding="utf-8"))
    left_out = page.sections["not-on-this-page"]
    for reason in (
        "no metrics.csv",
        "trained in one stage",
        "no learned sum of layers",
        "no fused vectors were saved",
        "no attention weights, or none were saved",
        "caches are not on this machine",
        "names no published score",
        "No config.yaml",
    ):
        assert reason in left_out
    assert list(page.sections)[:2] == ["scores", "confusion"]
    assert "attention" not in page.sections
    assert "ECE" not in page.sections["scores"]


def test_a_staged_run_without_its_layers_says_what_writes_them(tmp_path):
    predictions(1.0, 0).to_parquet(tmp_path / "predictions.parquet")
    (tmp_path / "config.yaml").write_text("stages: {first: {}, second: {}}")
    page = Page(report([tmp_path], tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "`mmser evaluate` writes it" in page.sections["not-on-this-page"]


def test_weights_of_layers_are_drawn_for_each_sum(tmp_path):
    predictions(1.0, 0).to_parquet(tmp_path / "predictions.parquet")
    rows = [
        (name, layer, weight, fold, 0)
        for name in ("voice", "text")
        for fold, weights in (("one", (0.1, 0.6, 0.3)), ("two", (0.3, 0.4, 0.3)))
        for layer, weight in enumerate(weights)
    ]
    table = pd.DataFrame(rows, columns=["sum", "layer", "weight", "fold", "seed"])
    table.to_parquet(tmp_path / "layer-weights.parquet")
    section = Page(report([tmp_path], tmp_path / "report.html").read_text(encoding="utf-8"))
    drawn = section.sections["weights-of-layers"]
    assert "no learned sum" not in drawn
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    for name in ("voice", "text"):
        assert f"Weights of 3 layers in {name}: the highest, 0.50, on 1." in html


def test_values_without_classes(tmp_path):
    run = tmp_path / "values"
    run.mkdir()
    rng = np.random.default_rng(0)
    t = rng.normal(size=60)
    table = pd.DataFrame(
        {
            "target_valence": t,
            "prediction_valence": t + rng.normal(size=60),
            "speaker": ["a", "b"] * 30,
        }
    )
    table.to_parquet(run / "predictions.parquet")
    page = Page(report([run], tmp_path / "report.html").read_text(encoding="utf-8"))
    shift = (t.mean() - table["prediction_valence"].mean()) ** 2
    covariance = np.cov(t, table["prediction_valence"], ddof=0)
    ccc = 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + shift)
    assert page.tables["scores"][0][1][:2] == ["CCC valence", f"{ccc:.3f}"]
    assert "no classes were predicted" in page.sections["not-on-this-page"]


def test_a_set_of_runs_and_conditions_is_compared_in_one_table(tmp_path):
    folder, other = tmp_path / "first", tmp_path / "second"
    folder.mkdir()
    other.mkdir()
    predictions(1.0, 0).to_parquet(folder / "predictions.parquet")
    both = pd.concat([predictions(0.5, 0), predictions(0.1, 0, "asr whisper-base")])
    both.to_parquet(other / "predictions.parquet")
    page = Page(report([folder, other], tmp_path / "report.html").read_text(encoding="utf-8"))
    overview = page.tables["scores"][0]
    assert [row[:2] for row in overview[1:]] == [
        ["first", "clean"],
        ["second", "clean"],
        ["second", "asr whisper-base"],
    ]
    asr = both[both["condition"] != "clean"]
    assert overview[3][2].split("|")[0].strip() == percent(
        sk.accuracy_score(asr["target"], asr["prediction"])
    )
    assert "second, condition asr whisper-base" in page.sections["confusion"]


def test_runs_of_one_folder_name_are_told_apart(tmp_path):
    folders = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for skill, folder in enumerate(folders):
        folder.mkdir(parents=True)
        predictions(skill, 0).to_parquet(folder / "predictions.parquet")
    page = Page(report(folders, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [row[1] for row in page.tables["leaderboard"][0][1:]] == ["b/run", "a/run"]


def test_several_runs_are_ranked_within_their_protocol(tmp_path):
    runs = {"weak": (0.2, "p"), "strong": (2.0, "p"), "another": (1.0, "q")}
    for name, (skill, protocol) in runs.items():
        (tmp_path / name).mkdir()
        table = predictions(skill, 0)
        table.to_parquet(tmp_path / name / "predictions.parquet")
        write_assignment(tmp_path / name, table)
        config = {
            "protocol": {"name": protocol},
            "streams": {"audio": {"extractor": "mfcc40", "normalise": "speaker_zscore"}},
            "solver": {"_target_": "mmser.training.solvers.linear_svm.LinearSVM"},
            "card": {"name": "statistics_svm"},
        }
        (tmp_path / name / "config.yaml").write_text(json.dumps(config))
    folders = [tmp_path / name for name in runs]
    page = Page(report(folders, tmp_path / "report.html").read_text(encoding="utf-8"))
    first, second = page.tables["leaderboard"]
    assert [row[:2] for row in first[1:]] == [["1", "strong"], ["2", "weak"]]
    assert first[1][2:4] == ["audio: mfcc40, per speaker", "statistics_svm, LinearSVM"]
    assert [row[:2] for row in second[1:]] == [["1", "another"]]
    assert [row[5] for row in first] == ["From the row above", "", "different"]
    text = page.sections["leaderboard"]
    assert "madeup, p: train and test share none of the 10 tested speakers" in text
    assert list(page.sections)[:4] == ["leaderboard", "comparison", "scores", "confusion"]
    one = Page(report(folders[:1], tmp_path / "one.html").read_text(encoding="utf-8"))
    assert "leaderboard" not in one.sections


def test_a_sentence_says_how_well_it_does_and_what_guessing_gives(tmp_path):
    table = predictions(1.0, 0)
    table.to_parquet(tmp_path / "predictions.parquet")
    text = report([tmp_path], tmp_path / "report.html").read_text(encoding="utf-8")
    sentence = re.search(r'<p class="summary">(.*?)</p>', text)[1]
    recall = (table["target"] == table["prediction"]).groupby(table["target"]).mean().mean()
    assert sentence.startswith(f"UA {100 * recall:.1f} (95% interval ")
    assert f"of {table['speaker'].nunique()} speakers" in sentence
    assert f"Guessing gives {100 / table['target'].nunique():.1f}" in sentence
    share = table["target"].value_counts(normalize=True).iloc[0]
    assert f"is right in {share:.1%} of utterances" in sentence


def test_what_cannot_be_reported_is_an_error(folder, tmp_path):
    with pytest.raises(MmserError, match=r"no predictions\.parquet in .* Run: mmser evaluate run="):
        report([tmp_path], tmp_path / "report.html")
    with pytest.raises(MmserError, match="the same one twice"):
        report([folder, folder], tmp_path / "report.html")
    with pytest.raises(MmserError, match="found none"):
        report([], tmp_path / "report.html")


def test_no_torch():
    code = "import sys, mmser.reports.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

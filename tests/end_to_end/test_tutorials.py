"""The tutorials' commands, as they stand on the page, one after another in one folder.

The corpora are small ones in the same layouts (`makers.tutorial_corpora`), and words are added that
make each command short. What does not run here is listed with its reason.
"""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import pytest
from makers.pages import PAGES, ROOT, blocks_of, commands_in, commands_of
from makers.tutorial_corpora import CORPORA

import mmser
from mmser.cli import main

DOCS = ROOT / "docs"
TUTORIALS = [DOCS / "own_data.md", *sorted((DOCS / "tutorials").glob("*.md"))]

SHORT = "protocol.allow_incomplete=true trainer.epochs=1 trainer.accelerator=cpu"
SHORTER = {
    "train system=statistics_svm": f"{SHORT} audio=mfcc",
    "train system=functionals_svm": f"{SHORT} audio=mfcc",
    "train system=speech_text corpus=iemocap": f"{SHORT} audio=mfcc text=words folds=[session1]",
    "protocol=ravdess8_group4": f"{SHORT} audio=mfcc text=words folds=[group1]",
    "text=words run=runs/gated": f"{SHORT} audio=mfcc folds=[05]",
    "train system=mcsan": f"{SHORT} weights=random folds=[session1]",
    "train system=text_bigru": f"{SHORT} folds=[05]",
    "train system=minilm_text": f"{SHORT} text=words",
    "train system=amh": f"{SHORT} weights=random",
    "extractors=[mfcc120,words,amh_resnet101]": "extractor.amh_resnet101.weights=random "
    "extractor.amh_resnet101.limit=1 workers=0",
    "extractors=[egemaps_functionals]": "extractors=[mfcc40] workers=0",
    "transcript=pocketsphinx": "transcript=corpus",
    "explore corpus=": "protocol.allow_incomplete=true",
}
"""What a command says: words that replace those of the same keys, or are added."""
SHORT_TRAINING = {
    "audio": "mfcc",
    "folds": ["05"],
    "protocol.allow_incomplete": True,
    "trainer.epochs": 1,
    "trainer.accelerator": "cpu",
}
"""The same for ``mmser.train``."""

LEFT_OUT = "--report"
"""Reports take seconds: `mmser report` of iemocap.md is the one that is drawn."""

OF_PACKAGES = "places a package of some 80 MB, which tests/weights does"
SUBMITTED = "asks for a scheduler; tests/training has its jobs"
DRAWN = "a report like that of iemocap.md, with sections that tests/reports draws"
ELSEWHERE = {
    "mmser weights get tiny.en": OF_PACKAGES,
    "mmser weights get minilm": OF_PACKAGES,
    "mmser weights get tiny.en minilm": OF_PACKAGES,
    "mmser preprocess corpus=ravdess corpus.root=RAVDESS extractors=[egemaps_functionals] "
    "shard=$SLURM_ARRAY_TASK_ID/16": SUBMITTED,
    "mmser robustness run=runs/words --asr pocketsphinx --retrain": "hears all of the corpus, "
    "which takes a quarter of a minute; tests/evaluation/stress has it",
    "mmser ablate run=runs/both --vary fusion=concat,gated": "trains again; tests/evaluation has it",
    "mmser ablate run=runs/amh": "seven subsets; ablation.md has the three of two modalities",
    "mmser report runs/both": DRAWN,
    "mmser report runs/words": DRAWN,
    "mmser train system=functionals_svm audio=functionals corpus=ravdess corpus.root=RAVDESS "
    "launcher=submitit_local run=runs/jobs": "starts a process for each fold, as tests/training does",
}
"""Commands of the tutorials that do not run here, and why."""


PARSED_ALONE = {
    "README", "app", "caches", "cluster", "commands", "formats", "gallery", "judges", "other_corpora",
    "parts", "robustness", "scores", "sharing", "training",
}  # fmt: skip
"""Pages of reference: test_run_commands.py runs what they say of a run; the other commands name a
reader's own corpora or the hub: tests/architecture/test_pages.py parses and composes them.
"""


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small corpora, each written for the first page that names it."""
    return tmp_path_factory.mktemp("tutorial_corpora")


def shortened(line: str) -> list[str]:
    """The words of a command after ``mmser``, with those of `SHORTER`."""
    words = shlex.split(line)[1:]
    added = [word for said, more in SHORTER.items() if said in line for word in more.split()]
    keys = {word.partition("=")[0] for word in added}
    kept = [word for word in words if word.partition("=")[0] not in {*keys, LEFT_OUT}]
    options = next((i for i, word in enumerate(kept) if word.startswith("--")), len(kept))
    return [*kept[:options], *added, *kept[options:]]


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_the_commands_of_a_tutorial_run_in_their_order(
    page: Path,
    corpora: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in CORPORA if name in page.read_text()]:
        if not (corpora / name).exists():
            CORPORA[name](corpora / name)
        (tmp_path / name).symlink_to(corpora / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    train = mmser.train
    monkeypatch.setattr(mmser, "train", lambda **words: train(**{**words, **SHORT_TRAINING}))
    for language, text in blocks_of(page):
        if language == "python":
            (tmp_path / f"{page.stem}_page.py").write_text(text)
            importlib.import_module(f"{page.stem}_page")
        for line in commands_in(language, text):
            if line not in ELSEWHERE:
                code = main(shortened(line))
                assert code == 0, f"{line}\n{capfd.readouterr().err}"


def test_what_does_not_run_stands_on_a_page() -> None:
    assert set(ELSEWHERE) <= {line for page in TUTORIALS for line in commands_of(page)}


def test_pages_whose_commands_are_parsed_alone_are_known() -> None:
    pages = {page.stem for page in PAGES if page not in TUTORIALS and commands_of(page)}
    assert pages == PARSED_ALONE

"""Settings that nobody can mean: each is one line that names the key and what is allowed, and no
run is begun.
"""

import random

import pytest

from mmser.cli import main
from mmser.composition import compose, merged, sweep
from mmser.core.errors import MmserError, UsageError
from mmser.pipeline.preprocess import preprocess_config
from mmser.pipeline.train import train
from mmser.settings.check import ranges_of
from mmser.settings.data import Data, Episodes
from mmser.settings.optimizer import Optimizer
from mmser.settings.run import RunSettings
from mmser.settings.stream import StreamSpec
from mmser.settings.trainer import Trainer

LONGEST = 400
TRAIN = ["system=mcsan", "corpus=ravdess", "protocol=ravdess8_speaker24"]

BAD = """
trainer.epochs=-1 trainer.epochs=0 trainer.epochs=ten trainer.epochs=1.5 trainer.epochs=true trainer.epochs=null
trainer.min_epochs=-1 trainer.max_steps=0 trainer.max_steps=-2 trainer.patience=-1 trainer.patience=abc
trainer.monitor=accuracy trainer.check_every=0 trainer.check_every=-1 trainer.check_every=nan trainer.precision=3
trainer.precision=float trainer.accelerator=quantum trainer.devices=0 trainer.devices=-3 trainer.devices=two
trainer.accumulate=0 trainer.accumulate=-1 trainer.clip_norm=-1 trainer.clip_norm=0 trainer.clip_norm=inf
trainer.clip_mode=all trainer.freeze=encoders trainer.freeze=[1] trainer.groups=[1] trainer.groups=[{lr_scale:1}]
trainer.groups=[{match:a,lr_scale:-1}] trainer.precise_norms=-1 trainer.deterministic=maybe trainer.threads=0
trainer.threads=-1 trainer.threads=100000 trainer.jobs=-1 trainer.jobs=0 trainer.jobs=many trainer.save_every=0
trainer.log_tensorboard=2 trainer.limit_train_batches=0 trainer.limit_train_batches=-1
trainer.limit_validation_batches=1.5 optimizer.lr=nan optimizer.lr=-1 optimizer.lr=abc optimizer.lr=0 optimizer.lr=inf
optimizer.weight_decay=-1 optimizer.betas=[0.9] optimizer.betas=[2,0] optimizer.betas=0.9 optimizer.eps=-1
data.batch_size=0 data.batch_size=-4 data.batch_size=many data.batch_size=1.5 data.workers=-2 data.workers=x
data.alignment=words data.grid_rate=0 data.batching=sorted data.drop_last=3 data.train_share=0 data.train_share=2
data.train_share=nan data.augmentation=3 data.episodes.tasks=0 data.episodes.by=word data.episodes=3
streams.audio.limit=0 streams.audio.limit=-3 streams.audio.size=0 streams.audio.normalise=z streams.audio.crop=tail
streams.audio=3 streams.text.vocabulary=2 streams.text.min_count=0 model.encoders.audio.size=-5
model.encoders.text.hidden_size=-5 model.encoders.text.hidden_size=0 model.encoders.text.hidden_size=1.5
model.encoders.text.input_dropout=2 model.encoders.text.merge=median model.head.dropout=2 model.head.dropout=1
model.head.dropout=nan model.head.hidden_sizes=[0] model.fusion.heads=0 model.fusion.heads=x model.fusion.cross=2
seed=-1 seed=abc seed=100000000000000000000 seeds=1 seeds=[] seeds=[0,0] seeds=[a] folds=3 folds=[] cache= run=
target_labels=2 domains=3 stages=3 stages={a:3} protocol.folds.validation_speakers=0 objective.label_smoothing=2
corpus.root= model.fusion=gated fusion=gated
"""
VALUES = BAD.split()

SAID = {
    "trainer.epochs=0": "trainer.epochs to be a whole number from 1 to 1000000000; found 0",
    "trainer.precision=3": "32-true | bf16-mixed",
    "trainer.accelerator=quantum": "auto | cpu | gpu",
    "data.batch_size=-4": "data.batch_size to be a whole number from 1",
    "seeds=1": "A list of one is written seeds=[1]",
    "model.fusion=gatd": "Did you mean gated",
    "encoders.audoi=gru": "Did you mean encoders.audio",
    "trainer.patience=-1": "or null; found -1",
    "optimizer.lr=nan": "optimizer.lr to be a number above 0",
}


@pytest.fixture(scope="module")
def saved():
    return compose("train", TRAIN)


@pytest.mark.parametrize("word", VALUES)
def test_a_value_that_is_not_allowed_is_one_clear_line(saved, word):
    with pytest.raises(UsageError) as refused:
        merged(saved, [word])
    told = str(refused.value)
    assert len(told) < LONGEST
    assert "\n" not in told
    assert word.partition("=")[0].replace("seed=", "seeds=") in told or word.startswith(
        ("seed=", "fusion=")
    )
    assert SAID.get(word, "") in told


ODD = """
-1 0 1.5 nan inf -inf abc 10000000000000000000000 true null [] [-1] {} {a:b} [null] '1' é 1e400 [[1]] -0.0 ${seeds}
${nothing} ???
"""
NONSENSE = ["", "a b", *ODD.split()]
SECTIONS = {"": RunSettings, "trainer.": Trainer, "data.": Data, "data.episodes.": Episodes, "optimizer.": Optimizer,
            "streams.audio.": StreamSpec}  # fmt: skip
OPTIONS = [f"{section}{name}" for section, kind in SECTIONS.items() for name in ranges_of(kind)]


def test_nonsense_in_any_option_is_taken_or_refused_and_never_breaks(saved):
    draw, refused = random.Random(0), 0
    for _ in range(150):
        word = f"{draw.choice(OPTIONS)}={draw.choice(NONSENSE)}"
        try:
            merged(saved, [word])
        except MmserError as error:
            refused += 1
            assert len(str(error)) < LONGEST, word
    assert refused > 75


@pytest.mark.parametrize(
    "words",
    [
        [*TRAIN, "trainer.epochs=ten"],
        [*TRAIN, "+epochs=3"],
        [*TRAIN, "fusion=gatd"],
        [*TRAIN[:2], "protocol=ravdes"],
        ["system=functional", "corpus=ravdess"],
        ["system=mcsan", "corpus=ravdes"],
        ["system=mcsan"],
        ["corpus=ravdess"],
        ["mcsan"],
        ["--multirun", *TRAIN, "trainer.epochs=1,0"],
    ],
)
def test_a_command_with_a_bad_setting_is_wrong_usage_in_one_line(
    words, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *words]) == 2
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1
    assert len(told) < LONGEST
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "word",
    ["extractors=[mfcc40", "extractors=[mfc40]", "max_failures=abc", "max_failures=2", "max_failures=-1", "workers=-1",
     "workers=x", "frame_rate=0", "frame_rate=-3", "frame_rate=nan", "transcript=wisper", "weights=",
     "extractor.mfcc40.coefficients=0", "extractor.mfcc40.window_ms=0", "extractor.mfcc40.windw_ms=3", "cache=",
     "extractors=[mfcc40,mfcc40]", "corpus=nothing"],
)  # fmt: skip
def test_preprocess_refuses_before_it_looks_at_the_corpus(word):
    words = {
        "corpus": "corpus=ravdess",
        "extractors": "extractors=[mfcc40]",
        "root": "corpus.root=/nosuch",
    }
    words[word.partition("=")[0]] = word
    with pytest.raises(UsageError) as refused:
        preprocess_config([*words.values()])
    assert len(str(refused.value)) < LONGEST


def test_a_sweep_is_checked_whole_before_its_first_run():
    with pytest.raises(UsageError, match=r"data\.batch_size to be a whole number"):
        sweep("train", [*TRAIN, "trainer.epochs=1,2", "data.batch_size=8,0"], lambda settings: 0.0)


@pytest.mark.parametrize(
    ("extractor", "said"),
    [
        ("words@whispr", "name of a transcriber or aligner; found 'whispr'. Did you mean whisper"),
        ("wordz", "name of an extractor; found 'wordz'. Did you mean words"),
    ],
)
def test_a_store_that_nothing_can_make_is_refused_before_another_is_made(
    extractor, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rows = [f"u{row},s{row // 4},so it is,{('glad', 'sad')[row % 2]}" for row in range(16)]
    (tmp_path / "manifest.csv").write_text("\n".join(["id,speaker,transcript,emotion", *rows]))
    words = [
        "system=text_bigru",
        "corpus=generic",
        f"corpus.root={tmp_path}",
        "streams.text.vocabulary=true",
    ]
    words += ["encoder@model.encoders.text=embedding_gru", "streams.text.extractor=words"]
    with pytest.raises(UsageError, match=said):
        train(*words, f"+streams.other.extractor={extractor}")
    assert not (tmp_path / "cache").exists()

"""What stands under each command's ``--help``: commands that work, the commonest first."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "list": (
        "mmser list systems --recommended",
        "mmser list systems --modality audio --modality text",
        "mmser list extractors --wide",
    ),
    "show": ("mmser show mcsan", "mmser show extractor mfcc40", "mmser show protocol meld7"),
    "demo": ("mmser demo", "mmser demo out=elsewhere"),
    "manifest": (
        "mmser manifest recordings",
        "mmser manifest recordings --pattern '{emotion}_{speaker}_{n}.wav'",
        "mmser manifest recordings --pattern '{speaker:2}{text:3}{emotion:1}{}'",
        "mmser manifest labels.csv --media recordings --columns emotion=annotation,speaker=who",
        "mmser manifest talk.TextGrid --tier emotion --speaker anna",
    ),
    "explore": (
        "mmser explore corpus=generic corpus.root=recordings/manifest.csv",
        "mmser explore corpus=ravdess corpus.root=DIR protocol=ravdess8_group6 --out ravdess.html",
        "mmser explore corpus=meld corpus.root=DIR --all",
    ),
    "preprocess": (
        "mmser preprocess corpus=ravdess corpus.root=DIR extractors=[mfcc40,waveform]",
        "mmser preprocess corpus=meld corpus.root=DIR extractors=[glove] transcript=corpus",
        "mmser preprocess corpus=meld corpus.root=DIR extractors=[wavlm_base_plus] shard=3/16",
    ),
    "cache": (
        "mmser cache info cache",
        "mmser cache verify cache",
        "mmser cache merge cache",
    ),
    "train": (
        "mmser train system=statistics_svm corpus=ravdess corpus.root=DIR --report",
        "mmser train system=mcsan corpus=meld corpus.root=DIR seeds=[0,1,2] trainer.jobs=2",
        "mmser train system=mcsan fusion=gated corpus=meld corpus.root=DIR trainer.epochs=5",
    ),
    "search": (
        "mmser search system=mcsan corpus=meld corpus.root=DIR fusion=gated,tfn "
        "'optimizer.lr=tag(log,interval(1e-5,1e-2))' --trials 30 --jobs 2",
    ),
    "runs": ("mmser runs", "mmser runs elsewhere --sort date", "mmser runs --metric wf1"),
    "evaluate": (
        "mmser evaluate run=runs/NAME",
        "mmser evaluate run=runs/NAME corpus=emovo corpus.root=DIR",
        "mmser evaluate run=runs/NAME corpus=emovo corpus.root=DIR scale=own",
        "mmser evaluate model=owner/name@commit corpus=ravdess corpus.root=DIR",
    ),
    "crosscorpus": (
        "mmser crosscorpus corpora=[emodb,emovo] emodb.root=A emovo.root=B system=statistics_svm",
    ),
    "score": ("mmser score runs/NAME", "mmser score predictions.csv --out scores.csv"),
    "fuse": ("mmser fuse runs/A runs/B --out fused",),
    "report": ("mmser report runs/NAME", "mmser report runs/A runs/B --out both.html"),
    "robustness": ("mmser robustness run=runs/NAME",),
    "ablate": ("mmser ablate run=runs/NAME",),
    "predict": (
        "mmser predict run=runs/NAME clip.mp4",
        "mmser predict run=runs/NAME clip.mp4 --html",
        "mmser predict run=runs/NAME folder --table predictions.csv",
        "mmser predict run=runs/NAME recordings.csv",
        "mmser predict run=runs/NAME recordings --audformat recordings",
        "mmser predict run=runs/NAME talk.wav --formats textgrid,eaf,audacity,labelstudio",
        "mmser predict model=owner/name@commit clip.mp4",
    ),
    "app": (
        "mmser app run=runs/NAME",
        "mmser app run=models/mine --asr pocketsphinx --port 8000",
        "mmser app model=owner/name@commit",
    ),
    "compare": ("mmser compare runs/A runs/B", "mmser compare runs/A --published mcsan"),
    "soup": ("mmser soup run=runs/NAME --out runs/SOUP",),
    "export": (
        "mmser export run=runs/NAME --out models/mine",
        "mmser export run=runs/NAME --space spaces/mine --fold all",
        "mmser export run=runs/NAME --onnx mine.onnx",
    ),
    "export-features": (
        "mmser export-features run=runs/NAME",
        "mmser export-features run=runs/NAME --format datasets",
        "mmser export-features store=cache/meld/mfcc40 out=mfcc40 --format npy",
    ),
    "push": ("mmser push models/mine owner/name --private",),
    "weights": ("mmser weights", "mmser weights get tiny.en minilm"),
    "doctor": ("mmser doctor",),
    "completion": ("mmser completion bash --install", "mmser completion zsh"),
}

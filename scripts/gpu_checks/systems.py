"""Every system: its outputs on the device and on the CPU, and one training step of each of its
stages.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpu_checks.corpus import extractor_config, fill_caches, is_drawn
from mmser.core.batch import Batch
from mmser.core.configs import config_names, load_config
from mmser.data.fold_data import FoldData
from mmser.pipeline.train_settings import train_settings
from mmser.runs.training_stages import Stage, list_stages
from mmser.training.components.construction import make_model
from mmser.training.epochs import make_learner
from mmser.training.inputs.corpora import build_corpora
from mmser.training.inputs.sources import assign_folds, open_fold, read_corpus_manifest
from mmser.training.loop.learner import Learner

FOLD = "session1"
TOLERANCES = {"float32": 1e-4, "bfloat16": 5e-2}
"""Largest difference of an output to the CPU's in float32, relative to the largest output."""

META = {"metaser", "metaser_tuned", "transser", "multiser"}
"""These learn from further corpora first."""

TWICE = {"transser_sequential"}
"""The parts and the steps of another one, over several further corpora in turn."""


def system_names() -> list[str]:
    """Every system, the small twin of those that have one."""
    names = config_names("system")
    return [name for name in names if f"{name}_small" not in names and name not in TWICE]


def settings_of(name: str, folder: Path) -> dict[str, Any]:
    """A system on one fold of the synthetic corpus, its caches filled, in batches of eight."""
    tasks = load_config("system", name).get("card", {}).get("tasks", [])
    dimensional = bool(tasks) and all(task.endswith("_vad") for task in tasks)
    protocol = "synthetic_vad" if dimensional else "synthetic4_loso5"
    words = [
        f"system={name}",
        "corpus=synthetic",
        f"protocol={protocol}",
        "weights=random",
        "data.batch_size=8",
    ]
    places = [
        f"corpus.root={folder / 'nowhere'}",
        f"cache={folder / 'cache'}",
        f"paths.runs={folder / 'runs'}",
    ]
    settings = train_settings([*words, *places, f"folds=[{FOLD}]"])
    if name in META:
        _add_sources(settings)
    for stream in _all_streams(settings):
        if "extractor" in stream and is_drawn(extractor_config(stream["extractor"])):
            stream["size"] = None
    fill_caches(settings)
    return settings


def _all_streams(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from settings["streams"].values()
    for stage in (settings.get("stages") or {}).values():
        yield from ((stage or {}).get("streams") or {}).values()


def _add_sources(settings: dict[str, Any]) -> None:
    other = train_settings(
        ["system=audio_bigru", "corpus=synthetic_meld", "protocol=synthetic_meld4"]
    )
    labels = {"neutral": "neutral", "sadness": "sad", "joy": "happy", "anger": "angry"}
    protocol = other["protocol"] | {"classes": settings["protocol"]["classes"], "labels": labels}
    settings["domains"] = {"other": {"corpus": other["corpus"], "protocol": protocol}}
    episodes = {"tasks": 2, "support": 2, "query": 1}
    settings["data"]["episodes"] |= {**episodes, "count": 2}
    for stage in settings["stages"].values():
        if "tasks" in (stage.get("objective") or {}):
            stage["objective"] |= episodes


class Prepared:
    """One stage of a system: its model and objective on the CPU, and the first batches of its
    training split.
    """

    def __init__(self, stage: Stage) -> None:
        settings = stage.settings
        corpora = build_corpora(settings)
        manifest = read_corpus_manifest(settings.cache, corpora.names)
        assignment, _ = assign_folds(corpora, manifest, settings.target_labels)
        data: FoldData = open_fold(settings, corpora, manifest, assignment, FOLD, 0)
        torch.manual_seed(0)
        self.model = make_model(settings.model, data.input_sizes, data.task)
        self.learner = make_learner(settings, self.model, data.task, 0)
        self.batch: Batch = next(iter(data.loader("train", shuffle=True)))


def prepared(name: str, folder: Path) -> Iterator[Prepared]:
    for stage in list_stages(settings_of(name, folder)):
        yield Prepared(stage)


def forward(name: str, folder: Path, device: torch.device) -> str:
    """The outputs in evaluation mode against the CPU's, in float32 and under bfloat16."""
    *_, last = prepared(name, folder)
    expected = _answers(last.model.eval(), last.batch)
    moved, batch = copy.deepcopy(last.model).to(device).eval(), last.batch.to(device)
    differences = {}
    for dtype, tolerance in TOLERANCES.items():
        with _precision(dtype, device):
            found = _answers(moved, batch)
        differences[dtype] = max(_difference(expected[key], found[key]) for key in expected)
        if not differences[dtype] <= tolerance:
            raise AssertionError(
                f"{dtype} differs by {differences[dtype]:.1e}, more than {tolerance:g}"
            )
    return " ".join(f"{dtype} {value:.1e}" for dtype, value in differences.items())


def step(name: str, folder: Path, device: torch.device) -> str:
    """A training step of each stage, in float32 and under bfloat16: finite losses, finite
    gradients, finite weights.
    """
    told = []
    for part in prepared(name, folder):
        for dtype in TOLERANCES:
            learner = copy.deepcopy(part.learner).to(device).train()
            losses = _step(learner, part.batch.to(device), dtype, device)
            told.append(f"{losses:.2f}")
    return f"losses {' '.join(told)}"


def _step(learner: Learner, batch: Batch, dtype: str, device: torch.device) -> float:
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-4)
    with _precision(dtype, device):
        total = learner.step(batch).total
    total.backward()
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients or not all(bool(gradient.isfinite().all()) for gradient in gradients):
        raise AssertionError(f"{dtype}: gradients that are not finite, or none")
    optimizer.step()
    learner.after_step()
    if not all(bool(p.isfinite().all()) for p in parameters):
        raise AssertionError(f"{dtype}: weights that are not finite after a step")
    return float(total)


def _answers(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    with torch.inference_mode():
        out = model(batch.streams, batch.context)
    named = {"vector": out.vector, "logits": out.logits, "values": out.values}
    return {key: tensor.float().cpu() for key, tensor in named.items() if tensor is not None}


def _difference(expected: Tensor, found: Tensor) -> float:
    return float((expected - found).abs().max() / expected.abs().max().clamp_min(1.0))


def _precision(dtype: str, device: torch.device) -> Any:
    return torch.autocast(device.type, torch.bfloat16) if dtype == "bfloat16" else nullcontext()

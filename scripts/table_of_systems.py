"""One row per system: parameters, seconds of a training step, peak memory; as a Markdown table.

    python scripts/table_of_systems.py --root corpora/synthetic --cache cache [--systems mcsan amh]
    [--out table.md]

Each system runs in a process of its own on the CPU with one thread, on the synthetic corpus (its
caches are made when they are missing, with random weights), eight utterances a batch, the loss of
its last stage. Times are CPU seconds of the median step, forward to optimizer; memory is the peak
during the steps above what the process held before them. A system with a small twin is timed
through the twin: of the large one only the parameters are counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mmser.core.configs import config_names, load_config


def settings_for(name: str, root: str, cache: str) -> dict[str, Any]:
    """The training settings of a system on the synthetic corpus."""
    from mmser.pipeline.train_settings import train_settings

    tasks = load_config("system", name).get("card", {}).get("tasks", [])
    protocol = (
        "synthetic_vad" if tasks and all(t.endswith("_vad") for t in tasks) else "synthetic4_loso5"
    )
    words = [f"system={name}", "corpus=synthetic", f"protocol={protocol}", "weights=random"]
    return train_settings([*words, f"corpus.root={root}", f"cache={cache}", "data.batch_size=8"])


def memory(line: str) -> float:
    """MiB of this process (Linux): VmRSS, what it holds, or VmHWM, its peak since `forget_peak`."""
    return (
        int(Path("/proc/self/status").read_text(encoding="ascii").split(f"{line}:")[1].split()[0])
        / 2**10
    )


def forget_peak() -> None:
    """The peak starts again from what is held now: making the caches may have taken more than any
    step.
    """
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def measured(name: str, root: str, cache: str, steps: int) -> dict[str, Any]:
    """Parameters, step seconds and MiB of one system, in this process."""
    import torch

    from mmser.pipeline.caches import ensure_caches
    from mmser.runs.training_stages import list_stages
    from mmser.training.components.construction import make_model, parameter_count
    from mmser.training.epochs import make_learner
    from mmser.training.inputs.corpora import build_corpora
    from mmser.training.inputs.sources import assign_folds, open_fold, read_corpus_manifest

    torch.set_num_threads(1)
    torch.manual_seed(0)
    (*_, stage) = list_stages(settings_for(name, root, cache))
    ensure_caches(stage.config)
    settings = stage.settings
    corpora = build_corpora(settings)
    manifest = read_corpus_manifest(settings.cache, corpora.names)
    assignment, _ = assign_folds(corpora, manifest, settings.target_labels)
    fold = str(assignment["fold"].iloc[0])
    data = open_fold(settings, corpora, manifest, assignment, fold, 0)
    model = make_model(settings.model, data.input_sizes, data.task)
    learner = make_learner(settings, model, data.task, 0).train()
    batches = [
        batch for batch, _ in zip(data.loader("train", shuffle=False), range(steps), strict=False)
    ]
    optimizer = torch.optim.SGD(learner.parameters(), lr=1e-6)
    forget_peak()
    before, times = memory("VmRSS"), []
    for batch in batches:
        start = time.process_time()
        learner.step(batch).total.backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.process_time() - start)
    seconds = statistics.median(times)
    return {
        "parameters": parameter_count(model),
        "seconds": seconds,
        "mib": memory("VmHWM") - before,
    }


def row(name: str, facts: dict[str, Any] | str) -> str:
    """The Markdown row of one system."""
    card = load_config("system", name).get("card", {})
    published = card.get("parameters")
    stated = f"{published:,}" if isinstance(published, int) else ""
    if isinstance(facts, str):
        return f"| {name} | {stated} | | | | {facts} |"
    return (
        f"| {name} | {stated} | {facts['parameters']:,} | {facts['seconds']:.2f} | "
        f"{facts['mib']:.0f} | |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root", required=True, help="the synthetic corpus, written when it is missing"
    )
    parser.add_argument("--cache", required=True)
    parser.add_argument("--systems", nargs="+", default=config_names("system"))
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one, options.root, options.cache, options.steps)))
        return
    lines = [
        "| system | parameters on the card | trainable here | step, CPU s | step, MiB | note |",
        "|---|---|---|---|---|---|",
    ]
    for name in options.systems:
        if f"{name}_small" in config_names("system"):
            lines.append(row(name, "timed as its small twin"))
            continue
        words = [
            sys.executable,
            __file__,
            "--root",
            options.root,
            "--cache",
            options.cache,
            "--one",
            name,
        ]
        done = subprocess.run(
            [*words, "--steps", str(options.steps)], capture_output=True, text=True, check=False
        )
        failed = done.stderr.strip().splitlines()[-1:] or ["failed"]
        lines.append(
            row(
                name,
                json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else failed[0],
            )
        )
        print(lines[-1], flush=True)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

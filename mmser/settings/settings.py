"""Everything a resolved config says, checked once, where it is composed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmser.settings.check import check_complete, check_options, ranges_of, unknown_option
from mmser.settings.data import Data, Episodes
from mmser.settings.optimizer import Optimizer
from mmser.settings.part import argument_names, check_part
from mmser.settings.preprocess import Engine, Preprocess
from mmser.settings.readers import check_readers
from mmser.settings.run import RunSettings
from mmser.settings.stage import Stage
from mmser.settings.stream import StreamSpec
from mmser.settings.trainer import Group, Trainer

PARTS = ("corpus", "protocol", "objective", "scheduler", "model", "solver")


def check_run(settings: Mapping[str, Any]) -> None:
    """Raise UsageError for the first option of a training run that is unknown or out of its range.

    What is not there is not missed (`require_run` does), so that parts of a config can be checked
    too.
    """
    check_options(RunSettings, settings, "")
    _check_sections(settings, "")
    for name, domain in (settings.get("domains") or {}).items():
        check_part(domain, f"domains.{name}")
    for name, stage in (settings.get("stages") or {}).items():
        check_options(Stage, stage or {}, f"stages.{name}")
        _check_sections(stage or {}, f"stages.{name}.")


def require_run(settings: Mapping[str, Any]) -> None:
    """Raise UsageError unless the config is that of a training run.

    It has every option without a default, and encoders that read its streams.
    """
    check_complete(RunSettings, settings, "")
    check_complete(Trainer, settings["trainer"], "trainer")
    check_complete(Data, settings["data"], "data")
    check_readers(settings)


def require_preprocess(settings: Mapping[str, Any]) -> None:
    """The same for `mmser preprocess`."""
    check_complete(Preprocess, settings, "")


def check_preprocess(settings: Mapping[str, Any]) -> None:
    """The same for `mmser preprocess`."""
    check_options(Preprocess, settings, "")
    check_options(Engine, settings.get("engine") or {}, "engine")
    check_part(settings.get("corpus"), "corpus")
    check_part(settings.get("transcriber"), "transcriber")
    check_part(settings.get("aligner"), "aligner")
    for name, part in (settings.get("extractor") or {}).items():
        check_part(part, f"extractor.{name}")


def _check_sections(settings: Mapping[str, Any], prefix: str) -> None:
    """The parts that a run and each of its stages may have; ``prefix`` is "" or "stages.NAME."."""
    trainer, data = settings.get("trainer") or {}, settings.get("data") or {}
    check_options(Trainer, trainer, f"{prefix}trainer")
    for place, group in enumerate(trainer.get("groups") or ()):
        _check_group(group, settings.get("optimizer") or {}, f"{prefix}trainer.groups[{place}]")
    check_options(Data, data, f"{prefix}data")
    check_options(Episodes, data.get("episodes") or {}, f"{prefix}data.episodes")
    check_part(data.get("augmentation"), f"{prefix}data.augmentation")
    check_options(Optimizer, settings.get("optimizer") or {}, f"{prefix}optimizer", others=True)
    check_part(settings.get("optimizer"), f"{prefix}optimizer")
    for name, stream in (settings.get("streams") or {}).items():
        check_options(StreamSpec, stream, f"{prefix}streams.{name}")
    for name in PARTS:
        check_part(settings.get(name), f"{prefix}{name}")


def _check_group(group: Mapping[str, Any], optimizer: Mapping[str, Any], where: str) -> None:
    """torch would pass over an option that its optimizer does not have."""
    check_options(Group, group, where, others=True)
    check_complete(Group, group, where)
    known = argument_names(str(optimizer.get("_target_", "")))
    further = [key for key in group if known is not None and key not in (*known, *ranges_of(Group))]
    if further:
        raise unknown_option(f"{where}.{further[0]}", [*(known or ()), *ranges_of(Group)])
    check_options(
        Optimizer,
        {key: value for key, value in group.items() if key not in ranges_of(Group)},
        where,
        True,
    )

"""Where a saved config may have files written.

It may be somebody else's, and names folders of its own choice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmser.core.errors import UsageError
from mmser.runs.run_paths import CONFIG

MADE = {"run": CONFIG, "cache": "*/manifest.parquet", "paths.runs": f"*/{CONFIG}"}
"""What lies in a folder that mmser has written to before."""


def check_places(settings: Mapping[str, Any], typed: Collection[str], config: Path) -> None:
    """Raise UsageError when a saved ``config`` would write where its reader did not say.

    Free are the keys in ``typed``, what lies below the working directory or the config's own
    folder, and folders that mmser made.
    """
    run = settings.get("run")
    places = {"run": run} if run else {"paths.runs": settings["paths"]["runs"]}
    for key, place in {"cache": settings["cache"], **places}.items():
        folder = Path(place).expanduser().resolve()
        near = any(
            folder.is_relative_to(parent.resolve()) for parent in (Path.cwd(), config.parent)
        )
        if key not in typed and not near and not any(folder.glob(MADE[key])):
            raise UsageError(
                f"{key}=DIR, where {config} would write outside this folder",
                str(folder),
                f"Write {key}={place} as well.",
            )

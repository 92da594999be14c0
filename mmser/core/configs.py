"""The registry: ``configs/<group>/<name>.yaml``, read as plain YAML so that listing needs no heavy
library.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from mmser.core.errors import UsageError

FEW = 12
"""Names that an error lists."""


def config_dir() -> Path:
    """The configs folder: inside the package when installed from a wheel, beside it
    in a checkout.
    """
    package = Path(__file__).resolve().parent.parent
    shipped = package / "configs"
    return shipped if shipped.is_dir() else package.parent / "configs"


def config_names(group: str) -> list[str]:
    """Names of every config of a group, sorted."""
    return sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))


def load_config(group: str, name: str) -> dict[str, Any]:
    """The raw mapping of one config (no interpolation, no defaults list resolved).

    Raises UsageError, with the nearest names, when there is none.
    """
    import yaml

    path = config_dir() / group / f"{name}.yaml"
    if not path.is_file():
        raise unknown_name(group, name, config_names(group))
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def unknown_name(group: str, name: str, known: list[str]) -> UsageError:
    """The error for a name that is not in the registry, suggesting the nearest ones."""
    near = difflib.get_close_matches(name, known, n=3)
    some = ", ".join(known[:FEW]) + (
        f" and {len(known) - FEW} more (`mmser list`)" if len(known) > FEW else ""
    )
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {some or 'none'}."
    return UsageError(
        f"the name of {'an' if group[0] in 'aeio' else 'a'} {group}", f"'{name[:60]}'", hint
    )

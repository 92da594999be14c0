"""Which parameters learn, and at which rate: by name patterns of the config.

A pattern is a shell pattern on the parameter's name inside the model (``encoders.audio.*``); the
objective's own parameters are ``objective.*``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol, runtime_checkable

from torch import nn

from mmser.core.errors import MmserError

Group = Mapping[str, Any]
"""``{match: pattern, lr_scale: 0.1, weight_decay: 2e-6, ...}``: whatever else it holds goes to the
optimizer.
"""

Named = Iterable[tuple[str, nn.Parameter]]


@runtime_checkable
class DepthRates(Protocol):
    """A part whose lower layers learn more slowly than the optimizer's rate."""

    def learning_rates(self) -> Mapping[str, float]:
        """{parameter of the part: share of the rate}; those not named learn at the whole rate."""
        ...


def freeze(named: Named, patterns: Sequence[str]) -> None:
    """Parameters matched by any pattern stop learning.

    Raises MmserError for a pattern that matches nothing.
    """
    parameters = _by_name(named)
    for pattern in patterns:
        for name in _matched(parameters, pattern, "trainer.freeze"):
            parameters[name].requires_grad_(False)


def frozen_modules(model: nn.Module, patterns: Sequence[str]) -> list[nn.Module]:
    """The modules with parameters of which none learns, outermost first.

    None at all when no pattern freezes any.
    """
    if not patterns:
        return []
    frozen = []
    for module in model.modules():
        flags = [parameter.requires_grad for parameter in module.parameters()]
        if flags and not any(flags):
            frozen.append(module)
    return frozen


def rates_inside(model: nn.Module) -> dict[str, float]:
    """{parameter of ``model``: share of the learning rate} of the parts that say so."""
    shares = {}
    for place, module in model.named_modules():
        if isinstance(module, DepthRates):
            for name, share in module.learning_rates().items():
                shares[f"{place}.{name}"] = share
    return shares


def parameter_groups(
    named: Named,
    groups: Sequence[Group],
    optimizer: Callable[..., Any],
    shares: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """Optimizer groups: each learning parameter in the first group that matches it.

    The parameters that match none are one more group.
    ``lr_scale`` multiplies the learning rate that ``optimizer`` (a partial) carries. ``shares``
    (see `rates_inside`) multiplies it further: a group falls apart by them, the largest share last.
    """
    remaining = {
        name: parameter for name, parameter in _by_name(named).items() if parameter.requires_grad
    }
    if not remaining:
        raise MmserError(
            "at least one parameter that learns", "all frozen", "Correct trainer.freeze."
        )
    # Probed, as only a `functools.partial` carries keywords.
    base = getattr(optimizer, "keywords", {}).get("lr")
    built = []
    for group in groups:
        names = _matched(remaining, str(group["match"]), "trainer.groups")
        options = {key: value for key, value in group.items() if key not in ("match", "lr_scale")}
        if "lr_scale" in group:
            options["lr"] = _scaled(base, float(group["lr_scale"]))
        members = {name: remaining.pop(name) for name in names}
        built += _by_share(members, options, shares or {}, base)
    return built + _by_share(remaining, {}, shares or {}, base)


def _by_share(
    members: Mapping[str, nn.Parameter],
    options: Mapping[str, Any],
    shares: Mapping[str, float],
    base: float | None,
) -> list[dict[str, Any]]:
    """One group for each share of the learning rate among ``members``, the largest last."""
    names_by_share: dict[float, list[str]] = {}
    for name in members:
        names_by_share.setdefault(shares.get(name, 1.0), []).append(name)
    built = []
    for share, names in sorted(names_by_share.items()):
        group = {"params": [members[name] for name in names], **options}
        if share != 1.0:
            group["lr"] = _scaled(options.get("lr", base), share)
        built.append(group)
    return built


def _scaled(base: float | None, scale: float) -> float:
    if base is None:
        raise MmserError(
            "an optimizer with lr", "none", "Set optimizer.lr; lr_scale multiplies it."
        )
    return base * scale


def _by_name(named: Named) -> dict[str, nn.Parameter]:
    return {name.removeprefix("model."): parameter for name, parameter in named}


def _matched(parameters: Mapping[str, nn.Parameter], pattern: str, key: str) -> list[str]:
    names = [name for name in parameters if fnmatchcase(name, pattern)]
    if not names:
        heads = sorted({".".join(name.split(".")[:2]) for name in parameters})
        raise MmserError(
            f"a parameter matching '{pattern}'",
            "none",
            f"Correct {key}; known: {', '.join(heads)}.",
        )
    return names

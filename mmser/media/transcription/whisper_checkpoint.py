"""OpenAI's Whisper in one file: its network, and the heads that follow the times of words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from mmser.core.errors import MmserError, reason_of
from mmser.core.file_digest import digest
from mmser.core.finite import check_finite
from mmser.core.paths import expanded

_UNREADABLE = (
    UnpicklingError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    EOFError,
    OSError,
)


class WhisperCheckpoint:
    """``model`` is a size name or the path of a .pt file: see `Whisper`.

    ``path`` is the file; it is known by its digest, whatever it is called.
    """

    def __init__(self, model: str, weights: str | Path, device: str | None = None) -> None:
        places = expanded(model), expanded(weights)
        self.path = next(
            (path for path in places if path.suffix == ".pt"), places[1] / f"{model}.pt"
        )
        self.device = device

    @property
    def facts(self) -> Mapping[str, str | None]:
        """``model``, the name it was published under, and ``weights``, its digest.

        Raises MmserError when the file is not there.
        """
        return {"model": self.published, "weights": self.digest}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file. Raises MmserError when it is not there."""
        if not self.path.is_file():
            raise self._missing()
        return digest(self.path)

    @property
    def published(self) -> str | None:
        """The name under which this file was published, by its digest; None for another."""
        import whisper

        published = {
            address.split("/")[-2]: Path(address).stem for address in whisper._MODELS.values()
        }
        return published.get(self.digest)

    @cached_property
    def network(self) -> Any:
        """The network.

        A published checkpoint gets its alignment heads, without which word times are less exact.
        Raises MmserError when the file is missing or unfit.
        """
        import torch
        import whisper

        name = self.published
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            # What whisper.load_model does for a file; it would keep nothing but the network.
            checkpoint = torch.load(self.path, map_location="cpu", weights_only=True)
            model = whisper.model.Whisper(whisper.model.ModelDimensions(**checkpoint["dims"]))
            model.load_state_dict(checkpoint["model_state_dict"])
            model = model.to(device)
        except _UNREADABLE as error:
            found = f"{self.path}, which does not load ({reason_of(error)})"
            raise MmserError("an OpenAI Whisper checkpoint", found, "Download it anew.") from error
        check_finite(model.state_dict(), self.path)
        if name is not None:
            model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
        elif checkpoint.get("alignment_heads") is not None:
            _set_own_heads(model, checkpoint["alignment_heads"], self.path)
        return model

    def _missing(self) -> MmserError:
        import whisper

        address = whisper._MODELS.get(self.path.stem, "a Whisper checkpoint (.pt)")
        return MmserError(
            f"the Whisper checkpoint '{self.path.stem}'",
            f"no file {self.path}",
            f"Download {address} and put it there, or set its `model` or `weights` to a .pt file "
            "(the folder of all weights is paths.weights; `mmser weights` lists what can be "
            "placed).",
        )


def _set_own_heads(model: Any, heads: Any, path: Path) -> None:
    """Give the model the heads that follow the words' times, as its checkpoint lists them.

    They are [layer, head] pairs, as `mmser weights get` writes them.
    """
    import torch

    follows = torch.zeros(model.dims.n_text_layer, model.dims.n_text_head, dtype=torch.bool)
    try:
        for layer, head in heads:
            follows[layer, head] = True
    except (TypeError, ValueError, IndexError) as error:
        raise MmserError(
            f"alignment_heads as [layer, head] pairs of {len(follows)} layers",
            f"{str(heads)[:80]} in {path}",
            "Place the checkpoint anew.",
        ) from error
    model.register_buffer("alignment_heads", follows.to_sparse(), persistent=False)

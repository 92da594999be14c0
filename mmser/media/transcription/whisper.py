"""OpenAI Whisper (Radford et al. 2023) with word times, from a checkpoint on disk.

Nothing is downloaded. Every utterance has a window of 30 s to itself: several in one window repeat
sentences and give words to each other.

Differs: temperature 0 only. Whisper falls back to random sampling when its own output looks poor,
which would make a transcript depend on chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np

from mmser.core.clip import Transcript
from mmser.core.errors import MmserError, reason_of
from mmser.core.file_digest import digest
from mmser.core.finite import check_finite
from mmser.core.paths import expanded
from mmser.core.utterance import Word
from mmser.media.silence import is_silent

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


class Whisper:
    """``model`` is a size name (tiny, base.en, large-v3, ...) or the path of a .pt file.

    A size name is that of ``<name>.pt`` in ``weights``. ``weights`` may be the .pt file itself.
    ``language`` is a code such as "en"; None lets Whisper detect it in each utterance. ``device``
    is a torch device, None the GPU where there is one.
    """

    def __init__(
        self,
        model: str = "base",
        weights: str | Path = "weights/whisper",
        language: str | None = None,
        device: str | None = None,
    ) -> None:
        places = expanded(model), expanded(weights)
        self.path = next(
            (path for path in places if path.suffix == ".pt"), places[1] / f"{model}.pt"
        )
        self.name = f"whisper-{self.path.stem}"
        self.language, self.device = language, device

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the checkpoint is not there."""
        return {
            "transcriber": "whisper",
            # What the digest says, not the file's name.
            "model": self._published,
            "weights": self._digest,
            "language": self.language,
            # Utterances could once share a window; the word is kept so that earlier transcripts are
            # still known.
            "group_short": False,
        }

    def transcribe(self, waveforms: Sequence[np.ndarray]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz, one after the other.

        Silence is not given to Whisper, which would make words up. Raises MmserError when the
        checkpoint is missing or unfit.
        """
        return [self._transcribe(waveform) for waveform in waveforms]

    def _transcribe(self, waveform: np.ndarray) -> Transcript:
        words = () if is_silent(waveform) else self._words(waveform)
        return Transcript(" ".join(word.text for word in words), self.name, words)

    def _words(self, waveform: np.ndarray) -> tuple[Word, ...]:
        result = self._model.transcribe(
            np.ascontiguousarray(waveform, dtype=np.float32),
            language=self.language,
            word_timestamps=True,
            temperature=0.0,
            condition_on_previous_text=False,
            fp16=self._model.device.type == "cuda",
            verbose=None,
        )
        spoken = chain.from_iterable(segment["words"] for segment in result["segments"])
        words = [
            Word(
                word["word"].strip(),
                float(word["start"]),
                float(word["end"]),
                float(word["probability"]),
            )
            for word in spoken
        ]
        return tuple(word for word in words if word.text)

    @cached_property
    def _digest(self) -> str:
        if not self.path.is_file():
            raise self._missing()
        return digest(self.path)

    @property
    def _published(self) -> str | None:
        """The name under which this file was published, by its digest; None for another."""
        import whisper

        published = {
            address.split("/")[-2]: Path(address).stem for address in whisper._MODELS.values()
        }
        return published.get(self._digest)

    @cached_property
    def _model(self) -> Any:
        """The network.

        A published checkpoint gets its alignment heads, without which word times are less exact.
        """
        import torch
        import whisper

        name = self._published
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
            f"Download {address} and put it there, or set transcriber.model or "
            "transcriber.weights to a .pt file (the folder of all weights is paths.weights).",
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

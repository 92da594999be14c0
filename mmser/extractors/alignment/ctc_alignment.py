"""The corpus's own words aligned to the sound by a recogniser that spells, trained with CTC.

Source: Graves et al., "Connectionist temporal classification", ICML 2006; the most probable path
through the letters of a given text as in Kurzinger et al., "CTC-segmentation of large corpora",
SPECOM 2020, by ``torchaudio.functional.forced_align``.

Letters outside the network's vocabulary (digits, another script) are left out of a word. A word
with none left is spoken all the same: it is a wildcard of probability 1 on the path, so that its
sound is not given to its neighbours, and has no time of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.core.errors import MmserError, reason_of
from mmser.core.weights import Weights
from mmser.core.words import normalise_word, spoken_words
from mmser.extractors.transcripts.word_times import Placed, alignable, with_times, without_times

if TYPE_CHECKING:
    from torch import Tensor

    from mmser.extractors.networks.waveform_batches import Encoded, WaveformBatches

_REMEDY = (
    "Name a checkpoint of a Wav2Vec2ForCTC, HubertForCTC, WavLMForCTC or their kin with its "
    "tokenizer, such as facebook/wav2vec2-base-960h."
)


class CtcAlignment:
    """Words of the corpus placed in the sound by any CTC checkpoint that spells in letters.

    ``model`` is a folder written by ``save_pretrained``, its name in the folder ``weights``, or a
    hub id at ``revision``. A word whose letters have a mean probability of less than
    ``least_confidence`` on the path is unsaid. Words of silence, and of a text with more letters
    than the sound has frames, have no times.
    """

    name = "ctc_alignment"

    def __init__(
        self,
        model: str = "facebook/wav2vec2-base-960h",
        revision: str | None = None,
        weights: str | Path = "weights",
        least_confidence: float = 0.05,
        device: str = "auto",
    ) -> None:
        self.checkpoint = Weights(model, revision, str(weights), "the CTC recogniser")
        if self.checkpoint.is_random:
            raise MmserError("a trained CTC recogniser", "model=random", _REMEDY)
        self.least_confidence = least_confidence
        self.device = device

    @property
    def path(self) -> Path | None:
        """The folder on this machine, None where there is none."""
        return self.checkpoint.local

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the checkpoint is neither here nor pinned."""
        return {
            "aligner": self.name,
            **self.checkpoint.facts,
            "least_confidence": self.least_confidence,
        }

    def align(self, waveforms: Sequence[np.ndarray], texts: Sequence[str]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz and what is said in each; on a GPU many at once.

        Raises MmserError when the checkpoint is missing, or no CTC recogniser that spells.
        """
        paths = [_Path(self._vocabulary, spoken_words(text)) for text in texts]
        results = [without_times(text, self.name) for text in texts]
        wanted = [
            row
            for row, (waveform, text) in enumerate(zip(waveforms, texts, strict=True))
            if paths[row].is_spelled and alignable(waveform, text)
        ]
        emissions = self._emissions([waveforms[row] for row in wanted])
        for row, emission in zip(wanted, emissions, strict=True):
            if paths[row].least_frames <= emission.shape[0]:
                results[row] = self._aligned(waveforms[row], texts[row], paths[row], emission)
        return results

    def _aligned(
        self, waveform: np.ndarray, text: str, path: _Path, emission: Tensor
    ) -> Transcript:
        seconds = len(waveform) / SAMPLE_RATE / emission.shape[0]
        placed = path.placed(emission, seconds, self._vocabulary.blank)
        said = [
            place if place and place.confidence >= self.least_confidence else None
            for place in placed
        ]
        return with_times(text, self.name, said, waveform)

    def _emissions(self, waveforms: Sequence[np.ndarray]) -> list[Tensor]:
        """Waveforms (sample,) -> log-probabilities (frame, letter), the last column a wildcard."""
        import torch

        if self._batches is None:
            logits = [self._logits(waveform) for waveform in waveforms]
        else:
            rows = [self._prepared(waveform, "np")["input_values"][0] for waveform in waveforms]
            logits = [_values(answer) for answer in self._batches(rows)]
        # The wildcard has probability 1.
        return [
            torch.cat([row.log_softmax(dim=-1), torch.zeros(len(row), 1)], dim=1) for row in logits
        ]

    def _logits(self, waveform: np.ndarray) -> Tensor:
        """Waveform (sample,) -> (frame, letter)."""
        import torch

        features = self._prepared(waveform, "pt")
        with torch.inference_mode():
            inputs = {name: values.to(self._network.device) for name, values in features.items()}
            logits: Tensor = self._network(**inputs).logits[0].float().cpu()
        return logits

    def _prepared(self, waveform: np.ndarray, kind: str) -> Mapping[str, Any]:
        return self._feature_extractor(
            np.ascontiguousarray(waveform, dtype=np.float32),
            sampling_rate=SAMPLE_RATE,
            return_tensors=kind,
        )

    @cached_property
    def _batches(self) -> WaveformBatches | None:
        """Many sounds through the network at once; None on a CPU, which gains nothing."""
        return self._together() if self._network.device.type == "cuda" else None

    def _together(self) -> WaveformBatches | None:
        """None where padding changes what the network answers."""
        from mmser.extractors.networks.speech_encoder import SpeechEncoder, speech_encoder
        from mmser.extractors.networks.waveform_batches import WaveformBatches

        network = self._network
        if getattr(network.config, "add_adapter", False):
            return None
        encoder = speech_encoder(network.base_model)
        if not isinstance(encoder, SpeechEncoder):
            return None

        def encode(rows: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
            hidden, counts = encoder(rows, lengths, -1)
            return network.lm_head(hidden), counts

        return WaveformBatches(encode, network.device, "float32", "float32", None)

    @cached_property
    def _network(self) -> Any:
        from transformers import AutoModelForCTC

        from mmser.extractors.networks.devices import placed
        from mmser.models.layers.checkpoints.pretrained import read_network

        network = read_network(AutoModelForCTC, self.checkpoint.path, (), _REMEDY)
        return placed(network, self.device, "float32")

    @cached_property
    def _feature_extractor(self) -> Any:
        from transformers import AutoFeatureExtractor

        with self._reading("a feature extractor (preprocessor_config.json)"):
            return AutoFeatureExtractor.from_pretrained(self.checkpoint.path, local_files_only=True)

    @cached_property
    def _vocabulary(self) -> _Vocabulary:
        from transformers import AutoTokenizer, Wav2Vec2CTCTokenizer

        with self._reading("the tokenizer of a CTC recogniser"):
            tokenizer = AutoTokenizer.from_pretrained(self.checkpoint.path, local_files_only=True)
        if not isinstance(tokenizer, Wav2Vec2CTCTokenizer):
            found = f"a {type(tokenizer).__name__} in {self.checkpoint.path}"
            raise MmserError("a CTC recogniser that spells in letters", found, _REMEDY)
        size, blank = int(self._network.config.vocab_size), self._network.config.pad_token_id
        if blank is None:
            expected = "a pad_token_id, the blank of CTC, in config.json"
            raise MmserError(expected, f"none in {self.checkpoint.path}", _REMEDY)
        return _Vocabulary(
            letters={
                token: number
                for token, number in tokenizer.get_vocab().items()
                if len(token) == 1 and number < size
            },
            delimiter=str(tokenizer.word_delimiter_token),
            blank=int(blank),
            wildcard=size,
        )

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Turn what transformers raises at a file that is missing or damaged into a MmserError."""
        try:
            yield
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
            expected = f"{what} in {self.checkpoint.path}"
            raise MmserError(expected, reason_of(error), _REMEDY) from error


def _values(answer: Encoded | str) -> Tensor:
    """(frame, letter). Raises torch.OutOfMemoryError where a sound by itself was too long."""
    import torch

    if isinstance(answer, str):
        raise torch.OutOfMemoryError(answer)
    return torch.from_numpy(answer.values)


@dataclass(frozen=True)
class _Vocabulary:
    """{letter: its column} of a network, the mark between words, the columns that are no letter."""

    letters: Mapping[str, int]
    delimiter: str
    blank: int
    wildcard: int

    def spelled(self, word: str) -> list[int]:
        """The columns of a word's letters, in whatever case the network writes; of none: []."""
        columns = []
        for letter in normalise_word(word):
            for written in (letter, letter.upper(), letter.lower()):
                if written in self.letters and written != self.delimiter:
                    columns.append(self.letters[written])
                    break
        return columns


class _Path:
    """The letters of words in a row, with the network's mark between words."""

    def __init__(self, vocabulary: _Vocabulary, words: Sequence[str]) -> None:
        spelled = [vocabulary.spelled(word) for word in words]
        self.is_spelled = any(spelled)
        self.columns: list[int] = []
        self.owners: list[int] = []
        """The word that each column belongs to, -1 for a mark and a wildcard."""
        mark = vocabulary.letters.get(vocabulary.delimiter)
        for row, columns in enumerate(spelled):
            if row and mark is not None:
                self._add([mark], -1)
            self._add(columns or [vocabulary.wildcard], row if columns else -1)
        self.words = len(words)

    def _add(self, columns: Sequence[int], owner: int) -> None:
        self.columns += columns
        self.owners += [owner] * len(columns)

    @property
    def least_frames(self) -> int:
        """Frames that the path takes at least: between equal letters there is a blank."""
        repeats = sum(one == other for one, other in pairwise(self.columns))
        return len(self.columns) + repeats

    def placed(self, emission: Tensor, seconds: float, blank: int) -> list[Placed | None]:
        """Where each word lies in ``emission`` (frame, letter), frames of so many ``seconds``."""
        import torch
        from torchaudio.functional import forced_align, merge_tokens

        targets = torch.tensor([self.columns], dtype=torch.int32)
        path, scores = forced_align(emission[None], targets, blank=blank)
        spans = merge_tokens(path[0], scores[0].exp(), blank=blank)
        placed: list[Placed | None] = [None] * self.words
        for row in sorted(set(self.owners) - {-1}):
            letters = [span for span, owner in zip(spans, self.owners, strict=True) if owner == row]
            frames = [len(letter) for letter in letters]
            confidence = np.average([letter.score for letter in letters], weights=frames)
            start, end = letters[0].start * seconds, letters[-1].end * seconds
            placed[row] = Placed(start, end, float(confidence))
        return placed

"""Greedy search for the text of many windows at once, each as if it were alone.

Source: ``whisper.decoding``, whose rules for timestamps look at one window after the other and
wait for the device at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from whisper.audio import CHUNK_LENGTH
from whisper.decoding import DecodingOptions, DecodingTask
from whisper.tokenizer import get_tokenizer

_LOOK = 4
"""A device is asked at every so many tokens whether all windows have ended."""


@dataclass(frozen=True)
class Found:
    """What the search found in one window: tokens up to the end of text, timestamps included.

    ``mean_log_probability`` is that of its tokens, ``no_speech`` how probable it is that nobody
    speaks.
    """

    tokens: list[int]
    mean_log_probability: float
    no_speech: float


@torch.inference_mode()
def languages_of(network: Any, features: Tensor) -> list[str]:
    """The most probable language of each window (window, frame, feature)."""
    tokenizer = get_tokenizer(True, num_languages=network.num_languages)
    start = torch.full((len(features), 1), tokenizer.sot, device=features.device)
    logits = network.logits(start, features)[:, 0]
    columns = torch.tensor(tokenizer.all_language_tokens, device=features.device)
    codes = tokenizer.all_language_codes
    return [codes[best] for best in logits[:, columns].argmax(dim=1).tolist()]


@torch.inference_mode()
def greedy(network: Any, features: Tensor, language: str) -> list[Found]:
    """The most probable token at each step of each window (window, frame, feature)."""
    half = features.dtype == torch.float16
    task = DecodingTask(network, DecodingOptions(language=language, fp16=half))
    rules = _Rules(task, features.device)
    begin, end = task.sample_begin, task.tokenizer.eot
    tokens = torch.tensor([task.initial_tokens], device=features.device)
    tokens = tokens.repeat(len(features), 1)
    total = torch.zeros(len(features), device=features.device)
    no_speech = torch.full((len(features),), torch.nan, device=features.device)
    look = 1 if features.device.type == "cpu" else _LOOK
    try:
        for step in range(task.sample_len):
            logits = task.inference.logits(tokens, features)
            if step == 0 and task.tokenizer.no_speech is not None:
                at_start = logits[:, task.sot_index].float().softmax(dim=-1)
                no_speech = at_start[:, task.tokenizer.no_speech]
            logits = rules.applied(logits[:, -1], tokens)
            ended = tokens[:, -1] == end
            best = logits.argmax(dim=-1)
            gained = logits.float().log_softmax(dim=-1).gather(1, best[:, None])[:, 0]
            total = total + gained * ~ended
            tokens = torch.cat([tokens, best.where(~ended, end)[:, None]], dim=1)
            if tokens.shape[1] > task.n_ctx:
                break
            if step % look == look - 1 and bool((tokens[:, -1] == end).all()):
                break
    finally:
        task.inference.cleanup_caching()
    rows = zip(tokens[:, begin:].tolist(), total.tolist(), no_speech.tolist(), strict=True)
    return [_found(row, end, gained, silent) for row, gained, silent in rows]


def _found(row: Sequence[int], end: int, total: float, no_speech: float) -> Found:
    tokens = list(row[: row.index(end)] if end in row else row)
    return Found(tokens, total / (len(tokens) + 1), no_speech)


class _Rules:
    """Which tokens may come next: those of ``whisper.decoding``, all windows in one operation."""

    def __init__(self, task: DecodingTask, device: torch.device) -> None:
        tokenizer = task.tokenizer
        suppressed = [*task._get_suppress_tokens(), tokenizer.no_timestamps]
        blank = [*tokenizer.encode(" "), tokenizer.eot]
        self._suppressed = torch.tensor(suppressed, device=device)
        self._blank = torch.tensor(blank, device=device)
        self._begin = task.sample_begin
        self._first_time = tokenizer.timestamp_begin
        self._end = tokenizer.eot
        self._column = torch.arange(task.model.dims.n_vocab, device=device)
        self._is_time = self._column >= self._first_time
        seconds = task.options.max_initial_timestamp
        steps = seconds * task.model.dims.n_audio_ctx / CHUNK_LENGTH
        self._latest_start = self._first_time + round(steps)

    def applied(self, logits: Tensor, tokens: Tensor) -> Tensor:
        """Logits (window, token) with minus infinity where a token may not follow ``tokens``."""
        minus = float("-inf")
        logits = logits.index_fill(1, self._suppressed, minus)
        column, is_time = self._column, self._is_time
        sampled = tokens[:, self._begin :]
        if not sampled.shape[1]:
            logits = logits.index_fill(1, self._blank, minus)
            allowed = is_time & (column <= self._latest_start)
            logits = logits.masked_fill(~allowed, minus)
        else:
            logits = logits.masked_fill(self._refused(sampled, column, is_time), minus)
        # If all timestamps together are more probable than any word, one of them comes.
        log_probability = logits.float().log_softmax(dim=-1)
        of_times = log_probability[:, self._first_time :].logsumexp(dim=-1)
        of_words = log_probability[:, : self._first_time].amax(dim=-1)
        return logits.masked_fill((of_times > of_words)[:, None] & ~is_time, minus)

    def _refused(self, sampled: Tensor, column: Tensor, is_time: Tensor) -> Tensor:
        """Timestamps come in pairs, except before the end of text, and never decrease."""
        times = sampled >= self._first_time
        last = times[:, -1]
        pair = last if sampled.shape[1] < 2 else last & times[:, -2]
        opened = last & ~pair
        latest = sampled.where(times, 0).amax(dim=1)
        # A segment has a length: the same time may only close a pair.
        least = latest + (~opened).long()
        return (
            (pair[:, None] & is_time)
            | (opened[:, None] & (column < self._end))
            | (is_time & (column < least[:, None]))
        )

"""One job per store: the utterances it misses, the clips it waits on, its results in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.cache.layout import TRANSCRIPT
from mmser.cache.transcripts import TranscriptEntry, TranscriptWriter
from mmser.cache.writer import Writer
from mmser.core.clip import (
    SAMPLE_RATE,
    Clip,
    Dialogue,
    Failure,
    Features,
    Modality,
    Transcript,
)
from mmser.core.contracts import Extractor
from mmser.core.utterance import Utterance
from mmser.core.word_sources import Aligner, WordSource
from mmser.extraction.batches import by_length, side_by_side, size_of_batch
from mmser.extraction.clip_shares import absent, broken, length_of, sound_alone, spoken
from mmser.extraction.dialogues import Words

FRAME_BYTES = 512 * 1024 * 1024
"""Pictures that may wait for a face extractor; then it runs on what there is."""


@dataclass(slots=True, eq=False)
class ExtractorJob:
    """Clips in, entries of one feature store out.

    ``transcript_of`` gives the words of an utterance to a text extractor, and is None for the
    others; ``dialogue_of`` what surrounds it, to one that reads that. ``missing`` are ids with
    their digests.
    """

    name: str
    extractor: Extractor
    writer: Writer
    missing: dict[str, str]
    transcript_of: Words | None = None
    dialogue_of: Callable[[str], Dialogue] | None = None
    seconds: float = field(default=0.0, init=False)
    _warm: bool = field(default=False, init=False)
    _waiting: list[Clip] = field(default_factory=list, init=False)
    _results: dict[str, Features | Failure] = field(default_factory=dict, init=False)

    @property
    def modality(self) -> Modality:
        """What it reads; text needs no decoding."""
        return self.extractor.modality

    @property
    def sample_rate(self) -> int | None:
        """Hz of the sound that it reads; None: it reads none."""
        return self.extractor.sample_rate

    def for_chunk(self) -> ExtractorJob:
        """The same job without anything that waits: chunks may be computed side by side."""
        job = ExtractorJob(
            self.name,
            self.extractor,
            self.writer,
            self.missing,
            self.transcript_of,
            self.dialogue_of,
        )
        job._warm = self._warm
        return job

    def account(self, chunk_job: ExtractorJob) -> None:
        """Add up what a job of `for_chunk` did."""
        self.seconds += chunk_job.seconds
        self._warm = self._warm or chunk_job._warm

    def give(self, clip: Clip, result: Features | Failure, seconds: float) -> None:
        """A result that a worker process has computed in so many seconds."""
        self.seconds += seconds
        self._results[clip.id] = self._noted(clip, result)

    def take(self, clip: Clip) -> None:
        """Keep of a decoded clip what this job needs."""
        if clip.id not in self.missing:
            return
        if self.sample_rate is not None:
            self._waiting.append(sound_alone(clip, self.sample_rate))
        elif self.modality == "face":
            self._waiting.append(replace(clip, waveform=None, waveforms={}))
            if self._waiting_bytes > FRAME_BYTES:
                self._compute()

    @property
    def _waiting_bytes(self) -> int:
        """Size of the pictures that wait."""
        return sum(clip.frames.nbytes for clip in self._waiting if clip.frames is not None)

    def store(self, chunk: Sequence[Utterance]) -> None:
        """Compute what waits, and store the chunk's results."""
        self.writer.add(self.entries(chunk))

    def entries(self, chunk: Sequence[Utterance]) -> list[Entry]:
        """Compute what waits: the chunk's results."""
        due = [utterance for utterance in chunk if utterance.id in self.missing]
        if self.transcript_of:
            self._waiting = [
                self._in_dialogue(spoken(utterance.id, self.transcript_of(utterance)))
                for utterance in due
            ]
        self._compute()
        return [Entry(u.id, self.missing[u.id], self._results.pop(u.id)) for u in due]

    def _in_dialogue(self, clip: Clip) -> Clip:
        if self.dialogue_of is None:
            return clip
        return replace(clip, dialogue=self.dialogue_of(clip.id))

    def _compute(self) -> None:
        clips, self._waiting = self._waiting, []
        begun = time.perf_counter()
        whole = [clip for clip in clips if self._input(clip) is not None]
        results = self._extracted(whole)
        self.seconds += time.perf_counter() - begun
        self._results |= {clip.id: absent(clip, self.modality) for clip in clips}
        self._results |= {
            clip.id: self._noted(clip, result) for clip, result in zip(whole, results, strict=True)
        }

    def _input(self, clip: Clip) -> object | None:
        """What the extractor reads of the clip, None where it is not there."""
        if self.sample_rate is not None:
            return clip.sound(self.sample_rate)
        return clip.frames if self.modality == "face" else clip.transcript

    def _noted(self, clip: Clip, result: Features | Failure) -> Features | Failure:
        """The features with what decoding noted of the sound."""
        if self.modality != "audio" or isinstance(result, Failure) or not clip.notes:
            return result
        return replace(result, notes="; ".join(filter(None, (result.notes, *clip.notes))))

    def _extracted(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        batched = partial(
            by_length, length=length_of, compute=self.extractor.extract, failed=broken
        )
        # Without a checkpoint an extractor computes with NumPy or with a library of its own.
        network = self.extractor.checkpoint is not None
        with side_by_side(len(clips), network) as threads:
            if threads > 1 and not self._warm:
                # Networks are built when first used: by one thread, so that there is one of them.
                batched(clips[:1])
                self._warm = True
            # The pictures of one clip are a batch for a CPU; a GPU wants those of many.
            of_pictures = self.modality == "face" and threads > 1
            size = 1 if of_pictures else size_of_batch(len(clips))
            return batched(clips, batch_size=size, threads=threads)


@dataclass(slots=True, eq=False)
class TranscriberJob:
    """Waveforms in, rows of one transcript store out.

    An aligner is given the corpus's own words with each.
    """

    transcriber: WordSource
    writer: TranscriptWriter
    missing: dict[str, str]
    name: str = TRANSCRIPT
    seconds: float = field(default=0.0, init=False)
    _waiting: dict[str, Clip] = field(default_factory=dict, init=False)

    @property
    def modality(self) -> Modality:
        """What it reads: sound."""
        return "audio"

    @property
    def sample_rate(self) -> int:
        """Hz of the sound that it reads."""
        return SAMPLE_RATE

    def for_chunk(self) -> TranscriberJob:
        """The same job without anything that waits."""
        return TranscriberJob(self.transcriber, self.writer, self.missing, self.name)

    def account(self, chunk_job: TranscriberJob) -> None:
        """Add up what a job of `for_chunk` did."""
        self.seconds += chunk_job.seconds

    def take(self, clip: Clip) -> None:
        """Keep the sound of a decoded clip."""
        if clip.id in self.missing:
            self._waiting[clip.id] = sound_alone(clip, self.sample_rate)

    def store(self, chunk: Sequence[Utterance]) -> None:
        """Transcribe the waiting clips, and store the chunk's results.

        Of a clip without sound the recogniser has the decoder's reason; the aligner has the
        corpus's words all the same, none of them with a time.
        """
        due = [utterance for utterance in chunk if utterance.id in self.missing]
        clips = [self._with_words(self._waiting[utterance.id], utterance) for utterance in due]
        self._waiting = {}
        begun = time.perf_counter()
        given = [clip for clip in clips if self._is_whole(clip)]
        size = size_of_batch(len(given))
        transcripts = iter(by_length(given, length_of, self._transcribe, broken, size))
        self.seconds += time.perf_counter() - begun
        entries = []
        for clip in clips:
            result = next(transcripts) if self._is_whole(clip) else self._incomplete(clip)
            entries.append(TranscriptEntry(clip.id, self.missing[clip.id], result))
        self.writer.add(entries)

    def _with_words(self, clip: Clip, utterance: Utterance) -> Clip:
        if not isinstance(self.transcriber, Aligner):
            return clip
        return replace(clip, transcript=_corpus_transcript(utterance))

    def _is_whole(self, clip: Clip) -> bool:
        """Whether the clip has all that is needed."""
        has_words = bool(clip.transcript and clip.transcript.text.strip())
        return clip.waveform is not None and (
            has_words or not isinstance(self.transcriber, Aligner)
        )

    def _incomplete(self, clip: Clip) -> Transcript | Failure:
        """What is stored of a clip without sound, or without the words that it should have."""
        if not isinstance(self.transcriber, Aligner):
            return absent(clip, "audio")
        if clip.transcript is None or not clip.transcript.text.strip():
            return Failure(clip.id, "empty transcript", "the corpus gives no words")
        (transcript,) = self.transcriber.align([np.zeros(0, np.float32)], [clip.transcript.text])
        return transcript

    def _transcribe(self, clips: Sequence[Clip]) -> Sequence[Transcript | Failure]:
        waveforms = [clip.waveform for clip in clips if clip.waveform is not None]
        if not isinstance(self.transcriber, Aligner):
            return self.transcriber.transcribe(waveforms)
        texts = [clip.transcript.text for clip in clips if clip.transcript is not None]
        return self.transcriber.align(waveforms, texts)


Job = TranscriberJob | ExtractorJob


def missing_of(
    writer: Writer | TranscriptWriter, digests: Mapping[str, str], retry_failed: bool
) -> dict[str, str]:
    """The ids, with digests, that a store has not or has from other content."""
    return {
        key: digest
        for key, digest in digests.items()
        if not writer.is_stored(key, digest, retry_failed)
    }


def words_for(extractor: Extractor, transcripts: TranscriptWriter | None) -> Words | None:
    """Where a text extractor gets an utterance's words: a recogniser's store, or else the corpus.

    None for an extractor of another modality.
    """
    if extractor.modality != "text":
        return None
    if transcripts is not None:
        return lambda utterance: transcripts.read(utterance.id)
    return _corpus_transcript


def _corpus_transcript(utterance: Utterance) -> Transcript | None:
    if utterance.transcript is None:
        return None
    return Transcript(utterance.transcript, CORPUS_TRANSCRIPT, utterance.words)

"""Which stores a job fills, and their writers, opened together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT, Recipe, recipe_of, transcriber_recipe
from mmser.cache.layout import TRANSCRIPT, store_directory
from mmser.cache.transcripts import TranscriptWriter, open_transcripts
from mmser.cache.writer import Writer, open_writer
from mmser.core.contracts import Extractor
from mmser.core.errors import UsageError
from mmser.core.share import Share
from mmser.core.word_sources import WordSource

PICTURES = "on screen"
"""Which picture stands for a moment; earlier versions took the nearest one, and stores say nothing
of it.
"""


def recipes_of(
    extractors: Mapping[str, Extractor],
    transcriber: WordSource | None,
    transcript: str,
    frame_rate: float,
) -> tuple[Recipe | None, dict[str, Recipe]]:
    """The recipes of the transcript store and, by name, of the feature stores.

    The former is None without a transcriber. What decoding decides (the rate of pictures, and which
    are taken) belongs to the recipe of a face store. Raises UsageError when text is wanted from a
    source for which there is no transcriber.
    """
    if transcriber is None and transcript != CORPUS_TRANSCRIPT:
        raise UsageError(
            f"a transcriber for transcript={transcript}",
            "none",
            "`mmser list transcribers` prints them.",
        )
    transcript_recipe: Recipe | None = None
    words = {"source": CORPUS_TRANSCRIPT}
    if transcriber is not None:
        source = transcriber.name if transcript == CORPUS_TRANSCRIPT else transcript
        transcript_recipe = transcriber_recipe(TRANSCRIPT, transcriber, source)
        words = {"source": source, "fingerprint": transcript_recipe.fingerprint}
    recipes = {}
    for name, extractor in extractors.items():
        recipe = recipe_of(name, extractor, words if extractor.modality == "text" else None)
        if extractor.modality == "face":
            decoded = {"decoded_frame_rate": frame_rate, "decoded_pictures": PICTURES}
            recipe = replace(recipe, parameters={**recipe.parameters, **decoded})
        recipes[name] = recipe
    return transcript_recipe, recipes


@contextmanager
def open_stores(
    cache: Path,
    corpus: str,
    transcript_recipe: Recipe | None,
    recipes: Mapping[str, Recipe],
    shard_bytes: int,
    say: Callable[[str], None],
    share: Share | None = None,
) -> Iterator[tuple[TranscriptWriter | None, dict[str, Writer]]]:
    """The writers of all stores for the block; waits for other processes that hold one of them.

    Stores of a ``share`` are marked as such.
    """
    mark = "" if share is None else str(share)

    def directory(recipe: Recipe) -> Path:
        return store_directory(cache, corpus, recipe.name, recipe.source, recipe.fingerprint)

    with ExitStack() as stack:
        transcripts = None
        if transcript_recipe is not None:
            recipe = replace(transcript_recipe, share=mark)
            place = directory(recipe)
            transcripts = stack.enter_context(open_transcripts(place, recipe, say=say))
        writers = {}
        # Locks are taken in one order everywhere, so that two processes cannot wait for each other.
        for name in sorted(recipes, key=lambda name: directory(recipes[name]).name):
            recipe = replace(recipes[name], share=mark)
            writers[name] = stack.enter_context(
                open_writer(directory(recipe), recipe, shard_bytes, say=say)
            )
        yield transcripts, {name: writers[name] for name in recipes}

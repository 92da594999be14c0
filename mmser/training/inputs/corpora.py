"""The corpora of a run, each built once from its settings, and the protocols they are read by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mmser.composition import built
from mmser.core.contracts import Corpus
from mmser.core.errors import MmserError
from mmser.protocols.protocol import EvaluationProtocol
from mmser.settings.run import RunSettings


@dataclass(frozen=True)
class CorpusInput:
    """One corpus of a run, with the settings of the protocol that it is read by."""

    corpus: Corpus
    protocol_config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The corpus's name in its manifest and in the cache."""
        return str(self.corpus.name)

    @cached_property
    def protocol(self) -> EvaluationProtocol:
        """Built when the labels or folds are asked for: it may read a list of labels."""
        protocol: EvaluationProtocol = built(self.protocol_config)
        return protocol

    @property
    def classes(self) -> list[str]:
        """The classes that the protocol is written with, none where it finds them in the corpus."""
        return list(self.protocol_config.get("classes") or ())

    @property
    def labels(self) -> dict[str, str]:
        """How the protocol is written to map emotion words to classes."""
        return dict(self.protocol_config.get("labels") or {})


@dataclass(frozen=True, slots=True)
class RunCorpora:
    """The corpus that is ``tested``, and the further ones by the names of their ``domains``."""

    tested: CorpusInput
    domains: Mapping[str, CorpusInput]

    @property
    def all(self) -> list[CorpusInput]:
        """The tested corpus first."""
        return [self.tested, *self.domains.values()]

    @property
    def names(self) -> list[str]:
        """The names of all corpora, the tested one first."""
        return [each.name for each in self.all]


def build_corpora(settings: RunSettings) -> RunCorpora:
    """The corpora of a run. Raises MmserError when one comes twice."""
    domains = {
        name: CorpusInput(built(domain.corpus), domain.protocol)
        for name, domain in settings.domains.items()
    }
    corpora = RunCorpora(CorpusInput(built(settings.corpus), settings.protocol), domains)
    names = corpora.names
    if len(set(names)) < len(names):
        raise MmserError(
            "each corpus once in `corpus` and `domains`", ", ".join(names), "Correct `domains`."
        )
    return corpora

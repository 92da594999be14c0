"""What an optional contract tells apart."""

from functools import partial

import pytest

from mmser.core.contracts import (
    KindReader,
    NamedStreamsFusion,
    SequenceHead,
    WordEncoder,
    kind_read,
)
from mmser.core.task import Task
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.encoders.text.bert_gru import BertGRU
from mmser.models.encoders.text.embedding_gru import EmbeddingGRU
from mmser.models.fusion.co_attention import CoAttention
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.heads.segment_average import SegmentAverage

TASK = Task(classes=("a", "b"))


def test_an_encoder_reads_features_unless_it_says_another_kind():
    assert kind_read(EmbeddingGRU) == kind_read(EmbeddingGRU(5, hidden_size=2)) == "words"
    assert kind_read(BertGRU) == "tokens"
    assert kind_read(Identity) == kind_read(Identity(3)) == "features"
    assert not isinstance(Identity, KindReader)


def test_an_encoder_of_words_takes_vectors():
    assert isinstance(EmbeddingGRU(5, hidden_size=2), WordEncoder)
    assert not isinstance(Identity(3), WordEncoder)


@pytest.mark.parametrize(("head", "takes"), [(Classifier, False), (SegmentAverage, True)])
def test_a_head_of_the_sequence_says_so(head, takes):
    assert isinstance(partial(head, task=TASK)(4), SequenceHead) is takes


def test_a_fusion_of_named_streams_names_them():
    assert isinstance(CoAttention, NamedStreamsFusion) and "mfcc" in CoAttention.stream_names
    assert not isinstance(Concat, NamedStreamsFusion)

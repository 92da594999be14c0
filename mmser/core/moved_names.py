"""The dotted names that saved configs give to classes and functions which lie elsewhere today.

A run's ``config.yaml`` and a model folder's ``config.json`` name parts by ``_target_``. Who moves
or renames a part that a config can name adds a line to `MOVED`; nothing else remembers old names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TARGET = "_target_"

MOVED: dict[str, str] = {
    "mmser.models.encoders.audio.wav2vec2_finetune.Wav2Vec2Finetune": (
        "mmser.models.encoders.audio.speech_finetune.encoder.SpeechFinetune"
    ),
    "mmser.models.encoders.text.bert_finetune.BertFinetune": (
        "mmser.models.encoders.text.text_finetune.TextFinetune"
    ),
    "mmser.models.encoders.audio.emotion2vec.Emotion2Vec": (
        "mmser.models.encoders.audio.emotion2vec.encoder.Emotion2Vec"
    ),
    "mmser.models.encoders.audio.leaf_cnn.LeafCNN": (
        "mmser.models.encoders.audio.leaf_cnn.encoder.LeafCNN"
    ),
    "mmser.models.encoders.audio.replknet.RepLKNet": (
        "mmser.models.encoders.audio.replknet.encoder.RepLKNet"
    ),
    "mmser.models.fusion.ks_transformer.KSTransformer": (
        "mmser.models.fusion.ks_transformer.fusion.KSTransformer"
    ),
    "mmser.models.fusion.nonverbal_vocalization.NonverbalVocalization": (
        "mmser.models.fusion.nonverbal_vocalization.fusion.NonverbalVocalization"
    ),
    "mmser.models.layers.latent_masking": "mmser.models.layers.masks.latent_masking",
    "mmser.training.schedulers": "mmser.training.loop.schedulers",
    "mmser.evaluation.disturbances": "mmser.evaluation.stress.disturbances",
    "mmser.objectives.alignment": "mmser.objectives.losses.domain_alignment",
    "mmser.objectives.attribute": "mmser.objectives.losses.attribute",
    "mmser.objectives.class_groups": "mmser.objectives.losses.class_groups",
    "mmser.objectives.classification": "mmser.objectives.losses.classification",
    "mmser.objectives.combined.Combined": "mmser.objectives.losses.weighted_sum.WeightedSum",
    "mmser.objectives.conversation": "mmser.objectives.losses.conversation",
    "mmser.objectives.conversation.StreamClassification": (
        "mmser.objectives.paradigms.stream_classification.StreamClassification"
    ),
    "mmser.objectives.cpc": "mmser.objectives.paradigms.cpc",
    "mmser.objectives.ctc": "mmser.objectives.losses.ctc",
    "mmser.objectives.daae": "mmser.objectives.paradigms.daae",
    "mmser.objectives.domain_adversarial": "mmser.objectives.losses.domain_adversarial",
    "mmser.objectives.emotion2vec": "mmser.objectives.paradigms.emotion2vec",
    "mmser.objectives.frame_wise": "mmser.objectives.losses.frame_wise",
    "mmser.objectives.listener": "mmser.objectives.paradigms.listener",
    "mmser.objectives.maec": "mmser.objectives.losses.maec",
    "mmser.objectives.maml": "mmser.objectives.paradigms.maml",
    "mmser.objectives.metric": "mmser.objectives.losses.metric",
    "mmser.objectives.one_vs_rest": "mmser.objectives.losses.one_vs_rest",
    "mmser.objectives.regression": "mmser.objectives.losses.regression",
    "mmser.objectives.segment_cross_entropy": "mmser.objectives.losses.segment_cross_entropy",
    "mmser.objectives.segment_extractors": "mmser.objectives.losses.segment_extractors",
    "mmser.objectives.sequence_ccc": "mmser.objectives.losses.sequence_ccc",
    "mmser.objectives.turn": "mmser.objectives.losses.turn",
    "mmser.protocols.folds.LeaveOneSpeakerOut": "mmser.protocols.speaker_folds.LeaveOneSpeakerOut",
    "mmser.protocols.folds.LeaveOneSessionOut": "mmser.protocols.speaker_folds.LeaveOneSessionOut",
    "mmser.protocols.folds.SpeakerGroups": "mmser.protocols.speaker_folds.SpeakerGroups",
    "mmser.protocols.folds.OwnPartition": "mmser.protocols.own_partition.OwnPartition",
    "mmser.protocols.folds.RandomFolds": "mmser.protocols.random_folds.RandomFolds",
    "mmser.protocols.folds.RandomHoldOut": "mmser.protocols.random_folds.RandomHoldOut",
    "mmser.protocols.protocol.Protocol": "mmser.protocols.protocol.EvaluationProtocol",
}
"""{old dotted name: new dotted name} of a class or a function, or of a module with all it defines.

The longest old name that fits decides, so a class may leave a module that moved as a whole.
"""


def current_name(name: str) -> str:
    """The name under which ``name`` is found today: itself, unless it has moved."""
    return _renamed(name, MOVED)


def first_name(name: str) -> str:
    """The name that a part had before it moved: its own, if it never did.

    Fingerprints of caches are made of it, so that a cache stays valid when code moves.
    """
    earlier: dict[str, str] = {}
    for old, new in MOVED.items():
        earlier.setdefault(new, old)
    return _renamed(name, earlier)


def with_current_names(config: Any) -> Any:
    """A copy of a saved config, at any depth, in which each ``_target_`` has its current name."""
    return _with_names(config, current_name)


def with_earlier_names(config: Any) -> Any:
    """A copy of a config in which each ``_target_`` has the name it had before it moved.

    Runs are called by a digest of their settings: one that was begun earlier is found by this.
    """
    return _with_names(config, first_name)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    # From the whole name to shorter ones, so that the longest old name decides.
    head, rest = name, ""
    while head:
        if head in names:
            return names[head] + rest
        head, dot, last = head.rpartition(".")
        rest = f"{dot}{last}{rest}"
    return name


def _with_names(node: Any, name_of: Callable[[str], str]) -> Any:
    if isinstance(node, Mapping):
        copy = {key: _with_names(value, name_of) for key, value in node.items()}
        target = copy.get(TARGET)
        if isinstance(target, str):
            copy[TARGET] = name_of(target)
        return copy
    if isinstance(node, list | tuple):
        return [_with_names(item, name_of) for item in node]
    return node

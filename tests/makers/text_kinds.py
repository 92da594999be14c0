"""A tiny checkpoint of each kind of text encoder, with its own kind of tokenizer.

Each is written by `save_pretrained` of its own classes, over a vocabulary of single letters and a
few words.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    BertTokenizerFast,
    DebertaV2TokenizerFast,
    MPNetTokenizerFast,
    PreTrainedTokenizerFast,
    RobertaTokenizerFast,
    XLMRobertaTokenizerFast,
)

_WORDS = ["i", "know", "you", "never", "stop"]
_LETTERS = list(ascii_lowercase) + list("ABCDEFGHIJKLMNOPQRSTUVWXYZ") + list(".,:?!'")
_SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
_LEARNT_POSITIONS = {"max_position_embeddings": 66}
_CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bert": _LEARNT_POSITIONS,
    "roberta": _LEARNT_POSITIONS,
    "xlm-roberta": _LEARNT_POSITIONS,
    "mpnet": _LEARNT_POSITIONS,
    "deberta-v2": {
        "relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True,
        "type_vocab_size": 0,
    },
    "modernbert": {"local_attention": 8, "global_attn_every_n_layers": 2},
}  # fmt: skip
KINDS = tuple(_CONFIGURATIONS)
"""``model_type`` of each."""


def write_text_encoder(folder: Path, kind: str) -> Path:
    """Write a network of three layers, 24 features, and its tokenizer into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _TOKENIZERS[kind]()
    tokenizer.save_pretrained(folder)
    marks = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id}
    marks |= {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    marks |= {"sep_token_id": tokenizer.sep_token_id}
    sizes = {"vocab_size": len(tokenizer), **_SIZES, **_CONFIGURATIONS[kind], **marks}
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(kind, **sizes)).eval()
    # Larger than the usual .02, so that a wrong position or mask shows.
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


def _word_pieces() -> list[str]:
    return [*_WORDS, *_LETTERS, *(f"##{letter}" for letter in ascii_lowercase)]


def _bert() -> PreTrainedTokenizerFast:
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return BertTokenizerFast(vocab=_numbered([*marks, *_word_pieces()]))


def _mpnet() -> PreTrainedTokenizerFast:
    marks = ["<s>", "<pad>", "</s>", "[UNK]"]
    return MPNetTokenizerFast(vocab=_numbered([*marks, *_word_pieces(), "<mask>"]))


def _roberta() -> PreTrainedTokenizerFast:
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    return RobertaTokenizerFast(vocab=_numbered([*marks, *_byte_letters(), "<mask>"]), merges=[])


def _xlm_roberta() -> PreTrainedTokenizerFast:
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    return XLMRobertaTokenizerFast(vocab=_scored(marks))


def _deberta() -> PreTrainedTokenizerFast:
    marks = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    return DebertaV2TokenizerFast(vocab=_scored(marks), unk_id=3)


def _modernbert() -> PreTrainedTokenizerFast:
    marks = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    model = models.BPE(_numbered([*marks, *_byte_letters()]), [])
    inner = Tokenizer(model)
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    names = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=inner, **dict(zip(names, marks, strict=True)))


def _byte_letters() -> list[str]:
    """What byte-level tokenizers make of letters; the first stands for a space."""
    return ["Ġ", *_LETTERS]


def _numbered(pieces: list[str]) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def _scored(marks: list[str]) -> list[tuple[str, float]]:
    """Pieces of a unigram model: whole words are likelier than their letters."""
    scored = [(mark, 0.0) for mark in marks]
    scored += [(f"▁{word}", -1.0) for word in _WORDS]
    pieces = dict.fromkeys(["▁", *_LETTERS])
    return scored + [(piece, -5.0) for piece in pieces]


_TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "bert": _bert,
    "roberta": _roberta,
    "xlm-roberta": _xlm_roberta,
    "mpnet": _mpnet,
    "deberta-v2": _deberta,
    "modernbert": _modernbert,
}

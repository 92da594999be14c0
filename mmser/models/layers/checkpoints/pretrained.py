"""A transformers network from a checkpoint that is its own, or with random weights.

Parts of it may be frozen. transformers builds the class it is asked for whatever the checkpoint is,
starts at random what the file does not give, and leaves out what has no place: a WavLM read as
wav2vec 2.0 loses its relative positions, a RoBERTa read as BERT is random, and both only write a
log line. Here each of these is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from torch import Tensor, nn

from mmser.core.errors import MmserError, reason_of
from mmser.core.finite import check_finite
from mmser.core.saved import read_saved_json
from mmser.core.weights import Weights
from mmser.models.layers.checkpoints.tensors import check_fit

UNSET = ("*masked_spec_embed", "*pooler.*", "objective.*")
"""Parameters that a checkpoint may lack, since nothing here reads what they make: the vector that
hides latent frames, the summary for next-sentence prediction, the loss of speaker training."""
UNUSED = (
    "lm_head.*", "cls.*", "head.*", "decoder.bias", "decoder.weight", "predictions.*",
    "lm_predictions.*",
    "mask_predictions.*", "generator_predictions.*", "generator_lm_head.*",
    "discriminator_predictions.*", "vocab_*",
    "sop_classifier.*", "classifier.*", "pre_classifier.*", "pooler.*", "score.*", "qa_outputs.*",
    "quantizer.*", "project_q.*", "project_hid.*", "final_proj.*", "label_embs_concat",
    "label_embeddings_concat",
    "speaker_proj.*", "layer_norm_for_extract.*", "ctc_proj.*", "projector.*", "layer_weights",
    "tdnn.*", "objective.*", "feature_extractor.weight", "feature_extractor.bias",
    "*position_ids",
)  # fmt: skip
"""Tensors of a checkpoint's own task (pre-training, recognition, classification), which follow what
is read here.
"""
_CODE = ("auto_map", "attn_implementation", "_attn_implementation", "quantization_config")
"""Keys of a configuration by which transformers would look for code elsewhere."""
_UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    UnpicklingError,
)


def pretrained(
    network: Any,
    weights: str,
    revision: str | None = None,
    weights_folder: str = "weights",
    configuration: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build the transformers class ``network``, to be trained further.

    See `Weights` for the first three; random ones take ``configuration`` over the default sizes.
    Raises MmserError when they cannot be had or are another network's.
    """
    # `network` is Any: the types of transformers do not say which sizes a class has.
    source = Weights(weights, revision, weights_folder)
    if source.is_random:
        return network(network.config_class(**(configuration or {})))
    kind = network.config_class.model_type
    return read_network(network, source.path, [kind], _other_network(kind))


def pretrained_kind(
    kind: str,
    weights: str,
    revision: str | None = None,
    weights_folder: str = "weights",
    configuration: Mapping[str, Any] | None = None,
) -> Any:
    """`pretrained` for the class that AutoModel has for a ``model_type``."""
    from transformers import AutoModel

    source = Weights(weights, revision, weights_folder)
    if source.is_random:
        return _network_of(kind, configuration or {})
    return read_network(AutoModel, source.path, [kind], _other_network(kind))


def _network_of(kind: str, configuration: Mapping[str, Any]) -> Any:
    """A network with random weights. Raises MmserError for sizes that are none."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoModel

    sizes = {key: value for key, value in configuration.items() if key not in _CODE}
    try:
        return AutoModel.from_config(AutoConfig.for_model(kind, **sizes), trust_remote_code=False)
    except (*_UNREADABLE, StrictDataclassError) as error:
        expected = f"the configuration of a network of transformers, here {kind}"
        raise MmserError(expected, reason_of(error), "Correct configuration.") from error


def _other_network(kind: str) -> str:
    return (
        f"Name a checkpoint of {kind}, or weights=random; the encoders speech_finetune and "
        "text_finetune take other networks by model_type, and an extractor gives their features: "
        "`mmser list extractors` prints wavlm_large, hubert_base, roberta_base and more."
    )


def read_network(
    network: Any,
    folder: Path,
    kinds: Sequence[str],
    remedy: str,
    unset: Sequence[str] = UNSET,
    unused: Sequence[str] = UNUSED,
) -> Any:
    """The transformers class ``network`` with the weights in ``folder``.

    The folder's config.json must name one of ``kinds``. ``network`` may be an Auto class, which
    chooses by that name; no ``kinds``: whatever it chooses. Raises MmserError where the checkpoint
    is of another kind, lacks a parameter beyond ``unset``, has one to spare beyond ``unused``, is
    damaged, or holds a value that is no number.
    """
    from safetensors import SafetensorError

    model_type = kind_of(folder)
    if kinds and model_type not in kinds:
        raise MmserError(
            f"a checkpoint of {' or '.join(kinds)} in {folder}", f"model_type {model_type}", remedy
        )
    try:
        with _without_load_report():
            model, report = network.from_pretrained(
                folder, output_loading_info=True, local_files_only=True
            )
    except (*_UNREADABLE, SafetensorError) as error:
        expected = f"a readable checkpoint of {model_type} in {folder}"
        raise MmserError(expected, reason_of(error), "Download it again.") from error
    other = [str(key[0] if isinstance(key, tuple) else key) for key in report["mismatched_keys"]]
    check_fit(
        f"a {type(model).__name__}",
        folder,
        remedy,
        list(report["missing_keys"]),
        list(report["unexpected_keys"]),
        other,
        unset,
        unused,
    )
    check_finite(model.state_dict(), folder)
    return model.float()  # a checkpoint may be stored in half precision


@contextmanager
def _without_load_report() -> Iterator[None]:
    """transformers prints each tensor to spare and says it can be ignored; `check_fit` judges."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def kind_of(folder: Path) -> str:
    """The ``model_type`` in the config.json of a checkpoint.

    Raises MmserError where there is none.
    """
    path = folder / "config.json"
    config = read_saved_json(path) if path.is_file() else {}
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str) or not kind:
        remedy = "Name a folder written by `save_pretrained`; its config.json says model_type."
        raise MmserError(f"a model_type in {path}", "none", remedy)
    return kind


def positions_of(network: Any) -> int | None:
    """Most sub-words, marks included, for which the network has learned a position.

    None: it needs none.
    """
    # Networks of transformers name what they have; one without learned positions has no such table.
    embeddings = getattr(network, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    if not isinstance(table, nn.Embedding):
        return None
    # RoBERTa and its kin count from the number after the one of padding.
    first = getattr(embeddings, "padding_idx", None)
    return table.num_embeddings - (0 if first is None else int(first) + 1)


def check_positions(network: Any, mask: Tensor) -> None:
    """Raise MmserError where a row has more sub-words than ``network`` has positions.

    mask (batch, sub-word).
    """
    most = positions_of(network)
    if most is None or mask.shape[1] <= most:
        return
    longest = int(mask.sum(dim=1).max())
    if longest > most:
        remedy = (
            f"Set extractor.NAME.limit={most} for the extractor of this stream and "
            "preprocess again."
        )
        raise MmserError(
            f"at most {most} sub-words, the positions of the text encoder", str(longest), remedy
        )


def freeze(module: nn.Module) -> None:
    """Keep every parameter of ``module`` as it is in training."""
    for parameter in module.parameters():
        parameter.requires_grad = False


def check_layers(frozen: int, found: int, what: str) -> None:
    """Raise MmserError unless 0 <= ``frozen`` <= ``found``."""
    if not 0 <= frozen <= found:
        raise MmserError(
            f"frozen_layers from 0 to {found}, the layers of {what}",
            str(frozen),
            "Change frozen_layers.",
        )

"""The fine-tunable text encoder against transformers' own, one text at a time, for every kind."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from makers.text_kinds import KINDS, write_text_encoder
from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2Model

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.core.moved_names import current_name
from mmser.models.encoders.text.text_finetune import TextFinetune
from mmser.models.layers.checkpoints.text_network import text_network
from mmser.settings.part import located
from mmser.training.components.portable import network_sizes

LENGTHS = (17, 4)
GARBAGE = 10**6


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("kinds")
    return {kind: write_text_encoder(root / kind, kind) for kind in KINDS}


def encoder(weights: Path, **options: object) -> TextFinetune:
    options = {"model_type": weights.name} | options
    return TextFinetune(1, weights=str(weights), **options).eval()  # type: ignore[arg-type]


def tokens() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(5, 40, (2, max(LENGTHS)), generator=torch.Generator().manual_seed(0))
    return ids, torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_in_a_batch_equals_transformers_alone(folders: dict[str, Path], kind: str) -> None:
    ids, mask = tokens()
    theirs = AutoModel.from_pretrained(folders[kind]).eval()
    out = encoder(folders[kind], pooling="none")(Stream(ids.masked_fill(~mask, GARBAGE), mask))
    for row, length in enumerate(LENGTHS):
        alone = theirs(ids[row : row + 1, :length]).last_hidden_state
        torch.testing.assert_close(out.values[row : row + 1, :length], alone, atol=1e-5, rtol=1e-5)
    assert out.values[~mask].eq(0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_between_sub_words_moves_none_of_them(folders: dict[str, Path], kind: str) -> None:
    ids, _ = tokens()
    ours = encoder(folders[kind], pooling="none")
    whole = ours(Stream(ids[:1, :6], torch.ones(1, 6, dtype=torch.bool))).values[0]
    real = torch.tensor([[False, True, True, False, False, True, True, True, False, True]])
    spread = torch.full((1, 10), GARBAGE).masked_scatter(real, ids[:1, :6])
    torch.testing.assert_close(ours(Stream(spread, real)).values[real], whole, atol=1e-5, rtol=1e-5)


def test_pooling_reads_the_start_mark_all_sub_words_or_the_utterances_own(
    folders: dict[str, Path],
) -> None:
    ids, mask = tokens()
    own = torch.zeros_like(mask)
    own[0, 5:9] = True  # the second row marks none: it is its own whole
    marked = Stream(torch.stack([ids, own.long()], dim=-1), mask)
    states = encoder(folders["roberta"], pooling="none")(marked).values
    expected = {
        "first": states[:, 0],
        "mean": torch.stack([states[0].mean(dim=0), states[1, :4].mean(dim=0)]),
        "target": torch.stack([states[0, 5:9].mean(dim=0), states[1, :4].mean(dim=0)]),
    }
    for pooling, vectors in expected.items():
        out = encoder(folders["roberta"], pooling=pooling)(marked)
        assert out.mask.tolist() == [[True], [True]]
        torch.testing.assert_close(out.values[:, 0], vectors, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("kind", "most"), [("bert", 66), ("roberta", 64)])
def test_more_sub_words_than_positions_are_told(
    folders: dict[str, Path], kind: str, most: int
) -> None:
    ours = encoder(folders[kind])
    ids = torch.full((2, most + 3), 9)
    mask = torch.arange(most + 3) < torch.tensor([most, 3])[:, None]
    assert ours(Stream(ids[:, :most], mask[:, :most])).values.isfinite().all()
    with pytest.raises(MmserError, match=rf"at most {most} sub-words.*found {most + 3}\. Set"):
        ours(Stream(ids, torch.ones_like(mask)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_one_is_built_again_without_its_checkpoint(
    folders: dict[str, Path], kind: str
) -> None:
    ids, mask = tokens()
    ours = encoder(folders[kind])
    (sizes,) = network_sizes(SimpleNamespace(encoders={"text": ours})).values()  # type: ignore[arg-type]
    again = TextFinetune(1, weights="random", model_type=kind, configuration=sizes).eval()
    again.load_state_dict(ours.state_dict())
    stream = Stream(ids, mask)
    torch.testing.assert_close(again(stream).values, ours(stream).values, atol=1e-6, rtol=1e-6)


def test_runs_of_the_encoder_of_bert_alone_open_as_before() -> None:
    options = {"weights": "random", "configuration": {"hidden_size": 12, "num_hidden_layers": 1,
               "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 50}}  # fmt: skip
    name = current_name("mmser.models.encoders.text.bert_finetune.BertFinetune")
    ours = located(name)(1, **options)  # type: ignore[misc]
    assert isinstance(ours, TextFinetune) and ours.pooling == "none"
    assert ours.network.config.model_type == "bert"


def test_segments_are_those_that_the_network_knows(folders: dict[str, Path]) -> None:
    ids, mask = tokens()
    own = torch.arange(ids.shape[1]).expand_as(ids) > 1
    out = encoder(folders["bert"], pooling="none", segments=True)(
        Stream(torch.stack([ids, own.long()], dim=-1), mask)
    )
    theirs = AutoModel.from_pretrained(folders["bert"]).eval()
    alone = theirs(ids[1:, :4], token_type_ids=own[1:, :4].long()).last_hidden_state
    torch.testing.assert_close(out.values[1:, :4], alone, atol=1e-5, rtol=1e-5)
    with pytest.raises(MmserError, match="a network with two segments; found deberta-v2"):
        encoder(folders["deberta-v2"], segments=True)


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_parts_do_not_learn(folders: dict[str, Path], kind: str) -> None:
    ids, mask = tokens()
    ours = encoder(folders[kind], frozen_layers=2, freeze_embeddings=True)
    ours(Stream(ids, mask)).values.square().sum().backward()
    learning = {name for name, one in ours.network.named_parameters() if one.grad is not None}
    assert any(".2." in f".{name}" for name in learning)
    assert not any(
        f".{layer}." in f".{name}" for name in learning for layer in ("0", "1", "embeddings")
    )


def test_more_layers_than_there_are_cannot_be_frozen(folders: dict[str, Path]) -> None:
    with pytest.raises(MmserError, match=r"frozen_layers from 0 to 3.*found 4"):
        encoder(folders["modernbert"], frozen_layers=4)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"mpnet"}))
def test_checkpointing_of_gradients_changes_no_gradient(
    folders: dict[str, Path], kind: str
) -> None:
    ids, mask = tokens()
    gradients = []
    for kept in (False, True):
        ours = encoder(folders[kind], gradient_checkpointing=kept).train()
        for module in ours.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        ours(Stream(ids, mask)).values.square().sum().backward()
        gradients.append({name: p.grad for name, p in ours.named_parameters()})
    plain, checkpointed = gradients
    for name, gradient in plain.items():
        torch.testing.assert_close(checkpointed[name], gradient, atol=1e-4, rtol=1e-4)


def test_a_network_that_cannot_compute_its_layers_twice_is_told(folders: dict[str, Path]) -> None:
    with pytest.raises(MmserError, match="compute its layers twice; found mpnet"):
        encoder(folders["mpnet"], gradient_checkpointing=True)


def test_lower_layers_learn_at_lower_rates(folders: dict[str, Path]) -> None:
    rates = encoder(folders["deberta-v2"], lr_decay=0.5).learning_rates()
    assert {rate for name, rate in rates.items() if ".layer.2." in name} == {1.0}
    assert {rate for name, rate in rates.items() if ".layer.0." in name} == {0.25}
    assert {rate for name, rate in rates.items() if ".embeddings." in name} == {0.125}


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_alone_learn(folders: dict[str, Path], kind: str) -> None:
    ids, mask = tokens()
    ours = encoder(folders[kind], lora_rank=2)
    ours(Stream(ids, mask)).values.square().sum().backward()
    learning = {name for name, one in ours.named_parameters() if one.grad is not None}
    assert learning and all("lora_" in name for name in learning)


def test_an_absent_text_is_finite_and_absent(folders: dict[str, Path]) -> None:
    ids, mask = tokens()
    mask[1] = False
    out = encoder(folders["roberta"], pooling="target")(Stream(ids, mask))
    assert out.values.isfinite().all() and out.mask.tolist() == [[True], [False]]


def test_a_checkpoint_of_another_kind_is_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(MmserError, match=r"a checkpoint of roberta in .* found model_type bert"):
        encoder(folders["bert"], model_type="roberta")


def test_a_network_of_speech_is_refused(tmp_path: Path) -> None:
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    Wav2Vec2Model(config).save_pretrained(tmp_path)
    with pytest.raises(MmserError, match=r"a text encoder in .*model_type wav2vec2"):
        encoder(tmp_path, model_type="wav2vec2")


@pytest.mark.parametrize(
    ("kind", "configuration"), [("nobody", {}), ("bert", {"hidden_size": "wide"}), ("t5", {})]
)
def test_a_configuration_of_no_text_encoder_is_refused(
    kind: str, configuration: dict[str, object]
) -> None:
    with pytest.raises(MmserError, match=r"configuration of a network|a text encoder"):
        text_network(kind, "random", configuration=configuration)

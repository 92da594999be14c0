"""MultiSER's decoders and MetaSER's systems: sizes, turns, what learns in which stage."""

import pytest
import torch
from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.batch import Stream, empty_context
from mmser.core.task import Task
from mmser.models.heads.one_vs_rest import OneVsRestHead
from mmser.models.multimodal import build_model
from mmser.runs.training_stages import list_stages
from mmser.training.loop.parameters import freeze

TASK = Task(classes=("angry", "happy", "neutral", "sad"), class_counts=(1, 1, 1, 1))
WORDS = ["corpus=emovo", "protocol=metaser4_emovo", "experiment=metaser_sources"]


def model(settings):
    torch.manual_seed(0)
    parts = instantiate(settings["model"], _convert_="all")
    return build_model(parts["encoders"], parts["fusion"], parts["head"], {"audio": 20}, TASK)


def count(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def test_a_decoder_has_8514_parameters():
    assert count(OneVsRestHead(128, TASK).decoders[0]) == 8_514


def test_logits_are_log_probabilities_and_a_batch_of_one_trains():
    head = OneVsRestHead(8, TASK).train()
    logits, values = head(torch.randn(1, 8))
    assert (logits <= 0).all() and values is None
    logits.sum().backward()


@pytest.mark.parametrize(
    ("system", "parameters"), [("metaser", 225_924), ("transser", 225_924), ("multiser", 259_464)]
)
def test_parameters_and_shape(system, parameters):
    made = model(compose("train", [f"system={system}", *WORDS])).eval()
    assert count(made) == parameters
    stream = Stream(torch.randn(2, 120, 20), torch.ones(2, 120, dtype=torch.bool))
    assert made({"audio": stream}, empty_context(2)).logits.shape == (2, 4)


def test_transser_fine_tunes_the_dense_layers_alone():
    sources, target = list_stages(compose("train", ["system=transser", *WORDS]))
    assert (
        sources.config["data"]["train_on"] == "domains"
        and target.config["data"]["train_on"] == "own"
    )
    made = model(target.config)
    freeze(made.named_parameters(), target.config["trainer"]["freeze"])
    assert count(made) == 17_028


def test_transser_may_hear_its_sources_one_after_another():
    settings = compose("train", ["system=transser_sequential", *WORDS])
    heard = [stage.config["data"]["train_on"] for stage in list_stages(settings)]
    assert heard == ["tess", "ravdess", "emodb", "own"]


def test_metaser_meta_trains_on_the_sources_then_adapts():
    settings = compose("train", ["system=metaser", *WORDS])
    meta, adapt = list_stages(settings)
    assert set(settings["domains"]) == {"tess", "emodb", "ravdess"}
    assert (meta.config["data"]["batching"], meta.config["data"]["train_on"]) == (
        "episodes",
        "domains",
    )
    objective = instantiate(meta.config["objective"], _convert_="all")(task=TASK, vector_size=128)
    assert (objective.tasks, objective.support_rows, objective.query_rows) == (8, 500, 40)
    assert (objective.inner_lr, objective.inner_steps, objective.second_order) == (2e-4, 1, False)
    assert adapt.config["optimizer"]["_target_"] == "torch.optim.SGD"
    assert adapt.config["optimizer"]["momentum"] == 0.0
    tuned = list_stages(compose("train", ["system=metaser_tuned", *WORDS]))[0].config
    assert (tuned["objective"]["inner_steps"], tuned["optimizer"]["lr"]) == (5, 1e-3)


def test_two_dense_layers_without_relu_are_one():
    head = model(compose("train", ["system=metaser", *WORDS])).head.eval()
    inner, outer = head.hidden[1], head.logits
    vector = torch.randn(5, 128)
    weight, bias = outer.weight @ inner.weight, outer.weight @ inner.bias + outer.bias
    torch.testing.assert_close(head(vector)[0], vector @ weight.T + bias, atol=1e-6, rtol=1e-5)

"""CTC against torch's own and worked cases; alpha; greedy decoding."""

from __future__ import annotations

import pytest
import torch
from hydra.utils import instantiate
from torch.nn import functional as F

from mmser.composition import compose
from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.ctc import CTC, greedy, needed_frames

TASK = Task(classes=("angry", "happy"), class_counts=(2, 2))
NAN = float("nan")


def stream(*rows: list[int], time: int | None = None) -> Stream:
    longest = time or max(map(len, rows))
    values = torch.full((len(rows), longest), 10**6)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for place, row in enumerate(rows):
        values[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[place, : len(row)] = True
    return Stream(values, mask)


def frames(lengths: list[int], size: int = 6) -> Stream:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    values = torch.randn(
        len(lengths), max(lengths), size, generator=torch.Generator().manual_seed(0)
    )
    return Stream(values.masked_fill(~mask[..., None], NAN).requires_grad_(), mask)


def outputs(encoded: Stream) -> Outputs:
    vector = encoded.filled().mean(dim=1)
    return Outputs(vector, logits=vector[:, :2], encoded={"audio": encoded})


def batch(spoken: Stream) -> Batch:
    rows = len(spoken.mask)
    return Batch(
        tuple(map(str, range(rows))),
        {},
        empty_context(rows),
        {"emotion": torch.arange(rows) % 2},
        {"characters": spoken},
    )


def objective(**options: object) -> CTC:
    torch.manual_seed(3)
    return CTC(TASK, 6, symbols=5, **options)  # type: ignore[arg-type]


def test_the_loss_is_torchs_on_each_row_alone() -> None:
    encoded, spoken = frames([9, 4, 7]), stream([1, 2, 2], [3], [4, 1, 2, 3])
    ours = objective(reduction="sum")
    expected = torch.zeros(())
    for row, length in enumerate([9, 4, 7]):
        logs = ours.output(encoded.values[row, :length]).log_softmax(-1)[:, None]
        target = spoken.values[row][spoken.mask[row]]
        one = torch.nn.CTCLoss(blank=0, reduction="sum")
        expected = expected + one(
            logs, target[None], torch.tensor([length]), torch.tensor([len(target)])
        )
    loss = ours(outputs(encoded), batch(spoken))["ctc"]
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        objective(reduction="row")(outputs(encoded), batch(spoken))["ctc"], expected / 3
    )
    loss.backward()
    gradient = encoded.values.grad
    assert (
        torch.isfinite(gradient).all()
        and gradient[1, 4:].eq(0).all()
        and gradient[1, :4].ne(0).any()
    )


def test_a_row_without_transcript_or_without_sound_adds_nothing() -> None:
    encoded, spoken = frames([9, 4, 7]), stream([1, 2], [], [3, 3])
    silent = Stream(encoded.values, encoded.mask & torch.tensor([[True], [True], [False]]))
    one = objective()(outputs(encoded), batch(stream([1, 2], [], [], time=2)))["ctc"]
    torch.testing.assert_close(objective()(outputs(silent), batch(spoken))["ctc"], one)
    assert one > 0
    assert objective(reduction="row")(outputs(silent), batch(stream([], [], [1]))) == {
        "ctc": torch.tensor(0.0)
    }


def test_a_transcript_too_long_for_its_frames_counts_and_adds_zero() -> None:
    encoded, ours = frames([3, 3]), objective()
    assert needed_frames(stream([1, 1, 2], [1, 2, 3])).tolist() == [4, 3]
    loss = ours(outputs(encoded), batch(stream([1, 1, 2], [1, 2, 3])))["ctc"]
    alone = objective()(outputs(encoded), batch(stream([], [1, 2, 3])))["ctc"]
    torch.testing.assert_close(loss, alone)
    assert int(ours.infeasible) == 1
    ours.eval()(outputs(encoded), batch(stream([1, 1, 2], [1, 2, 3])))
    assert int(ours.infeasible) == 1, "only training counts"


def test_perfect_logits_cost_nothing_and_read_as_the_word() -> None:
    path = torch.tensor([[1, 1, 0, 2, 2, 0, 2, 3]])
    encoded = Stream(F.one_hot(path, 5).float() * 30, torch.ones(1, 8, dtype=torch.bool))
    ours = CTC(TASK, 5, symbols=5)
    with torch.no_grad():
        ours.output.weight.copy_(torch.eye(5))
        ours.output.bias.zero_()
    assert ours(outputs(encoded), batch(stream([1, 2, 2, 3])))["ctc"] < 1e-4
    assert ours.decode(encoded) == [[1, 2, 2, 3]]


def test_greedy_merges_repeats_and_drops_blanks_and_padding() -> None:
    best = torch.tensor([[2, 2, 0, 2, 1, 1], [0, 3, 3, 4, 4, 1]])
    mask = torch.arange(6) < torch.tensor([6, 3])[:, None]
    assert greedy(F.one_hot(best, 5).float(), mask) == [[2, 2, 1], [3]]


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_the_total_is_cross_entropy_and_alpha_times_ctc(alpha: float) -> None:
    words = ["system=wav2vec2_mtl_small", "corpus=generic", "protocol=ravdess8_group4"]
    config = compose("train", [*words, f"objective.weights.transcript={alpha}"])["objective"]
    combined = instantiate(config, _convert_="all")(task=TASK, vector_size=6)
    encoded, spoken = frames([9, 7]), stream([1, 2], [3])
    losses = combined(outputs(encoded), batch(spoken))
    term = combined.terms[1]
    logs = term.output(encoded.filled()).log_softmax(-1).transpose(0, 1)
    ctc = F.ctc_loss(
        logs, spoken.filled(), torch.tensor([9, 7]), torch.tensor([2, 1]), reduction="sum"
    )
    entropy = F.cross_entropy(encoded.filled().mean(1)[:, :2], torch.tensor([0, 1]))
    torch.testing.assert_close(sum(losses.values()), entropy + alpha * ctc, atol=1e-6, rtol=1e-6)
    sum(losses.values()).backward()
    assert bool(term.output.weight.grad.eq(0).all()) is (alpha == 0.0)


def test_a_missing_stream_and_an_alphabet_too_large_are_said() -> None:
    with pytest.raises(MmserError, match="a stream of characters named 'characters'; found none"):
        objective()(outputs(frames([3])), Batch(("a",), {}, empty_context(1)))
    with pytest.raises(MmserError, match="numbered below 5; found number 7"):
        objective()(outputs(frames([3])), batch(stream([7])))
    with pytest.raises(MmserError, match="reduction sum, row or length; found 'mean'"):
        objective(reduction="mean")

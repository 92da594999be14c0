"""The acceptance checks of the compact graph network."""

import numpy as np
import pytest
import torch
from scipy.fft import dct
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.compact_gcn import CompactGCN, GraphConvolution, graph_basis
from mmser.models.fusion.step_concat import StepConcat
from mmser.models.heads.segment_average import SegmentAverage
from mmser.models.multimodal import MultimodalModel, build_model

NODES = 120


def laplacian(kind: str, nodes: int = NODES, degrees: float = 1.0) -> np.ndarray:
    """Straight from the definition; ``degrees`` multiplies the degree matrix of the
    normalised one.
    """
    adjacency = np.diag(np.ones(nodes - 1), 1) + np.diag(np.ones(nodes - 1), -1)
    if kind == "cycle":
        adjacency[0, -1] = adjacency[-1, 0] = 1
    degree = np.diag(adjacency.sum(axis=1))
    if kind != "normalised":
        return degree - adjacency
    root = np.diag(1 / np.sqrt(np.diag(degree)))
    return root @ (degree * degrees - adjacency) @ root


def system(classes: int = 4, size: int = 35, **encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: CompactGCN(input_size, **encoder)},
        StepConcat,
        SegmentAverage,
        {"audio": size},
        Task(classes=tuple(map(str, range(classes)))),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("size", "classes", "expected"),
    [(35, 4, 38_916), (33, 4, 38_660), (34, 4, 38_788), (33, 7, 39_047)],
)
def test_parameter_count_is_exact(size: int, classes: int, expected: int) -> None:
    assert count(system(classes, size)) == expected


def test_the_two_convolutions_are_the_papers_thirty_thousand() -> None:
    convolutions = CompactGCN(35).convolutions
    assert [count(part) for part in convolutions] == [13_120, 16_832] and count(
        convolutions
    ) == 29_952


@pytest.mark.parametrize("kind", ["dct2", "normalised", "cycle"])
def test_basis_diagonalises_its_laplacian(kind: str) -> None:
    vectors, values = (part.numpy() for part in graph_basis(NODES, kind))
    assert np.abs(vectors.T @ vectors - np.eye(NODES)).max() < 1e-12
    assert np.abs(laplacian(kind) @ vectors - vectors * values).max() < 1e-12


def test_cycle_eigenvalues_come_in_pairs() -> None:
    _, values = graph_basis(NODES, "cycle")
    assert len(np.unique(values.numpy().round(9))) == 61


def test_doubled_degrees_have_the_same_eigenvectors() -> None:
    vectors = graph_basis(NODES, "normalised")[0].numpy()
    products = vectors.T @ laplacian("normalised", degrees=2.0) @ vectors
    assert np.abs(products - np.diag(np.diag(products))).max() < 1e-12


def test_line_transform_is_the_dct_and_the_cycles_is_the_dft() -> None:
    clip = np.random.default_rng(0).normal(size=(NODES, 5))
    line, cycle = graph_basis(NODES, "dct2")[0].numpy(), graph_basis(NODES, "cycle")[0].numpy()
    assert np.abs(line.T @ clip - dct(clip, type=2, norm="ortho", axis=0)).max() < 1e-10
    power, spectrum = (cycle.T @ clip) ** 2, np.abs(np.fft.rfft(clip, axis=0)) ** 2 / NODES
    spectrum[1:-1] *= 2  # both signs of a frequency share its eigenspace
    pairs = np.concatenate([power[:1], power[1:-1].reshape(-1, 2, 5).sum(axis=1), power[-1:]])
    assert np.abs(pairs - spectrum).max() < 1e-10


def test_reversing_a_line_flips_odd_rows_alone() -> None:
    clip = torch.randn(NODES, 3, dtype=torch.float64)
    line = graph_basis(NODES, "dct2")[0]
    signs = (-1.0) ** torch.arange(NODES)[:, None]
    torch.testing.assert_close(line.T @ clip.flip(0), signs * (line.T @ clip))


@pytest.mark.parametrize("kind", ["dct2", "normalised", "cycle"])
def test_identity_and_polynomial_filters(kind: str) -> None:
    values = torch.randn(2, 30, 4)
    same = GraphConvolution(30, kind, nn.Identity())
    assert (same(values) - values).abs().max() < 1e-5
    spectrum = graph_basis(30, kind)[1].float()[:, None]

    class Filter(nn.Module):
        def forward(self, rows: Tensor) -> Tensor:
            return rows * (1 + 0.5 * spectrum - 0.2 * spectrum**2)

    matrix = torch.from_numpy(laplacian(kind, 30)).float()
    expected = values + 0.5 * matrix @ values - 0.2 * matrix @ (matrix @ values)
    assert (GraphConvolution(30, kind, Filter())(values) - expected).abs().max() < 1e-5
    assert not same.basis.requires_grad and "basis" not in dict(same.named_parameters())


@pytest.mark.parametrize(("nodes", "frames", "chunks"), [(120, 260, 2), (60, 260, 4), (120, 50, 1)])
def test_shapes(nodes: int, frames: int, chunks: int) -> None:
    out = CompactGCN(33, nodes=nodes).eval()(full(torch.randn(2, frames, 33)))
    assert out.values.shape == (2, chunks, 128) and out.mask.all()


def test_a_short_clip_repeats_its_last_frame() -> None:
    encoder = CompactGCN(5, nodes=10).eval()
    values = torch.randn(1, 6, 5)
    longer = torch.cat([values, values[:, -1:].expand(1, 4, 5)], dim=1)
    torch.testing.assert_close(encoder(full(values)).values, encoder(full(longer)).values)


def test_the_clip_is_the_mean_probability_of_its_chunks() -> None:
    model = system(size=5, nodes=10).eval()
    values = torch.randn(1, 25, 5)
    whole = model({"audio": full(values)}, empty_context(1)).logits.softmax(dim=1)
    parts = [
        model({"audio": full(values[:, s : s + 10])}, empty_context(1)).logits.softmax(dim=1)
        for s in (0, 10)
    ]
    torch.testing.assert_close(whole, torch.stack(parts).mean(dim=0))


def test_unit_range_is_stretched() -> None:
    plain, stretched = (
        CompactGCN(5, nodes=10).eval(),
        CompactGCN(5, nodes=10, unit_range=True).eval(),
    )
    stretched.load_state_dict(plain.state_dict())
    values = torch.rand(1, 10, 5)
    torch.testing.assert_close(stretched(full(values)).values, plain(full(values * 2 - 1)).values)


@pytest.mark.parametrize("pooling", ["sum", "mean", "max"])
def test_poolings(pooling: str) -> None:
    encoder = CompactGCN(5, nodes=10, pooling=pooling).eval()
    graphs = torch.randn(3, 10, 5)
    nodes = encoder.convolutions[1](encoder.convolutions[0](graphs).relu()).relu()
    expected = nodes.amax(dim=1) if pooling == "max" else getattr(nodes, pooling)(dim=1)
    torch.testing.assert_close(encoder.embedding(graphs), expected)


def test_unknown_choices_are_an_error() -> None:
    with pytest.raises(MmserError, match="pooling sum, mean or max; found 'cycle', 'average'"):
        CompactGCN(5, pooling="average")


def test_overfits_32_graphs() -> None:
    model = system(size=5, nodes=12, dropout=0.0).train()
    stream, target = full(torch.randn(32, 12, 5)), torch.arange(32) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        logits = model({"audio": stream}, empty_context(32)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 150 steps")

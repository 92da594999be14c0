"""Procrustes, CSLS and the adversary against rotations that are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.extraction.embedding_spaces.adversary import Adversary, adversarial_mapping
from mmser.extraction.embedding_spaces.mapping import align_spaces, axes_mapping, refined
from mmser.extraction.embedding_spaces.similarity import closeness, csls_dictionary, procrustes
from mmser.extraction.embedding_spaces.vector_file import Vectors, read_vectors, write_vectors


def rotation(size: int, seed: int = 0) -> torch.Tensor:
    matrix = torch.randn(size, size, generator=torch.Generator().manual_seed(seed))
    return torch.linalg.qr(matrix).Q


def words(count: int, size: int, seed: int = 1) -> torch.Tensor:
    """Unlike in each direction, so that only one rotation fits."""
    values = torch.randn(count, size, generator=torch.Generator().manual_seed(seed))
    return torch.cat(
        [values[:, :1].exp(), values[:, 1:] * torch.linspace(2.0, 0.3, size - 1)], dim=1
    )


def test_procrustes_recovers_a_rotation() -> None:
    source, turn = torch.randn(500, 100, generator=torch.Generator().manual_seed(0)), rotation(100)
    found = procrustes(source, source @ turn.T)
    torch.testing.assert_close(found, turn, atol=1e-4, rtol=0)
    torch.testing.assert_close(found @ found.T, torch.eye(100), atol=1e-4, rtol=0)


def test_procrustes_is_the_best_orthogonal_matrix() -> None:
    source, target = words(60, 5), words(60, 5, seed=2)
    best = procrustes(source, target)
    residual = (source @ best.T - target).norm()
    for seed in range(20):
        assert residual <= (source @ rotation(5, seed).T - target).norm()
    assert residual < (source @ best - target).norm(), "the transposed pairing"


def test_the_dictionary_pairs_equal_vectors_and_passes_over_hubs() -> None:
    source = torch.nn.functional.normalize(
        torch.randn(40, 12, generator=torch.Generator().manual_seed(3)), dim=1
    )
    order = torch.randperm(40, generator=torch.Generator().manual_seed(4))
    pairs = csls_dictionary(source, source[order])
    assert len(pairs) == 40 and torch.equal(order[pairs[:, 1]], pairs[:, 0])
    # A hub: close to all of the source, and to each closer than its own noisy partner.
    noisy = source + 0.9 * torch.randn(40, 12, generator=torch.Generator().manual_seed(5)) / 12**0.5
    hub = torch.cat([noisy, 3 * source.mean(dim=0, keepdim=True)])
    found = csls_dictionary(source, hub)
    assert (found[:, 0] == found[:, 1]).float().mean() > 0.9


def test_refinement_ends_at_the_rotation() -> None:
    text, turn = words(400, 8), rotation(8)
    speech = text @ turn  # so that W = turn
    start = turn + 0.15 * torch.randn(8, 8, generator=torch.Generator().manual_seed(6))
    for _ in range(3):
        pairs = csls_dictionary(speech @ start.T, text)
        start = procrustes(speech[pairs[:, 0]], text[pairs[:, 1]])
    torch.testing.assert_close(start, turn, atol=1e-4, rtol=0)


def test_the_adversary_finds_a_rotation_and_refinement_brings_it_home() -> None:
    text = words(150, 3)
    angle = torch.tensor(0.7)
    turn = torch.eye(3)
    turn[:2, :2] = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    speech = (text @ turn)[torch.randperm(150, generator=torch.Generator().manual_seed(7))]
    small = Adversary(steps=300, batch_size=64, hidden_size=32, dropout=0.0, discriminator_steps=2)
    mapping = adversarial_mapping(speech, text, small)
    away = (torch.eye(3) - turn).norm()
    assert (mapping - turn).norm() < 0.5 * away
    assert (mapping @ mapping.T - torch.eye(3)).abs().max() < 0.1
    home = refined(speech, text, mapping, 5)
    assert (home - turn).norm() < 0.1 * away
    torch.testing.assert_close(home @ home.T, torch.eye(3), atol=1e-5, rtol=0)


def planted(
    seed: int, size: int = 16, count: int = 800
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Speech, text, and for each spoken word its place in the text or -1: 20 unequal clusters,
    turned, with noise.

    The words of each side stand by their Zipf frequency as that side happened to count it, and nine
    in a hundred of them are the side's own.
    """
    generator = torch.Generator().manual_seed(seed)
    wide = torch.linspace(2.0, 0.3, size)
    centres = torch.randn(20, size, generator=generator) * wide
    cluster = torch.multinomial(
        0.05 + torch.rand(20, generator=generator) ** 2, count, True, generator=generator
    )
    widths = 0.2 + 0.6 * torch.rand(20, size, generator=generator)
    text = centres[cluster] + widths[cluster] * torch.randn(count, size, generator=generator) * wide
    speech = text @ rotation(size, seed + 100) + 0.05 * text.std() * torch.randn(
        count, size, generator=generator
    )
    zipf = -torch.arange(1.0, count + 1).log()
    read, heard = (
        (zipf + 0.3 * torch.randn(count, generator=generator)).argsort(descending=True)
        for _ in range(2)
    )
    read, heard = read[: int(0.95 * count)], heard[heard >= 0.05 * count]
    place = torch.full((count,), -1).scatter(0, read, torch.arange(len(read)))
    return speech[heard], text[read], place[heard]


def share_found(
    mapping: torch.Tensor, speech: torch.Tensor, text: torch.Tensor, place: torch.Tensor
) -> float:
    """Of the spoken words that the text has, those whose nearest text vector is their own."""
    nearest = torch.cdist(speech @ mapping.T, text).argmin(dim=1)
    return float((nearest == place)[place >= 0].float().mean())


@pytest.mark.parametrize("seed", [0, 3, 5])  # 5: tails alone turn some axes the wrong way
def test_a_planted_map_between_clustered_clouds_is_found_without_a_dictionary(seed: int) -> None:
    speech, text, place = planted(seed)
    assert (place >= 0).float().mean() < 0.97
    found = align_spaces(speech, text, Adversary(steps=0))
    assert share_found(found, speech, text, place) > 0.95
    torch.testing.assert_close(found @ found.T, torch.eye(16), atol=1e-5, rtol=0)
    # Refinement alone does not find it: the start does.
    without = align_spaces(speech, text, Adversary(steps=0), start="identity")
    assert share_found(without, speech, text, place) < 0.2
    assert closeness(speech @ found.T, text) > closeness(speech @ without.T, text) + 0.05


def test_axes_are_laid_on_axes_with_their_longer_tails_on_one_side() -> None:
    text, turn = words(2000, 4), torch.diag(torch.tensor([1.0, -1.0, 1.0, -1.0])) @ rotation(4)
    text = text + text.square() * torch.linspace(0.3, 0.1, 4)  # a tail along every axis
    torch.testing.assert_close(axes_mapping(text @ turn, text), turn, atol=1e-3, rtol=0)


def test_an_adversary_that_goes_astray_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    speech, text, place = planted(0)
    monkeypatch.setattr(
        "mmser.extraction.embedding_spaces.mapping.adversarial_mapping", lambda *_: rotation(16, 5)
    )
    assert share_found(align_spaces(speech, text, Adversary(steps=1)), speech, text, place) > 0.95
    lost = align_spaces(speech, text, Adversary(steps=1), start="identity")
    assert share_found(lost, speech, text, place) < 0.2, "or this test shows nothing"


def test_the_adversary_hands_back_the_closest_mapping_on_its_way() -> None:
    text = words(150, 3)
    settings = {"batch_size": 16, "hidden_size": 16, "lr": 1.0, "dropout": 0.0}
    scores = []
    for steps in (2, 4, 6, 8):
        alone = adversarial_mapping(text, text, Adversary(steps=steps, check_every=100, **settings))
        scores.append(closeness(text @ alone.T, text))
    assert max(scores) != scores[-1], "the last is not the best, or this test shows nothing"
    kept = adversarial_mapping(text, text, Adversary(steps=8, check_every=2, **settings))
    assert closeness(text @ kept.T, text) == max(scores)


def test_the_same_seed_gives_the_same_mapping() -> None:
    short, text = Adversary(steps=3, batch_size=8, hidden_size=8), words(20, 3)
    one, again = (adversarial_mapping(text, text, short, seed=1) for _ in range(2))
    assert torch.equal(one, again)
    assert not torch.equal(one, adversarial_mapping(text, text, short, seed=2))


def test_files_come_back_as_they_were_written(tmp_path: Path) -> None:
    vectors = Vectors(["hallo", "welt"], torch.tensor([[0.5, -1.25], [3e-5, 2.0]]))
    write_vectors(vectors, tmp_path / "v.txt")
    back = read_vectors(tmp_path / "v.txt")
    assert back.words == vectors.words
    torch.testing.assert_close(back.values, vectors.values)
    (tmp_path / "w2v.txt").write_text("2 2\na 1 2\nb 3 4\n")
    assert read_vectors(tmp_path / "w2v.txt").words == ["a", "b"]
    (tmp_path / "bad.txt").write_text("a 1 2\nb 3\n")
    with pytest.raises(MmserError, match=r"2 numbers per line .*found 1 in line 2"):
        read_vectors(tmp_path / "bad.txt")
    for value in ("nan", "x", "inf"):
        (tmp_path / "bad.txt").write_text(f"a 1 2\nb 3 {value}\n")
        with pytest.raises(
            MmserError, match=rf"finite numbers in line 2 of .*bad\.txt; found 3 {value}"
        ):
            read_vectors(tmp_path / "bad.txt")
    with pytest.raises(MmserError, match="a text file of word vectors; found no file"):
        read_vectors(tmp_path / "none.txt")
    with pytest.raises(MmserError, match="vectors of one size; found 2 and 3"):
        align_spaces(torch.zeros(1, 2), torch.zeros(1, 3))

"""Features written for use elsewhere are the same numbers for NumPy, for `datasets` and here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.store import Store
from mmser.cache.writer import open_writer
from mmser.cli import main
from mmser.core.clip import Failure, Features
from mmser.core.errors import MmserError
from mmser.corpora.manifest import write_manifest
from mmser.extraction.array_files import read_exported

IDS = ["a", "b/c", "../d e"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of (time, 2) with times and one of a vector each; the last utterance has failed."""
    folder = tmp_path_factory.mktemp("exported")
    table = pd.DataFrame({"id": [*IDS, "lost"], "corpus": "small", "speaker": ["s", "t", "t", "s"]})
    write_manifest(
        table.assign(emotion=["sad", None, "sad", None]), folder / "small/manifest.parquet"
    )
    generator = np.random.default_rng(0)
    for name, steps in (("words", None), ("statistics", 1)):
        recipe = Recipe(name, "tests.Fake", 1, {}, dtype="float32")
        directory = store_directory(folder, "small", name, "", recipe.fingerprint)
        with open_writer(directory, recipe) as writer:
            for number, key in enumerate(IDS, 1):
                values = generator.normal(size=(steps or number, 2)).astype("f4")
                spans = None if steps else np.cumsum(np.ones((number, 2), "f4"), axis=0)
                writer.add([Entry(key, "0" * 64, Features(values, spans=spans))])
            writer.add([Entry("lost", "0" * 64, Failure("lost", "silence"))])
            writer.finish()
    return folder


def check_same(found: dict[str, Features], store: Store) -> None:
    assert set(found) == set(IDS)
    for name, features in found.items():
        np.testing.assert_array_equal(features.values, store.read(name), strict=True)
        spans = store.spans(name)
        assert (features.spans is None) == (spans is None)
        np.testing.assert_array_equal(features.spans, spans) if spans is not None else None


def exported(cache: Path, name: str, form: str, out: Path) -> Store:
    words = ["export-features", f"store={cache / 'small' / name}", f"out={out}", "--format", form]
    assert main(words) == 0
    assert main(words) == 1  # nothing that is there is replaced
    (directory,) = (cache / "small").glob(f"{name}-*")
    return Store(directory)


@pytest.mark.parametrize("name", ["words", "statistics"])
def test_npy_files_and_their_table(cache: Path, name: str, tmp_path: Path) -> None:
    out = tmp_path / "npy"
    store = exported(cache, name, "npy", out)
    table = pd.read_csv(out / "table.csv").set_index("id")
    assert table["speaker"].to_dict() == {"a": "s", "b/c": "t", "../d e": "t"}
    assert table["emotion"].notna().tolist() == [True, False, True]
    for key in IDS:
        np.testing.assert_array_equal(np.load(out / table["features"][key]), store.read(key))
    found = read_exported(out)
    assert found is not None
    check_same(found, store)
    text = (out / "table.csv").read_text().replace("features/a.npy", "../a.npy")
    (out / "table.csv").write_text(text)
    with pytest.raises(MmserError, match=r"found '\.\./a\.npy' in table\.csv"):
        read_exported(out)


@pytest.mark.parametrize("name", ["words", "statistics"])
def test_a_dataset_of_hugging_face(cache: Path, name: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    store = exported(cache, name, "datasets", tmp_path / "saved")
    loaded = datasets.load_from_disk(str(tmp_path / "saved")).with_format("numpy")
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "data-00000-of-00001.arrow",
        "dataset_info.json",
        "state.json",
    ]
    for row in loaded:
        expected = store.read(str(row["id"]))
        np.testing.assert_array_equal(row["features"], expected if name == "words" else expected[0])
        assert row["features"].dtype == np.float32
    assert list(loaded["emotion"]) == ["sad", None, "sad"]
    found = read_exported(tmp_path / "saved")
    assert found is not None
    check_same(found, store)
    with pytest.raises(MmserError, match=r"the columns id and other"):
        read_exported(tmp_path / "saved", "other")

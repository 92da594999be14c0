"""Arrays of others become stores: every layout, the ledger, the fingerprint."""

from pathlib import Path

import numpy as np
import pytest

from mmser.cache.store import Store, find_store
from mmser.core.errors import MmserError
from mmser.corpora.generic import Generic
from mmser.extraction.array_files import read_arrays
from mmser.extraction.import_features import import_features

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def corpus(tmp_path: Path) -> Generic:
    (tmp_path / "manifest.csv").write_text(
        "id,speaker,transcript\nd1/a,s,one\nd1/b,s,two\nc,t,three\n"
    )
    return Generic(tmp_path, name="small")


def test_rows_by_a_table_of_ids(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("utterance\nc\nd1/a\n007\n")
    np.savez(tmp_path / "f.npz", text=ROWS, label=np.zeros(3))
    np.save(tmp_path / "f.npy", ROWS)
    for found in (
        read_arrays(tmp_path / "f.npz", "text", tmp_path / "ids.csv", "utterance"),
        read_arrays(tmp_path / "f.npy", None, tmp_path / "ids.csv", "utterance"),
    ):
        assert list(found) == ["c", "d1/a", "007"]
        np.testing.assert_array_equal(found["d1/a"], [[2, 3]])


def test_an_array_per_utterance(tmp_path: Path) -> None:
    sequence = np.ones((4, 2), np.float32)
    np.savez(tmp_path / "f.npz", **{"c": sequence, "d1/a": ROWS[0]})
    (tmp_path / "folder" / "d1").mkdir(parents=True)
    np.save(tmp_path / "folder" / "c.npy", sequence)
    np.save(tmp_path / "folder" / "d1" / "a.npy", ROWS[0])
    for found in (read_arrays(tmp_path / "f.npz"), read_arrays(tmp_path / "folder")):
        assert {key: values.shape for key, values in found.items()} == {"c": (4, 2), "d1/a": (1, 2)}


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("id\na\na\n")
    np.savez(tmp_path / "f.npz", text=ROWS, label=np.zeros(3))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    cases = [
        (("f.npz", "text", "ids.csv"), "found 3 rows, and 2 lines with 1 different ids"),
        (("f.npz", "audio", "ids.csv"), "the array 'audio'.*found only text, label"),
        (("f.npz", "label", "ids.csv"), r"an array \(utterance, feature\).*shape \(3,\)"),
        (("objects.npy", None, "ids.csv"), "Python objects in dtype"),
        (("broken.npz", None, None), "numpy arrays in .*broken"),
        (("absent.npz", None, None), "No such file"),
    ]
    for (path, array, ids), message in cases:
        with pytest.raises(MmserError, match=message):
            read_arrays(tmp_path / path, array, tmp_path / ids if ids else None)


def test_a_store_with_its_ledger(tmp_path: Path, corpus: Generic) -> None:
    arrays = {"c": ROWS, "d1/a": np.array([[np.nan, 1.0]]), "of no utterance": ROWS}
    table = import_features(
        corpus, "mine", arrays, tmp_path / "cache", "face", frame_rate=5.0, max_failures=1.0
    )
    store = Store(find_store(tmp_path / "cache", "small", "mine"))
    assert table.loc[0, ["done", "failed"]].to_list() == [1, 2]
    assert list(store.ids) == ["c"]
    np.testing.assert_array_equal(store.read("c"), ROWS)
    assert store.frame_rate("c") == 5.0 and store.info["parameters"]["modality"] == "face"
    errors = dict(zip(store.index["id"], store.index["error"], strict=True))
    assert errors == {"c": "", "d1/a": "not finite", "d1/b": "missing file"}
    with pytest.raises(MmserError, match="at most 50% of the utterances to fail"):
        import_features(corpus, "mine", arrays, tmp_path / "cache", "face", frame_rate=5.0)


def test_the_fingerprint_is_the_numbers(tmp_path: Path, corpus: Generic) -> None:
    def directory(arrays: dict[str, np.ndarray]) -> str:
        return str(
            import_features(corpus, "mine", arrays, tmp_path, "text", max_failures=1.0).loc[
                0, "directory"
            ]
        )

    first = directory({"c": ROWS, "d1/a": ROWS})
    assert directory({"d1/a": ROWS, "c": ROWS.copy(), "other": ROWS}) == first
    assert directory({"c": ROWS, "d1/a": ROWS + 1}) != first
    assert directory({"c": ROWS.astype(np.int32), "d1/a": ROWS.astype(np.int32)}) != first


def test_ids_of_another_corpus_are_refused(tmp_path: Path, corpus: Generic) -> None:
    with pytest.raises(
        MmserError, match=r"utterances of small, such as d1/a, d1/b; found x\. Check the ids"
    ):
        import_features(corpus, "mine", {"x": ROWS}, tmp_path, "text")

"""Real weights from their packages: skipped with a line where these are not installed."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from makers.real_weights import placed

from mmser.core.errors import UsageError
from mmser.extractors.transcripts.word_vectors import VectorFile
from mmser.weights.placing import _write_zipped_folder, place


def test_whisper_tiny_en_loads_and_knows_its_alignment_heads(tmp_path: Path) -> None:
    import whisper

    path = placed("tiny.en", tmp_path)
    assert path == tmp_path / "whisper" / "tiny.en.pt"
    model = whisper.load_model(str(path), "cpu")
    assert (model.dims.n_audio_layer, model.dims.n_audio_state) == (4, 384)
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny.en"])
    heads = model.alignment_heads.indices().T.tolist()
    assert torch.load(path, weights_only=True)["alignment_heads"] == heads


def test_faster_whisper_reads_what_is_placed_beside(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    from mmser.media.transcription.faster_whisper import FasterWhisper

    placed("tiny.en", tmp_path)
    recogniser = FasterWhisper("tiny.en", tmp_path / "faster-whisper", "en", device="cpu")
    assert len(recogniser.parameters()["weights"]) == 64
    hum = np.sin(np.arange(16000) / 20).astype(np.float32) * 0.1
    assert recogniser.transcribe([hum])[0].source == "faster-whisper-tiny.en"
    # Whoever placed an earlier version's file alone gets the rest.
    shutil.rmtree(tmp_path / "faster-whisper")
    place("tiny.en", tmp_path)
    assert not (tmp_path / "faster-whisper").exists()
    place("tiny.en", tmp_path, every_form=True)
    assert (tmp_path / "faster-whisper" / "tiny.en" / "tokenizer.json").is_file()


def test_minilm_is_a_folder_that_transformers_reads(tmp_path: Path) -> None:
    from transformers import AutoModel

    path = placed("minilm", tmp_path)
    model, report = AutoModel.from_pretrained(path, output_loading_info=True)
    assert model.config.hidden_size == 384 and not report["missing_keys"]


def test_mpnet_keeps_its_folders_and_is_read_by_its_own_class(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    path = placed("mpnet", tmp_path)
    assert (path / "1_Pooling" / "config.json").is_file() and not (path / "README.md").exists()
    model = AutoModel.from_pretrained(path)
    assert (model.config.model_type, model.config.hidden_size) == ("mpnet", 768)
    assert AutoTokenizer.from_pretrained(path)("hello")["input_ids"][0] == 0


def test_pieces_of_an_archive_become_one_folder(tmp_path: Path) -> None:
    archive = io.BytesIO()
    names = ("top/config.json", "top/1_Pooling/config.json", "top/run.py", "top/../../out.json")
    with zipfile.ZipFile(archive, "w") as written:
        for name in names:
            written.writestr(name, name * 50)
    content = archive.getvalue()
    files = {}
    for number, piece in enumerate((content[:90], content[90:200], content[200:])):
        files[f"a.zip.00{number}"] = tmp_path / str(number)
        files[f"a.zip.00{number}"].write_bytes(piece)
    _write_zipped_folder(files, tmp_path / "weights")
    placed_files = [path for path in tmp_path.rglob("*") if path.suffix == ".json"]
    assert sorted(str(path.relative_to(tmp_path)) for path in placed_files) == [
        "weights/1_Pooling/config.json",
        "weights/config.json",
    ]
    assert not (tmp_path / "weights" / "run.py").exists()


def test_glove_has_the_published_numbers(tmp_path: Path) -> None:
    vectors = VectorFile(placed("glove50", tmp_path), 50)
    the = vectors.get("the")
    assert the is not None
    # The first line of the published glove.6B.50d.txt.
    np.testing.assert_allclose(the[:4], [0.418, 0.24968, -0.41242, 0.1217], rtol=1e-6)
    assert vectors.get("sandberger") is not None


def test_what_lies_there_is_not_placed_again(tmp_path: Path) -> None:
    (tmp_path / "glove.6B.50d.txt").write_text("the 1\n")
    assert place("glove50", tmp_path).read_text() == "the 1\n"


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"tiny\.en, base, minilm.*'small'"):
        place("small", Path())

"""Which options are paths, and how they are found from another folder."""

from mmser.settings.paths import is_path, rooted, with_base


def test_which_options_are_paths():
    paths = ["corpus.root", "cache", "run", "word_vectors", "weights", "paths.weights", "extractor.glove.weights",
             "transcriber.model", "model.encoders.audio.weights", "domains.emodb.corpus.root", "protocol.label_file",
             "stages.a.model.encoders.audio.weights", "out"]  # fmt: skip
    others = ["objective.weights", "objective.weights.emotion", "stages.a.objective.weights", "seeds", "model.fusion",
              "corpus.name", "extractors", "transcript", "experiment"]  # fmt: skip
    assert [key for key in paths if not is_path(key)] == []
    assert [key for key in others if is_path(key)] == []


def test_a_runs_paths_are_found_from_another_folder(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "cache").mkdir(parents=True)
    there.mkdir()
    (here / "vectors.txt").touch()
    saved = with_base({"cache": "cache", "run": None, "word_vectors": "vectors.txt", "weights": "random",
                       "paths": {"cache": "cache", "weights": "weights"}, "folds": ["cache"],
                       "corpus": {"root": str(here / "corpus"), "name": "cache"}}, here)  # fmt: skip
    assert rooted(saved, here) == saved
    found = rooted(saved, there)
    assert found["cache"] == found["paths"]["cache"] == str(here / "cache")
    assert found["word_vectors"] == str(here / "vectors.txt")
    changed = {"cache", "paths", "word_vectors"}
    assert {key: value for key, value in found.items() if key not in changed} == {
        key: value for key, value in saved.items() if key not in changed
    }
    assert found["paths"]["weights"] == "weights"
    earlier = {key: value for key, value in saved.items() if key != "paths"}
    assert rooted(earlier, there) == earlier

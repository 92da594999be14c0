"""Paths as people type them."""

from pathlib import Path

from mmser.core.paths import expanded, is_there


def test_a_home_folder_is_one_where_there_is_such_a_user() -> None:
    assert expanded("~/x") == Path.home() / "x"
    assert expanded("~nosuchuser/x") == Path("~nosuchuser/x")
    assert expanded("a/~b") == Path("a/~b")


def test_a_path_that_nothing_can_have_is_not_there(tmp_path: Path) -> None:
    assert is_there(tmp_path, Path.is_dir)
    assert not any(
        is_there(path) for path in (tmp_path, tmp_path / "none", Path("x" * 5000), Path("a\0b"))
    )

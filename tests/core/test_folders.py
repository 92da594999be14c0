"""Folders as clusters have them: links to other disks, links in circles, links to nowhere."""

from pathlib import Path

import pytest

from mmser.core.folders import files_below, folders_below


def test_links_are_followed_and_each_real_folder_is_there_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk, root = tmp_path / "disk", tmp_path / "root"
    for name in ("far/two.wav", "far/deep/three.wav"):
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).touch()
    (root / "near").mkdir(parents=True)
    (root / "near" / "one.wav").touch()
    (root / "a_link").symlink_to(root / "near")
    (root / "b_link").symlink_to(disk / "far")
    (root / "c_link").symlink_to(disk / "far" / "deep")
    (root / "near" / "up").symlink_to(root)
    (disk / "far" / "round").symlink_to(disk)
    (root / "file.wav").symlink_to(disk / "far" / "two.wav")
    (root / "gone").symlink_to(tmp_path / "nowhere")
    names = [path.relative_to(root).as_posix() for path in files_below(root)]
    assert names == ["b_link/deep/three.wav", "b_link/two.wav", "file.wav", "near/one.wav"]
    assert "1 symbolic links below" in caplog.text and "lead nowhere" in caplog.text
    (tmp_path / "rootlink").symlink_to(root)
    assert len(files_below(tmp_path / "rootlink")) == 4
    assert root / "near" in folders_below(root)


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert files_below(tmp_path / "none") == []

"""Files that came with a folder are read with bounds: each wrong one ends in one error, at once."""

import pytest

from mmser.core import saved
from mmser.core.errors import MmserError
from mmser.core.saved import read_saved_json, read_saved_yaml

BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "list instead of a mapping"),
        ("", "NoneType instead of a mapping"),
        ("a: [1", "undamaged"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: " + "[" * 5000 + "]" * 5000, "undamaged"),
        ("a: " + "[" * 150 + "]" * 150, "nested more than 100 deep"),
        (BOMB, "more than 1,000,000 values"),
        ("a: &a [*a]", "nested more than 100 deep"),
        ("a: 2020-01-01", "a plain value was expected, not date"),
        ("a: " + "9" * 5000, "undamaged"),
        ("a: [x, {b: '${oc.env:HOME}'}]", "plain values in"),
        ('a: "\\x24{oc.env:HOME}"', "plain values in"),
        ("'${a}': 1", "plain values in"),
        ("a: \x00", "undamaged"),
    ],
)
def test_a_wrong_yaml_is_told(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MmserError, match=message):
        read_saved_yaml(path)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "{", "\xff", "1" * 5000, ""])
def test_a_wrong_json_is_told(tmp_path, text):
    path = tmp_path / "fold.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(MmserError, match=r"undamaged .*fold\.json"):
        read_saved_json(path)


def test_a_file_larger_than_any_is_not_read(tmp_path, monkeypatch):
    for name, read in (("config.yaml", read_saved_yaml), ("fold.json", read_saved_json)):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(2**30)  # a hole: takes no room
        with pytest.raises(MmserError, match=r"1073741824 bytes where \d+ are plenty"):
            read(path)


def test_what_is_right_is_read(tmp_path):
    shared = [1, 2.5, None, True, "ä"]
    (tmp_path / "a.yaml").write_text("a: &a [1, 2.5, null, true, ä]\nb: *a\n", encoding="utf-8")
    assert read_saved_yaml(tmp_path / "a.yaml") == {"a": shared, "b": shared}
    (tmp_path / "a.json").write_text('{"a": "${kept}"}', encoding="utf-8")
    assert read_saved_json(tmp_path / "a.json") == {"a": "${kept}"}
    assert saved.DEPTH < 1000

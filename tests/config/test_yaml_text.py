from __future__ import annotations

import pytest

from tf_dlth.config.yaml_text import LONGEST, parse_yaml
from tf_dlth.errors import UserError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("5E-4", 0.0005), ("1.e-3", 0.001), (".1", 0.1), ("+2e3", 2000.0), ("-1e2", -100.0), ("0", 0),
        ("1e5x", "1e5x"), ("e-3", "e-3"), ("1e", "1e"), ("1", 1), ("yes", True), ("null", None), ("", None),
        ("'1e-3'", "1e-3"), ("{a: [1e-1, b]}", {"a": [0.1, "b"]}),
    ],
)  # fmt: skip
def test_values_as_people_write_them(text: str, value: object):
    found = parse_yaml(text, "config")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: a\nname: b", r"at line 1, column 1: key 'name' is given twice"),
        ("name: a\ndata:\n  split: 1\n  split: 2", "at line 3, column 3: key 'split' is given twice"),
        ("name: [", "is not valid YAML at line 1"),
        ("name: a\n\tseed: 1", "is not valid YAML at line 2, column 1"),
        ("name: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("name: a\nseed: !!bool x", "is not valid YAML"),
        ("name: a\nseed: !!int x", "is not valid YAML"),
        ("name: a\nseed: !!timestamp x", "is not valid YAML"),
        ("name: a\nseed: 2024-99-99", "is not valid YAML"),
        ("name: a\nseed: " + "1" * 5000, "is not valid YAML"),
        ("name: a\n? [1, 2]\n: 3", "unhashable key"),
        ("name: a\nseed: *missing", "aliases are not read"),
        ("name: a\x00b", "is not valid YAML"),
        ("a: " * 5 + "b", "is not valid YAML"),
        ("name: " + "[" * 50_000, "is not valid YAML"),
    ],
    ids=range(15),
)
def test_text_that_is_no_yaml(text: str, problem: str):
    with pytest.raises(UserError, match=problem) as refusal:
        parse_yaml(text, "some.yaml")
    assert str(refusal.value).startswith("some.yaml is not valid YAML")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_as_much_is_read_as_a_person_writes():
    assert parse_yaml("x" * LONGEST, "config") == "x" * LONGEST
    with pytest.raises(UserError, match=r"^config is too long: 65,537 characters, at most 65,536 are read$"):
        parse_yaml("x" * (LONGEST + 1), "config")


BOMB = "name: a\n" + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("a11:", "seed:"),
        "name: a\ndata: {normalisation: {mean: &m [*m], std: [1.0]}}",
        "name: a\nseed: &s {s: *s}",
        "name: a\n" + "\n".join(f"k{i}: 1" for i in range(20_000)),
        "name: " + "x" * 1_000_000,
        "name: a\n" + "k" * 100_000 + ": 1",
    ],
    ids=[
        "aliases",
        "aliases in a value",
        "a list in itself",
        "a mapping in itself",
        "many keys",
        "long value",
        "long key",
    ],
)
def test_a_file_that_unfolds_stays_cheap(text: str):
    """Unfolded, the aliases stand for 9**12 values, which no test would live to see."""
    with pytest.raises(UserError, match=r"aliases are not read|is too long"):
        parse_yaml(text, "config")

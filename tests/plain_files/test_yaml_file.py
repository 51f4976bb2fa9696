import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain_files.yaml_file import FileError, read_yaml


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("-5.e-2", -0.05),
        (".5", 0.5),
        ("12", 12),
        ("+3", 3),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        *((word, word) for word in ("on", "off", "yes", "no", "y", "none", "None", "inf")),
        *((word, word) for word in ("2020-01-01", "12:30", "1_000", "0b11", "1e", "=", "1.2.3")),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
    ],
)
def test_a_value_is_what_yaml_1_2_says(path: Path, written: str, value: object) -> None:
    path.write_text(f"a: {written}\n")
    (found,) = read_yaml(path).values()
    assert (type(found), found) == (type(value), value)


def test_nan_is_a_number(path: Path) -> None:
    path.write_text("[.nan]")
    assert math.isnan(read_yaml(path)[0])


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cn", "Cs", "Zl", "Zp"]))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)  # fmt: skip


@given(value=PLAIN)
def test_json_is_read_as_it_is(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    file = tmp_path_factory.mktemp("json") / "a.yaml"
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    assert read_yaml(file) == value


def test_keys_of_other_mappings_are_put_in_and_its_own_win(path: Path) -> None:
    path.write_text("base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}\nagain: *base\n")
    assert read_yaml(path) == {
        "base": {"a": 1, "b": 2},
        "mine": {"a": 1, "b": 3},
        "again": {"a": 1, "b": 2},
    }


# Each level stands for ten of the one below: a billion values in 300 bytes.
BILLION = "\n".join(
    [
        "a0: &a0 [x]",
        *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)),
    ]
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "seeds: 3\nfactors: []\nseeds: 4",
            r"line 3: the key 'seeds' must stand once in its mapping, but stands in line 1 already",
        ),
        ("a:\n  - {1: x, 1.0: y}", r"line 2: the key 1\.0 must stand once .* in line 2 already"),
        ("a: 1\nb: [1, 2", r"line 2: .*\(while parsing a flow sequence\)"),
        ("a: b: c", r"line 1: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2", r"line 2: but found another document \(expected a single document.*\)"),
        ("x: 1\ny: !!python/name:os.system ''", r"line 2: the tag .* is not known; write plain values"),
        ("a: !!binary aGk=", r"line 1: the tag .*binary' is not known; write plain values"),
        ("a: !!int x", r"line 1: 'x' is no int"),
        ("a: !!bool x", r"line 1: 'x' is no bool"),
        ("a: !!map x", r"line 1: it is tagged as a mapping, but is none"),
        ("a: !!seq x", r"line 1: it is tagged as a list, but is none"),
        ("a: !!int [1]", r"line 1: it is tagged as a single value, but is none"),
        ("? [a, b]\n: 1", r"line 1: a key must be a text or a number, but is a list or mapping"),
        ("a: 1\nb: " + "[" * 51, r"line 2: it nests more than 50 levels deep"),
        ("a: " + "{x: " * 5000, r"line 1: it nests more than 50 levels deep"),
        (BILLION, r"line 6: it has more than 100000 values, each alias counted in full"),
        ("a:\n  - &a [1, *a]", r"line 2: the alias \*a stands within what it names"),
        ("a: *b", r"line 1: found undefined alias 'b'"),
        ("a: 1\nb: \x01", r"line 2 has the character '\\x01', which no text holds\. Remove it"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_a_rule_is_told_by_file_and_line(
    path: Path, text: str, problem: str
) -> None:
    path.write_text(text)
    with pytest.raises(FileError, match=rf"^'.*mine\.yaml' must be a YAML file, but {problem}\.$"):
        read_yaml(path)


def test_text_in_another_encoding_is_told_by_its_line(path: Path) -> None:
    path.write_bytes("a: 1\nb: ä".encode("latin-1"))
    with pytest.raises(
        FileError, match=r"must be a YAML file in UTF-8, but line 2 is not\. Save it as UTF-8\.$"
    ):
        read_yaml(path)


def test_a_huge_file_is_refused_and_never_read_whole(path: Path) -> None:
    path.write_bytes(b"#" * 1_000_000)
    assert read_yaml(path) is None
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(FileError, match=r"must be smaller than 1 MB, but is not\."):
        read_yaml(path)
    with pytest.raises(FileError, match=r"'/dev/zero' must be smaller than 1 MB"):
        read_yaml(Path("/dev/zero"))


def test_what_is_no_file_is_told(path: Path) -> None:
    with pytest.raises(
        FileError, match=r"^there is no file '.*mine\.yaml'\. Check the spelling\.$"
    ):
        read_yaml(path)
    path.mkdir()
    with pytest.raises(FileError, match=r"^'.*mine\.yaml' cannot be read: Is a directory\.$"):
        read_yaml(path)

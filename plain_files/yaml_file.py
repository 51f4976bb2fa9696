"""YAML as a person means it, and as plain values only.

Numbers, truth values and null are those of YAML 1.2's core schema: 1e-3 is a number, 010 is ten, and the words
on, off, yes and no, dates and 12:30 stay words. A key that stands twice in a mapping is refused, where YAML
libraries let the last one win in silence. A file that is too large, too deep, or that its aliases make too large
is a mistake or an attack.
"""

import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import yaml

LARGEST_BYTES = 1_000_000
DEEPEST = 50
"""Lists and mappings within each other."""
MOST_VALUES = 100_000
"""With each alias counted as all that it stands for."""


class FileError(ValueError):
    """A file that cannot be read, or that breaks a rule of its format."""


def read_yaml(path: Path) -> Any:
    """The plain values of a file: mappings, lists, texts, numbers, truth values and None.

    Raises:
        FileError: If there is no such file, or it is no such YAML; one sentence, with the file and the line.
    """
    text = _text(path)
    try:
        return _StrictLoader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        raise FileError(_sentence(path, error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FileError(
            f"{str(path)!r} must be a YAML file, but line {line} has the character "
            f"{chr(error.character)!r}, which no text holds. Remove it."
        ) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise FileError(f"there is no file {str(path)!r}. Check the spelling.") from None
    except OSError as error:
        raise FileError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST_BYTES:
        raise FileError(
            f"{str(path)!r} must be smaller than 1 MB, but is not. Is it the file that you mean?"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{str(path)!r} must be a YAML file in UTF-8, but line {line} is not. Save it as UTF-8."
        ) from None


def _sentence(path: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark is not None else ""
    context = f" ({error.context})" if error.context else ""
    return f"{str(path)!r} must be a YAML file, but {line}{error.problem}{context}."


class _StrictLoader(yaml.SafeLoader):
    """Composes with the limits, then constructs plain values."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.values = 0
        self.sizes: dict[int, int] = {}
        """Id of a node to the values in it, once it is whole."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self.depth == DEEPEST:
            raise _problem(f"it nests more than {DEEPEST} levels deep", event)
        self.depth += 1
        before = self.values
        node: Any = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self.sizes:
                raise _problem(f"the alias *{event.anchor} stands within what it names", event)
            self.values += self.sizes[id(node)]
        else:
            self.values += 1
            self.sizes[id(node)] = self.values - before
        if self.values > MOST_VALUES:
            raise _problem(
                f"it has more than {MOST_VALUES} values, each alias counted in full", event
            )
        return node

    def mapping(self, node: yaml.Node) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _problem("it is tagged as a mapping, but is none", node)
        first: dict[Hashable, yaml.Node] = {}
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key: Any = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _problem(
                    "a key must be a text or a number, but is a list or mapping", key_node
                )
            if key in first:
                line = first[key].start_mark.line + 1
                raise _problem(
                    f"the key {key!r} must stand once in its mapping, but stands in line {line} already",
                    key_node,
                )
            first[key] = key_node
        return self.construct_mapping(node, deep=True)

    def sequence(self, node: yaml.Node) -> list[Any]:
        if not isinstance(node, yaml.SequenceNode):
            raise _problem("it is tagged as a list, but is none", node)
        return self.construct_sequence(node, deep=True)

    def scalar(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise _problem("it is tagged as a single value, but is none", node)
        text: str = node.value
        try:
            return SCALARS[node.tag](text)
        except (KeyError, ValueError):
            kind = node.tag.rpartition(":")[2]
            raise _problem(f"{text!r} is no {kind}", node) from None

    def unknown(self, node: yaml.Node) -> Any:
        raise _problem(f"the tag {node.tag!r} is not known; write plain values", node)


def _problem(words: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=words, problem_mark=at.start_mark)


def _whole(text: str) -> int:
    return int(text, 0) if text.startswith(("0x", "0o")) else int(text)


def _real(text: str) -> float:
    return float(re.sub(r"\.(?=[iInN])", "", text))  # .inf and .nan have no point in Python


CORE = "tag:yaml.org,2002:"
MERGE = f"{CORE}merge"

# Tag, what a plain text of it looks like, and by what it can begin; in the order in which they are tried.
PLAIN: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    # Not of the core schema: `<<` puts the keys of other mappings into this one, as in YAML 1.1.
    ("merge", r"<<", "<"),
)
SCALARS: dict[str, Callable[[str], Any]] = {
    f"{CORE}str": str,
    f"{CORE}int": _whole,
    f"{CORE}float": _real,
    f"{CORE}bool": lambda text: {"true": True, "false": False}[text.lower()],
    f"{CORE}null": lambda _: None,
}

_StrictLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in PLAIN:
    _StrictLoader.add_implicit_resolver(
        CORE + _tag, re.compile(rf"^(?:{_pattern})$"), [*_first, *([""] if _tag == "null" else [])]
    )
_StrictLoader.yaml_multi_constructors = {}
_StrictLoader.yaml_constructors = {
    f"{CORE}map": _StrictLoader.mapping,
    f"{CORE}seq": _StrictLoader.sequence,
    **dict.fromkeys(SCALARS, _StrictLoader.scalar),
    None: _StrictLoader.unknown,
}

"""YAML as a person means it: only true and false are truth values, and 1e-3 is a number.

The rules of a space's file (`designs.spaces`), said here once more: the two packages import neither the other.
"""

import re
from typing import Any

import yaml


def load_yaml(text: str) -> Any:
    """The plain values of a YAML text; the words on, off, yes and no stay words.

    Raises:
        yaml.YAMLError: If it is no YAML.
    """
    return yaml.load(text, Loader=_PlainLoader)  # a SafeLoader, which makes plain values only


class _PlainLoader(yaml.SafeLoader):
    """YAML 1.2's truth values and numbers."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:bool"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# A number with an exponent needs no point: 1e-3.
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)

"""How `ablate settings` says what can be set."""

from collections.abc import Mapping

from ablations.cli.words.console import Rows, make_console
from ablations.subjects.subject import KINDS, Setting
from plain_files.numbers import as_given


def print_settings(settings: Mapping[str, Setting]) -> None:
    """A line for each setting: its name, default, values and meaning."""
    console = make_console()
    table = Rows(("setting", "default", "values", "meaning"))
    for name, setting in settings.items():
        table.add_row(name, _written(setting.default), values_of(setting), setting.meaning)
    console.print(table)


def values_of(setting: Setting) -> str:
    """The choices, or the kinds of value that it takes."""
    if setting.choices or setting.words:
        return ", ".join(map(_written, setting.choices or setting.words))
    return " or ".join(words for kind, words in KINDS.items() if kind in setting.kinds)


def _written(value: object) -> str:
    """As a space file has it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return as_given(value)

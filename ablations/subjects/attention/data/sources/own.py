"""A function of the user's own, named by its import path."""

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.import_path import load
from ablations.subjects.attention.data.sources.content import Arrays
from ablations.subjects.attention.settings.groups import Data


def own(data: Data) -> Arrays:
    """What the user's own function gives, which `content.checked` looks into."""
    rule = (
        f"`data.name` {data.name!r} must name a function that takes the `Data` settings and returns x, y and, "
        "for padded sequences, lengths, but"
    )
    module, _, function = data.name.partition(":")
    if not module or not function:
        raise SettingError(f"{rule} that is no `package.module:function`.")
    try:
        source = load(data.name)
    except SettingError as error:
        raise type(error)(f"`data.name` {error}") from error
    if not callable(source):
        raise SettingError(f"{rule} it is {source!r}.")
    try:
        given = source(data)
    except (SettingError, MemoryError):  # there may be memory at another attempt
        raise
    except Exception as error:
        why = f"{rule} it failed: {words_of(error)}."
        # A file may be there at another attempt, which its number tells.
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, why) from error
        raise SettingError(why) from error
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise SettingError(f"{rule} it returned {_in_words(given)}.")
    return tuple(given)


def _in_words(given: object) -> str:
    if given is None:
        return "None"
    kind = type(given).__name__
    return f"a {kind} of {len(given)}" if isinstance(given, tuple | list) else f"one {kind}"

"""The sources by name, and reading one: arrays, or stored images."""

from collections.abc import Callable

from ablations.errors import SettingError, one_of
from ablations.subjects.attention.data.layouts.layouts import LAYOUTS
from ablations.subjects.attention.data.sources.archive import npz
from ablations.subjects.attention.data.sources.content import Arrays, Content, checked
from ablations.subjects.attention.data.sources.digits import digits, digits_sequence
from ablations.subjects.attention.data.sources.own import own
from ablations.subjects.attention.data.stored.stored import Stored, read_stored
from ablations.subjects.attention.settings.groups import Data

Source = Callable[[Data], Arrays]

SOURCES: dict[str, Source] = {
    "digits": digits,
    "digits_sequence": digits_sequence,
    "npz": npz,
}


def read(data: Data) -> Content | Stored:
    """All examples of the data set that the settings name.

    Raises:
        SettingError: If there is no such data set, its files are missing, or they are not images or
            sequences with a label each.
    """
    if data.name in LAYOUTS:
        return read_stored(data, LAYOUTS[data.name](data))
    if data.image_size is not None or data.stream == "streamed" or data.skip_corrupt:
        name, value = next(
            (name, getattr(data, name))
            for name, as_before in (
                ("image_size", None),
                ("stream", "auto"),
                ("skip_corrupt", False),
            )
            if getattr(data, name) != as_before
        )
        raise SettingError(
            f"`data.{name}` must be left out for {data.name!r}, whose numbers come as arrays, but is {value!r}: it is "
            f"for stored images ({', '.join(LAYOUTS)})."
        )
    if ":" in data.name:
        return checked(data, *own(data))
    source = SOURCES.get(data.name)
    if source is None:
        raise SettingError(
            one_of("data.name", data.name, [*SOURCES, *LAYOUTS])
            + " A function of your own is named `package.module:function`."
        )
    return checked(data, *source(data))

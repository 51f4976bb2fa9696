"""The sources by name, and reading one."""

from collections.abc import Callable

from ablations.errors import SettingError, one_of
from ablations.subjects.attention.data.sources.archive import npz
from ablations.subjects.attention.data.sources.cifar import cifar10, cifar100
from ablations.subjects.attention.data.sources.content import Arrays, Content, checked
from ablations.subjects.attention.data.sources.digits import digits, digits_sequence
from ablations.subjects.attention.data.sources.image_folder import folder
from ablations.subjects.attention.data.sources.own import own
from ablations.subjects.attention.settings.groups import Data

Source = Callable[[Data], Arrays]

SOURCES: dict[str, Source] = {
    "digits": digits,
    "digits_sequence": digits_sequence,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "npz": npz,
    "folder": folder,
}


def read(data: Data) -> Content:
    """All examples of the data set that the settings name.

    Raises:
        SettingError: If there is no such data set, its files are missing, or they are not images or
            sequences with a label each.
    """
    if ":" in data.name:
        return checked(data, *own(data))
    source = SOURCES.get(data.name)
    if source is None:
        raise SettingError(
            one_of("data.name", data.name, SOURCES)
            + " A function of your own is named `package.module:function`."
        )
    return checked(data, *source(data))

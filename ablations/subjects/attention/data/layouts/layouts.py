"""The layouts of stored images by the name of the data set."""

from collections.abc import Callable

from ablations.subjects.attention.data.layouts.cifar import cifar10, cifar100
from ablations.subjects.attention.data.layouts.folder import folder
from ablations.subjects.attention.data.layouts.listing import Listing
from ablations.subjects.attention.data.layouts.parquet import parquet
from ablations.subjects.attention.data.layouts.webdataset import webdataset
from ablations.subjects.attention.settings.groups import Data

LAYOUTS: dict[str, Callable[[Data], Listing]] = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "folder": folder,
    "webdataset": webdataset,
    "parquet": parquet,
}

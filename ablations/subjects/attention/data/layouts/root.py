"""Where the files of a data set lie."""

from pathlib import Path

from ablations.errors import MissingHere, SettingError
from ablations.subjects.attention.settings.groups import Data


def existing_root(data: Data) -> Path:
    """`data.root`, which must be set and exist.

    Raises:
        SettingError: If it is not, or does not.
    """
    if data.root is None:
        raise SettingError(
            f"data set {data.name!r} must be told where it lies: set `data.root` "
            "(--set data.root=PATH)."
        )
    path = Path(data.root).expanduser()
    if not path.exists():
        raise MissingHere(f"`data.root` must exist, but there is no {str(path)!r}.")
    return path

"""Which studies lie in a folder."""

import stat
from pathlib import Path


def studies_in(root: Path) -> list[Path]:
    """The folders of the studies in a folder, by name; none where there is no such folder.

    Also those that may not be looked into: whoever reads one says so, and none is missing without a word.

    Raises:
        OSError: If the folder itself may not be listed.
    """
    return [one for one in sorted(root.iterdir()) if _is_study(one)] if root.is_dir() else []


def _is_study(folder: Path) -> bool:
    try:
        return stat.S_ISREG((folder / "study.json").stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False

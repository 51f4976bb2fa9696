"""Whether a file is the user's own or was installed: the former may change from run to run."""

import sysconfig
from pathlib import Path


def is_installed(path: Path) -> bool:
    """Whether it is Python's own or lies where packages are installed."""
    whole = path.resolve()
    places = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    inside = any(whole.is_relative_to(Path(place).resolve()) for place in places if place)
    return inside or "site-packages" in whole.parts or "dist-packages" in whole.parts

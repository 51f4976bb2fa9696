"""Image files, read; and whether they are whole, before the first run: what a header and the last bytes tell."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.data.layouts.listing import Unreadable
from ablations.subjects.attention.data.stored.decode import View, decoded, pillow

if TYPE_CHECKING:  # an extra
    from PIL.Image import Image

ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
"""How a whole file of a format ends. What ends otherwise is read to see whether it is whole."""
ORIENTATION, ON_ITS_SIDE = 0x0112, 5
"""EXIF's tag, and the first of its values that exchange width and height."""


def read_image(file: Path) -> "Image":
    """The image in colour, upright as its EXIF says.

    Raises:
        SettingError: If it cannot be read, or has more than 8 bits a channel; or Pillow is not installed.
    """
    images, _ = pillow()
    try:
        image: Image = images.fromarray(decoded(file.read_bytes(), View(), place=0))
    except (OSError, Unreadable) as error:
        raise _unreadable(file, error) from error
    return image


def size_of(file: Path) -> tuple[int, int]:
    """Width and height of an image as it is looked at, and that the file is whole.

    Raises:
        SettingError: If it is no image, or truncated.
    """
    images, _ = pillow()
    try:
        with images.open(file) as image:
            end = ENDS.get(image.format)
            # Of a PNG without it, Pillow would read all pixels to look for it behind them.
            has_exif = image.format != "PNG" or "exif" in image.info
            turned = has_exif and image.getexif().get(ORIENTATION, 1) >= ON_ITS_SIDE
            size: tuple[int, int] = image.size[::-1] if turned else image.size
    except (OSError, SyntaxError, ValueError, images.DecompressionBombError) as error:
        raise _unreadable(file, error) from error
    if end is None or _last_bytes(file, len(end)) != end:
        read_image(file)
    return size


def listed(folder: Path, *, what: str) -> dict[str, Path]:
    """The files of a folder by their names without the ending; hidden ones do not count.

    Raises:
        SettingError: If there is no such folder, it is empty, or two files differ in their ending alone.
    """
    if not folder.is_dir():
        raise SettingError(f"{what} must lie in a folder {str(folder)!r}, but there is none.")
    found: dict[str, Path] = {}
    for path in _visible(folder):
        if path.stem in found:
            raise SettingError(
                f"{what} are told apart by their names without the ending, but {str(found[path.stem])!r} and "
                f"{path.name!r} have one name; rename or remove one."
            )
        found[path.stem] = path
    if not found:
        raise SettingError(f"{what} must lie in {str(folder)!r}, but the folder is empty.")
    return found


def _unreadable(file: Path, error: Exception) -> SettingError:
    said = str(error) if isinstance(error, Unreadable) else words_of(error)
    return SettingError(
        f"each image must be one that can be read, but {str(file)!r} cannot be read as one: {said}. Mend or remove it."
    )


def _visible(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _last_bytes(file: Path, count: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(-min(count, file.stat().st_size), 2)
        return stream.read()

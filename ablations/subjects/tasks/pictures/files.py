"""Image files that are whole, before the first run: what a header and the last bytes tell, else all of it."""

from collections.abc import Iterable
from pathlib import Path

from ablations.errors import SettingError
from ablations.import_path import words_of
from ablations.subjects.attention.data.sources.image_file import pillow, read_image

ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
"""How a whole file of a format ends. What ends otherwise is read to see whether it is whole."""
ORIENTATION, ON_ITS_SIDE = 0x0112, 5
"""EXIF's tag, and the first of its values that exchange width and height."""


def size_of(file: Path, *, of: str) -> tuple[int, int]:
    """Width and height of an image as it is looked at, and that the file is whole.

    Args:
        file: Where it is.
        of: What needs it, for the error's sentence.

    Raises:
        SettingError: If it is no image, or truncated.
    """
    images = pillow(of=of)
    try:
        with images.open(file) as image:
            end = ENDS.get(image.format)
            # Of a PNG without it, Pillow would read all pixels to look for it behind them.
            has_exif = image.format != "PNG" or "exif" in image.info
            turned = has_exif and image.getexif().get(ORIENTATION, 1) >= ON_ITS_SIDE
            size: tuple[int, int] = image.size[::-1] if turned else image.size
    except (OSError, SyntaxError, ValueError, images.DecompressionBombError) as error:
        raise SettingError(
            f"each image must be one that can be read, but {str(file)!r} cannot be read as one: {words_of(error)}. "
            "Mend or remove it."
        ) from error
    if end is None or _last_bytes(file, len(end)) != end:
        read_image(file, of=of, rule="each image must be one that can be read")
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


def _visible(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _last_bytes(file: Path, count: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(-min(count, file.stat().st_size), 2)
        return stream.read()

"""One image file, read as 8-bit colour."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.errors import SettingError
from ablations.import_path import words_of

if TYPE_CHECKING:  # an extra
    from PIL.Image import Image


def pillow(*, of: str) -> Any:
    """Pillow's module `Image`.

    Args:
        of: What needs it, for the error's sentence.

    Raises:
        SettingError: If it is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise SettingError(f"{of} needs Pillow: pip install 'ablations[images]'.") from None
    return Image


def read_image(file: Path, *, of: str, rule: str) -> "Image":
    """The image in colour: grey is repeated in three channels, transparency dropped, EXIF's orientation applied.

    Args:
        file: Where it is.
        of: What needs it, for the error's sentence.
        rule: What a file that is no image breaks, likewise.

    Raises:
        SettingError: If it cannot be read, or has more than 8 bits a channel; or Pillow is not installed.
    """
    images = pillow(of=of)
    from PIL import ImageOps

    try:
        with images.open(file) as image:
            _check_depth(image.mode, file)
            # Cameras store an image as its sensor lay, and say beside it which way is up.
            upright: Image = ImageOps.exif_transpose(image).convert("RGB")
            return upright
    except SettingError:
        raise
    except (OSError, SyntaxError, ValueError, images.DecompressionBombError) as error:
        raise SettingError(
            f"{rule}, but {str(file)!r} cannot be read as one: {words_of(error)}. Mend or remove it."
        ) from error


def _check_depth(mode: str, file: Path) -> None:
    # Pillow's modes of whole numbers and floats, which its conversion to colour cuts at 255.
    if mode.startswith(("I", "F")):
        raise SettingError(
            f"images must have 8 bits per channel, but {str(file)!r} has more (Pillow's mode {mode!r}); scale them "
            "to 8 bits, or put their numbers into an archive (`data.name=npz`)."
        )

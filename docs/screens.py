"""Pictures of reports as people see them: `python docs/screens.py OUT REPORT [REPORT ...]`.

Of each `index.html`: a screen of 1400 and one of 390 pixels, the first in dark, and the printed pages. A screen ends
where the page does, and is cut into pieces of `PIECE` pixels, NAME-SCREEN-1.png and on. Needs Chromium, and pdftoppm
for the printed pages.
"""

import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from PIL import Image, ImageChops

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--hide-scrollbars", "--force-device-scale-factor=1", "--virtual-time-budget=4000",
)  # fmt: skip
SCREENS = {"1400": (1400, False), "390": (390, False), "dark": (1400, True)}
TALLEST = 16000
"""Pixels; Chromium makes no taller picture."""
PIECE = 1800


def main(out: Path, reports: list[Path]) -> None:
    """Take all pictures of all reports."""
    out.mkdir(parents=True, exist_ok=True)
    for report in reports:
        # runs/NAME/report/index.html
        name = report.resolve().parents[1].name
        for screen, (width, dark) in SCREENS.items():
            cut(screenshot(report, width=width, dark=dark), out / f"{name}-{screen}.png")
        printed(report, out / f"{name}-print.pdf")


def screenshot(report: Path, *, width: int, dark: bool) -> Image.Image:
    """The whole page at that width, as tall as a picture may be."""
    # A window cannot be as narrow as a phone, but a frame in it can.
    frame = (
        f'<body style="margin:0"><iframe src="{escape(report.resolve().as_uri())}" '
        f'style="border:0;width:{width}px;height:{TALLEST}px"></iframe>'
    )
    with tempfile.TemporaryDirectory() as folder:
        page, to = Path(folder) / "frame.html", Path(folder) / "whole.png"
        page.write_text(frame, encoding="utf-8")
        browse(
            f"--screenshot={to}", f"--window-size={max(width, 500)},{TALLEST}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", page.as_uri(),
        )  # fmt: skip
        with Image.open(to) as whole:
            return trimmed(whole.convert("RGB").crop((0, 0, width, whole.height)))


def trimmed(picture: Image.Image) -> Image.Image:
    """The picture without what is of one colour at its lower end."""
    paper = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    busy = ImageChops.difference(picture, paper).getbbox()
    return picture.crop((0, 0, picture.width, busy[3] + 24)) if busy else picture


def cut(picture: Image.Image, to: Path) -> None:
    """Write the picture in pieces."""
    for number, top in enumerate(range(0, picture.height, PIECE), 1):
        piece = picture.crop((0, top, picture.width, min(top + PIECE, picture.height)))
        piece.save(to.with_stem(f"{to.stem}-{number}"))


def printed(report: Path, to: Path) -> None:
    """The pages as printed, and each as a picture."""
    browse("--no-pdf-header-footer", f"--print-to-pdf={to.resolve()}", report.resolve().as_uri())
    if shutil.which("pdftoppm"):
        subprocess.run(["pdftoppm", "-r", "60", "-png", to, to.with_suffix("")], check=True)


def browse(*arguments: str) -> None:
    """Run the browser, with a profile of its own."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("no browser: apt-get install chromium")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [browser, *QUIET, f"--user-data-dir={profile}", *arguments],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])

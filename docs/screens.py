"""Pictures of reports as people see them: `python docs/screens.py OUT REPORT [REPORT ...]`.

Of each `index.html`: a screen of 1400 and one of 390 pixels, the first in dark, and the printed pages. A picture ends
where the page does, and is cut into pieces of `PIECE` pixels. Needs Chromium, and pdftoppm for the printed pages.
"""

import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from matplotlib import image

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
            cut(screenshot(report, out / f"{name}-{screen}.png", width=width, dark=dark))
        printed(report, out / f"{name}-print.pdf")


def screenshot(report: Path, to: Path, *, width: int, dark: bool) -> Path:
    """The whole page at that width, as tall as a picture may be."""
    # A window cannot be as narrow as a phone, but a frame in it can.
    frame = (
        f'<body style="margin:0"><iframe src="{escape(report.resolve().as_uri())}" '
        f'style="border:0;width:{width}px;height:{TALLEST}px"></iframe>'
    )
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "frame.html"
        page.write_text(frame, encoding="utf-8")
        browse(
            f"--screenshot={to.resolve()}", f"--window-size={max(width, 500)},{TALLEST}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", page.as_uri(),
        )  # fmt: skip
    image.imsave(to, trimmed(image.imread(to)[:, :width]))
    return to


def trimmed(picture: "image.np.ndarray") -> "image.np.ndarray":
    """The picture without what is of one colour at its lower end."""
    busy = (picture != picture[-1, 0]).any(axis=(1, 2)).nonzero()[0]
    return picture[: busy[-1] + 24] if len(busy) else picture


def cut(picture: Path) -> None:
    """Pieces beside the picture: NAME-1.png, NAME-2.png, ..."""
    whole = image.imread(picture)
    for number, top in enumerate(range(0, len(whole), PIECE), 1):
        image.imsave(picture.with_stem(f"{picture.stem}-{number}"), whole[top : top + PIECE])


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

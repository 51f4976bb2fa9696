"""How long a report takes: 300 runs in under 15 s, 10 000 runs in under 60 s, 300 runs under 5 MB.

    python benchmarks/report_speed.py

Each study is written to a temporary folder first; the report is then made in a process of its own, so
that starting Python and importing everything counts.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from synthetic_study import write_study

STUDIES = {
    "300 runs": {"gates": ("sigmoid", "one_plus_tanh"), "extra": 5, "seeds": 6, "epochs": 30},
    "10 000 runs": {"gates": ("sigmoid", "one_plus_tanh"), "extra": 249, "seeds": 5, "epochs": 30},
}
LIMITS = {"300 runs": (15.0, 5.0), "10 000 runs": (60.0, float("inf"))}


def main() -> None:
    """Print a table of seconds and megabytes beside their limits, and the same as JSON."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    print(
        f"{'study':<12} {'runs':>6} {'seconds':>8} {'limit':>6} {'verify':>7} {'page MB':>8} {'limit':>6}"
    )
    rows = []
    for name, options in STUDIES.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = write_study(Path(scratch) / "study", **options)  # type: ignore[arg-type]
            runs = len((folder / "plan.jsonl").read_text().splitlines())
            seconds = timed(
                f"from analysis.report.build import write_report as do; do(Path({str(folder)!r}))"
            )
            verify = timed(
                f"from analysis.report.verify import verify_report as do; do(Path({str(folder)!r}))"
            )
            size = (folder / "report" / "index.html").stat().st_size / 1e6
        limit, most = LIMITS[name]
        print(
            f"{name:<12} {runs:>6} {seconds:>8.1f} {limit:>6.0f} {verify:>7.1f} {size:>8.2f} {most:>6.0f}"
        )
        rows.append({"runs": runs, "seconds": seconds, "verify_seconds": verify, "page_mb": size})
    print(json.dumps(rows))


def timed(code: str) -> float:
    """Seconds of a fresh Python process that runs the code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"from pathlib import Path; {code}"], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
